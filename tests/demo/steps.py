"""The demo's stages: each says what it does and how long it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.cluster.interrupts import ignore_interrupts


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to look at."""


class Steps:
    """Prints a line when a step starts and one when it is done, and all times at the end."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._times: list[tuple[str, float]] = []
        self.left_behind = ""
        """Why what this run has started could not be taken away; empty when it could."""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell of a step and time it."""
        print(f"== {title}", flush=True)
        start = time.monotonic()
        yield
        seconds = time.monotonic() - start
        self._times.append((title, seconds))
        print(f"   {title}: {seconds:.1f} s", flush=True)

    @contextmanager
    def undone_on_failure(self, tell: Callable[[], None], undo: Callable[[], None]) -> Iterator[None]:
        """Undo what was started when the block fails or is interrupted.

        A failure is told of first, an interrupt is not. Whatever goes wrong meanwhile hides nothing that went before:
        the block's own failure is what is raised, and ``left_behind`` says why something is still there. Once the
        undoing has begun, interrupts are ignored.
        """
        try:
            yield
        except BaseException as first:
            try:
                if isinstance(first, Exception):
                    with suppress(Exception):
                        tell()
            finally:
                ignore_interrupts()
                try:
                    undo()
                except Exception as error:  # noqa: BLE001  # whatever it is, the first failure is what counts
                    self.left_behind = " ".join(str(error).split()) or type(error).__name__
            raise

    def summary(self) -> list[str]:
        """All steps with their seconds, and the total."""
        rows = [*self._times, ("total", time.monotonic() - self._began)]
        return [f"  {title:<34}{seconds:>8.1f} s" for title, seconds in rows]
