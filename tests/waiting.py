"""Waiting for what comes true a moment later: the one loop of all tests."""

import time
from collections.abc import Callable


def eventually[T](
    probe: Callable[[], T | None],
    what: str,
    *,
    within: float = 60,
    every: float = 0.1,
    failure: type[Exception] = AssertionError,
) -> T:
    """Return the probe's first true answer; fail with ``what`` and the last answer when the seconds are over.

    The probe may raise to end the waiting early.
    """
    deadline = time.monotonic() + within
    while not (answer := probe()):
        if time.monotonic() >= deadline:
            raise failure(f"not within {within:g} s: {what}; last answer: {answer!r}")
        time.sleep(every)
    return answer
