"""Whether the event loop turns, measured from inside and watched from outside of it."""

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable

BEAT_SECONDS = 0.5
BLOCKED_SECONDS = 5.0
"""A loop that has not turned for so long is reported, with what it was doing."""

_log = logging.getLogger(__name__)


class LoopWatch:
    """A heartbeat on the event loop and a thread that misses it."""

    def __init__(self, on_lag: Callable[[float], None], blocked_seconds: float = BLOCKED_SECONDS) -> None:
        """on_lag hears after each beat by how many seconds it was late."""
        self._on_lag = on_lag
        self._blocked_seconds = blocked_seconds
        self._beat = time.monotonic()
        self._ended = threading.Event()
        self._loop_thread = threading.get_ident()

    async def run(self) -> None:
        """Beat until cancelled; to be started on the thread of the loop."""
        self._loop_thread = threading.get_ident()
        self._beat = time.monotonic()
        threading.Thread(target=self._watch, name="loop-watch", daemon=True).start()
        try:
            while True:
                before = time.monotonic()
                await asyncio.sleep(BEAT_SECONDS)
                self._beat = time.monotonic()
                self._on_lag(max(0.0, self._beat - before - BEAT_SECONDS))
        finally:
            self._ended.set()

    def age_seconds(self) -> float:
        """Return how long ago the loop last turned."""
        return time.monotonic() - self._beat

    def _watch(self) -> None:
        reported = 0.0
        while not self._ended.wait(self._blocked_seconds / 2):
            if self.age_seconds() > self._blocked_seconds and self._beat != reported:
                reported = self._beat
                _log.error(
                    "the event loop is blocked for %.1f s: nothing trades, reports or answers meanwhile",
                    self.age_seconds(),
                    extra={"fields": {"stack": self._stack()}},
                )

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001  # the one way to see another thread
        return "".join(traceback.format_stack(frame)) if frame else "unknown"
