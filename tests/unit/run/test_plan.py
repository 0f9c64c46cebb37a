"""Which stages begin next."""

from random import Random

import pytest

from tests.run.plan import Stage, check_needs, next_stages


def stage(title: str, *needs: str, alone: bool = False) -> Stage:
    return Stage(title, ("true",), needs=needs, alone=alone)


def begun(
    *stages: Stage, running: tuple[str, ...] = (), jobs: int = 2, keep_going: bool = False, **ended: int
) -> list[str]:
    chosen = next_stages(stages, running=running, ended=ended, jobs=jobs, keep_going=keep_going)
    return [each.title for each in chosen]


A, B, C = stage("a"), stage("b"), stage("c")


def test_as_many_begin_as_there_are_jobs_in_their_order() -> None:
    assert begun(A, B, C) == ["a", "b"]
    assert begun(A, B, C, running=("b",), a=0) == ["c"]
    assert begun(A, B, C, running=("a", "b")) == []


def test_what_needs_another_stage_waits_for_it_and_is_passed_by() -> None:
    assert begun(A, stage("x", "a"), C) == ["a", "c"]
    assert begun(stage("x", "a"), C, running=("a",)) == ["c"]
    assert begun(A, stage("x", "a"), a=0) == ["x"]


def test_a_failure_lets_nothing_more_begin() -> None:
    assert begun(A, B, C, a=1) == []
    assert begun(A, B, C, running=("b",), a=1) == []


def test_keeping_going_leaves_out_only_what_needs_what_failed() -> None:
    x, y = stage("x", "a"), stage("y", "x")
    assert begun(A, x, y, C, keep_going=True, a=1) == ["c"]
    assert begun(A, x, y, C, keep_going=True, a=1, c=0) == []


def test_a_stage_that_wants_the_machine_to_itself_gets_it() -> None:
    x = stage("x", alone=True)
    assert begun(A, x, B) == ["a"]
    assert begun(x, A, B, running=("b",)) == []
    assert begun(x, A) == ["x"]
    assert begun(x, A, running=("x",)) == []
    assert begun(A, x, a=0) == ["x"]
    waits = stage("x", "a", alone=True)
    assert begun(waits, B, running=("a",)) == ["b"]


def test_a_need_that_is_no_earlier_stage_is_a_mistake() -> None:
    check_needs([A, stage("x", "a")])
    with pytest.raises(ValueError, match=r"stage 'x' needs \['a'\]: write titles of stages before it"):
        check_needs([stage("x", "a"), A])


@pytest.mark.parametrize("seed", range(40))
def test_every_order_of_ends_runs_every_stage_once_within_the_jobs(seed: int) -> None:
    random = Random(seed)
    count, jobs = random.randint(1, 8), random.randint(1, 4)
    stages = [
        stage(str(n), *(str(m) for m in range(n) if random.random() < 0.3), alone=random.random() < 0.3)
        for n in range(count)
    ]
    by_title = {each.title: each for each in stages}
    running: list[str] = []
    ended: dict[str, int] = {}
    while len(ended) < count:
        for each in next_stages(stages, running=running, ended=ended, jobs=jobs, keep_going=False):
            assert each.title not in running
            assert each.title not in ended
            assert all(need in ended for need in each.needs)
            running.append(each.title)
        assert 1 <= len(running) <= jobs
        assert len(running) == 1 or not any(by_title[title].alone for title in running)
        last = random.choice(running)
        running.remove(last)
        ended[last] = 0
