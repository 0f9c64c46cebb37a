"""The queue: once at a time, once per wish, backing off, bounded, fair."""

import asyncio
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from trading_operator import work_queue
from trading_operator.work_queue import Again, Backoff, Schedule, WorkQueue


def schedule(resync: float = 600.0) -> Schedule[str]:
    return Schedule(Random(1), Backoff(first=1.0, factor=2.0, most=8.0, jitter=0.0), resync=resync)


def test_many_wishes_are_one_piece_of_work() -> None:
    one = schedule()
    for _ in range(5):
        one.add("a", 0.0)
    assert one.take(0.0) == ("a", 0.0)
    assert one.take(0.0) is None


def test_a_key_is_not_worked_on_twice_at_once_and_a_wish_meanwhile_is_kept() -> None:
    one = schedule()
    one.add("a", 0.0)
    one.take(0.0)
    one.add("a", 1.0)
    assert one.take(5.0) is None
    one.done("a", Again(), 5.0)
    assert one.take(5.0) == ("a", 4.0)


def test_failures_back_off_and_a_wish_does_not_shorten_it() -> None:
    one = schedule()
    one.add("a", 0.0)
    delays = []
    now = 0.0
    for _ in range(6):
        assert one.take(now) is not None
        delays.append(one.done("a", None, now))
        one.add("a", now + 100.0)
        assert one.take(now) is None
        now += delays[-1]
    assert delays == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    one.take(now)
    one.done("a", Again(), now)
    one.add("a", now)
    one.take(now)
    assert one.done("a", None, now) == 1.0


def test_resync_is_jittered_and_an_own_wish_comes_first() -> None:
    one = schedule(resync=100.0)
    one.add("a", 0.0)
    one.take(0.0)
    assert 80.0 <= one.done("a", Again(), 0.0) <= 120.0
    one.add("a", 1.0)
    one.take(1.0)
    assert one.done("a", Again(after=5.0), 1.0) == 5.0


def test_wishes_without_end_are_served_at_a_pace() -> None:
    """Two that change one object against each other do not keep the API server busy."""
    one, now, served = schedule(), 0.0, 0
    while now < 60.0:
        one.add("a", now)
        if one.take(now) is not None:
            served += 1
            one.done("a", Again(after=0.0), now)
        now += 0.01
    assert 80 <= served <= 95, "a burst of 30, then one a second"
    now += 60.0
    one.add("a", now)
    assert one.take(now) is not None
    one.done("a", Again(), now)
    one.add("a", now)
    assert one.take(now) is not None, "after a while it is served at once again"


def test_what_was_wished_and_done_is_not_kept_until_the_resync() -> None:
    one = schedule(resync=100_000.0)
    for second in range(5_000):
        one.add("a", float(second))
        assert one.take(float(second)) is not None
        one.done("a", Again(), float(second))
    assert len(one._heap) < 100


def test_what_is_gone_is_forgotten_unless_somebody_wants_it() -> None:
    one = schedule()
    one.add("a", 0.0)
    one.take(0.0)
    one.done("a", Again(forget=True), 0.0)
    assert len(one) == 0
    one.add("a", 0.0)
    one.take(0.0)
    one.add("a", 2.0)
    one.done("a", Again(forget=True), 2.0)
    assert one.take(2.0) is not None


def test_jitter_spreads_what_failed_together() -> None:
    backoff = Backoff(first=1.0, most=60.0, jitter=0.5)
    delays = [backoff.delay(3, Random(seed)) for seed in range(50)]
    assert len(set(delays)) == 50
    assert all(2.0 <= delay <= 4.0 for delay in delays)
    assert backoff.delay(10_000, Random(1)) <= 60.0


@examples(20)
@given(st.lists(st.tuples(st.sampled_from(["add", "take", "done", "fail"]), st.sampled_from("abc"), st.integers(0, 3))))
def test_nothing_is_lost_and_nothing_is_done_twice_at_once(steps: list[tuple[str, str, int]]) -> None:
    one, now, running, wanted = schedule(), 0.0, set[str](), set[str]()
    for step, key, wait in steps:
        now += wait
        if step == "add":
            one.add(key, now)
            wanted.add(key)
        elif step == "take":
            taken = one.take(now)
            if taken is not None:
                assert taken[0] not in running
                running.add(taken[0])
                wanted.discard(taken[0])
        elif key in running:
            one.done(key, Again() if step == "done" else None, now)
            running.discard(key)
    for key in running:
        one.done(key, Again(), now)
    drained = set()
    while (taken := one.take(now + 10.0)) is not None:
        drained.add(taken[0])
    assert wanted <= drained


async def test_workers_are_bounded_and_keys_are_serial() -> None:
    active: Counter[str] = Counter()
    most = 0
    done: Counter[str] = Counter()
    everything = asyncio.Event()

    async def work(key: str) -> Again:
        nonlocal most
        active[key] += 1
        assert active[key] == 1
        most = max(most, active.total())
        for _ in range(10):
            await asyncio.sleep(0)
        active[key] -= 1
        done[key] += 1
        if len(done) == 20 and active.total() == 0:
            everything.set()
        return Again()

    queue = WorkQueue(Schedule[str](Random(1)), work, workers=3)
    running = asyncio.create_task(queue.run())
    for number in range(60):
        queue.add(f"key-{number % 20}")
        if number % 7 == 0:
            await asyncio.sleep(0)
    await asyncio.wait_for(everything.wait(), 5)
    queue.stop()
    await running
    assert set(done) == {f"key-{number}" for number in range(20)}
    assert most == 3


async def test_a_failure_is_tried_again_and_told(caplog: pytest.LogCaptureFixture) -> None:
    tries = 0
    enough = asyncio.Event()

    async def work(_: str) -> Again | None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("boom")
        if tries == 2:
            return None
        enough.set()
        return Again()

    queue = WorkQueue(Schedule[str](Random(1), Backoff(first=0.001)), work, workers=1)
    running = asyncio.create_task(queue.run())
    queue.add("a")
    await asyncio.wait_for(enough.wait(), 5)
    queue.stop()
    await running
    assert "boom" in caplog.text


async def test_stopping_finishes_what_is_being_worked_on() -> None:
    begun, go_on, finished = asyncio.Event(), asyncio.Event(), False

    async def work(_: str) -> Again:
        nonlocal finished
        begun.set()
        await go_on.wait()
        finished = True
        return Again()

    queue = WorkQueue(Schedule[str](Random(1)), work, workers=2)
    running = asyncio.create_task(queue.run())
    queue.add("a")
    await begun.wait()
    queue.stop()
    go_on.set()
    await running
    assert finished


async def test_what_became_of_something_is_worked_on_once_and_behind_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work_queue, "LATER_SECONDS", 0.01)
    done: list[str] = []
    late, everything = asyncio.Event(), asyncio.Event()

    async def work(key: str) -> Again:
        if key == "late":
            late.set()
        await asyncio.sleep(0.1)
        done.append(key)
        if key == "told":
            everything.set()
        return Again()

    queue = WorkQueue(Schedule[str](Random(1)), work, workers=1)
    running = asyncio.create_task(queue.run())
    queue.add("first")
    queue.add("late")
    await asyncio.wait_for(late.wait(), 5)
    for _ in range(3):
        queue.add_later("told")
    queue.add("asked", 0.05)  # Later than that by the clock, and sooner than those who had to wait.
    await asyncio.wait_for(everything.wait(), 5)
    queue.stop()
    await running
    assert done == ["first", "late", "asked", "told"]


async def test_who_had_to_wait_once_delays_nothing_when_nobody_waits_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "LATER_SECONDS", 0.01)
    waits, told = {"first": 0.2}, asyncio.Event()
    loop, rested = asyncio.get_running_loop(), asyncio.Event()

    async def work(key: str) -> Again:
        await asyncio.sleep(waits.get(key, 0.0))
        if key == "late":
            loop.call_later(0.05, rested.set)
        if key == "told":
            told.set()
        return Again()

    queue = WorkQueue(Schedule[str](Random(1)), work, workers=1)
    running = asyncio.create_task(queue.run())
    queue.add("first")
    queue.add("late")
    await asyncio.wait_for(rested.wait(), 5)
    begun = loop.time()
    queue.add_later("told")
    await asyncio.wait_for(told.wait(), 5)
    assert loop.time() - begun < waits["first"]
    queue.stop()
    await running
