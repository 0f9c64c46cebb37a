"""Progress of long stages: numbered lines with seconds, alive while they work."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


def line(number: int, total: int | None, title: str, text: str, seconds: float) -> str:
    """One line of progress, such as `[3/9] kube: compiling 812 of 2100 packages, 120 s`."""
    return f"[{number if total is None else f'{number}/{total}'}] {title}: {text}, {seconds:.0f} s"


class Stage:
    """A stage that is running; `say` replaces what it is doing at the moment."""

    def __init__(self, progress: "Progress", number: int, title: str) -> None:
        self._progress = progress
        self._number = number
        self._title = title
        self._text = "started"
        self._began = time.monotonic()
        self._printed = self._began

    def say(self, text: str) -> None:
        """Tell what the stage does now; shown with the next beat, not at once."""
        self._text = text

    def note(self, text: str) -> None:
        """Show a line that must not be lost among the beats."""
        self._text = text
        self.show(time.monotonic())

    def show(self, now: float) -> None:
        """Print the stage's line."""
        self._printed = now
        seconds = now - self._began
        self._progress.write(line(self._number, self._progress.total, self._title, self._text, seconds))

    def beat(self, now: float) -> None:
        """Print the stage's line when the last one is older than the interval."""
        if now - self._printed >= self._progress.interval:
            self.show(now)


class Progress:
    """Numbers the stages of one command and prints a line for each every `interval` seconds.

    Without a total where nobody knows how many there will be.
    """

    def __init__(self, total: int | None = None, *, out: TextIO | None = None, interval: float = 15.0) -> None:
        self.total = total
        self.interval = interval
        self._out = out or sys.stderr
        self._lock = threading.Lock()
        self._active: list[Stage] = []
        self._next = 1

    def write(self, text: str) -> None:
        """Print one line, whole, also when several stages work at once."""
        with self._lock:
            print(text, file=self._out, flush=True)

    @contextmanager
    def stage(self, title: str) -> Iterator[Stage]:
        """Start a numbered stage, keep it alive on the terminal, and say how long it took and how it ended."""
        with self._lock:
            stage = Stage(self, self._next, title)
            self._next += 1
            if self.total is not None:
                self.total = max(self.total, self._next - 1)
            self._active.append(stage)
        stopped = threading.Event()
        beat = threading.Thread(target=self._beat, args=(stage, stopped), daemon=True)
        beat.start()
        try:
            yield stage
        except BaseException as error:
            stage.note("interrupted" if isinstance(error, KeyboardInterrupt) else "FAILED")
            raise
        else:
            stage.note("done")
        finally:
            stopped.set()
            beat.join()
            with self._lock:
                self._active.remove(stage)

    def _beat(self, stage: Stage, stopped: threading.Event) -> None:
        while not stopped.wait(min(1.0, self.interval)):
            stage.beat(time.monotonic())
