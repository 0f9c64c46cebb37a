"""A demo that fails or is interrupted tells why, cleans up, and is not cut short in that."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.cluster.interrupts import interrupt_once
from tests.demo.__main__ import interrupted
from tests.demo.steps import DemoError, Steps
from tests.e2e.kubectl import KubectlError


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_failure_is_told_of_and_undone_and_raised() -> None:
    steps, seen = Steps(), list[str]()
    with (
        pytest.raises(DemoError, match="the first cause"),
        steps.undone_on_failure(lambda: seen.append("told"), lambda: seen.append("undone")),
    ):
        raise DemoError("the first cause")
    assert seen == ["told", "undone"]
    assert not steps.left_behind


def test_what_goes_wrong_while_cleaning_hides_nothing_and_is_noted() -> None:
    def fail() -> None:
        raise KubectlError("kubectl delete namespace:\n  no end after 120 s")

    steps = Steps()
    with pytest.raises(DemoError, match="the first cause"), steps.undone_on_failure(fail, fail):
        raise DemoError("the first cause")
    assert steps.left_behind == "kubectl delete namespace: no end after 120 s"


def test_an_interrupt_is_undone_and_not_explained() -> None:
    steps, seen = Steps(), list[str]()
    with (
        pytest.raises(KeyboardInterrupt),
        steps.undone_on_failure(lambda: seen.append("told"), lambda: seen.append("undone")),
    ):
        raise KeyboardInterrupt
    assert seen == ["undone"]


def test_nothing_is_undone_where_all_went_well() -> None:
    seen = list[str]()
    with Steps().undone_on_failure(lambda: seen.append("told"), lambda: seen.append("undone")):
        pass
    assert not seen


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interrupt_does_not_cut_the_cleaning_short(second: signal.Signals) -> None:
    interrupt_once()
    steps, seen = Steps(), list[str]()

    def undo() -> None:
        os.kill(os.getpid(), second)
        seen.append("undone")

    with pytest.raises(KeyboardInterrupt), steps.undone_on_failure(lambda: None, undo):
        os.kill(os.getpid(), signal.SIGINT)
    assert seen == ["undone"]


def test_the_first_interrupt_does_not_cut_the_cleaning_after_a_failure_short() -> None:
    interrupt_once()
    steps, seen = Steps(), list[str]()

    def undo() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        seen.append("undone")

    with pytest.raises(DemoError), steps.undone_on_failure(lambda: None, undo):
        raise DemoError("the first cause")
    assert seen == ["undone"]


def test_an_interrupt_while_a_failure_is_told_of_still_cleans_up() -> None:
    interrupt_once()
    steps, seen = Steps(), list[str]()
    with (
        pytest.raises(KeyboardInterrupt),
        steps.undone_on_failure(lambda: os.kill(os.getpid(), signal.SIGINT), lambda: seen.append("undone")),
    ):
        raise DemoError("the first cause")
    assert seen == ["undone"]


def test_an_interrupt_says_what_is_so() -> None:
    assert interrupted("up", "") == "interrupted; what this run started has been taken down"
    assert "is still there" in interrupted("up", "no disk")
    assert "run make demo-down again" in interrupted("down", "")


def test_steps_are_timed_and_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    with steps.step("market data"):
        pass
    assert [line.split()[:-2] for line in steps.summary()] == [["market", "data"], ["total"]]
    assert capsys.readouterr().out.startswith("== market data\n   market data: 0.0 s\n")
