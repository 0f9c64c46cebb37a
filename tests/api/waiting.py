"""Waiting for what the server does a moment later."""

import time
from collections.abc import Callable


def eventually[Result](probe: Callable[[], Result | None], what: str, seconds: float = 30) -> Result:
    """Return the first true answer of a probe; fail when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return answer
