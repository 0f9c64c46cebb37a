"""The demo's stages: each says what it does and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to look at."""


class Steps:
    """Prints a line when a step starts and one when it is done, and all times at the end."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._times: list[tuple[str, float]] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell of a step and time it."""
        print(f"== {title}", flush=True)
        start = time.monotonic()
        yield
        seconds = time.monotonic() - start
        self._times.append((title, seconds))
        print(f"   {title}: {seconds:.1f} s", flush=True)

    def summary(self) -> list[str]:
        """All steps with their seconds, and the total."""
        rows = [*self._times, ("total", time.monotonic() - self._began)]
        return [f"  {title:<34}{seconds:>8.1f} s" for title, seconds in rows]
