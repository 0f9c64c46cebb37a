"""Signals and the budget of a stop.

SIGTERM and SIGINT are blocked for every thread and taken by one thread that waits for them. So a stop is noticed in
every phase of life, also while the trading loop is blocked, and its budget holds: what has not ended by then is ended.
"""

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

from trading_api.exit_codes import ExitCode
from trading_node.errors import NodeError, stop_incomplete
from trading_node.stop_signals import SIGNALS
from trading_node.termination import write_termination_message

MARGIN_SECONDS = 2.0
"""The process ends this long before the budget does, so that its last words are out in time."""

_log = logging.getLogger(__name__)


class Shutdown:
    """One stop of the process: who asked for it, until when it has to be done, and what to do if it is not."""

    def __init__(self, termination_path: str, budget_seconds: float) -> None:
        self._termination_path = termination_path
        self._budget = budget_seconds - MARGIN_SECONDS
        self._lock = threading.Lock()
        self._callback: Callable[[], None] | None = None
        self._deadline: float | None = None
        self._ended = threading.Event()

    def start(self) -> None:
        """Start to wait for signals, which must be blocked already."""
        threading.Thread(target=self._wait_for_signals, name="signals", daemon=True).start()

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Have a stop call this, from another thread; until then a stop ends the process at once.

        Called at once if the stop has been asked for already.
        """
        with self._lock:
            self._callback = callback
            asked = self._deadline is not None
        if asked:
            callback()

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """While the block runs, which may hold the event loop for long, a stop ends the process at once.

        For work before there is anything to stop.
        """
        with self._lock:
            callback, self._callback = self._callback, None
            asked = self._deadline is not None
        if asked:
            end_process(ExitCode.OK)
        try:
            yield
        finally:
            if callback is not None:
                self.on_stop(callback)

    def begin(self) -> None:
        """Start the budget of the stop; later calls change nothing."""
        with self._lock:
            if self._deadline is not None:
                return
            self._deadline = time.monotonic() + self._budget
        threading.Thread(target=self._guard, name="stop-guard", daemon=True).start()

    def remaining_seconds(self) -> float:
        """Return what is left of the budget; all of it while no stop has begun."""
        if self._deadline is None:
            return self._budget
        return max(0.0, self._deadline - time.monotonic())

    def finished(self) -> None:
        """Say that the process is about to end by itself."""
        self._ended.set()

    def _wait_for_signals(self) -> None:
        first = signal.Signals(signal.sigwait(SIGNALS))
        with self._lock:
            callback = self._callback
        if callback is None:
            _log.info("%s before the node was built: there is nothing to stop", first.name)
            end_process(ExitCode.OK)
        _log.info("%s: stopping within %.0f s", first.name, self.remaining_seconds())
        self.begin()
        callback()
        while True:
            again = signal.Signals(signal.sigwait(SIGNALS))
            if again is signal.SIGINT:
                self._abandon(f"a second {again.name} asked not to wait for the stop")
            _log.warning("%s again: already stopping, %.0f s left", again.name, self.remaining_seconds())

    def _guard(self) -> None:
        if not self._ended.wait(self.remaining_seconds()):
            with contextlib.suppress(OSError, ValueError):
                faulthandler.dump_traceback(file=sys.stderr)
            self._abandon(f"the stop was not done after {self._budget:.0f} s")

    def _abandon(self, why: str) -> NoReturn:
        error = stop_incomplete(
            f"The process was ended because {why}",
            "Look at the venue for open orders and positions; the log shows what each thread was doing",
        )
        report_failure(error, self._termination_path)
        end_process(error.exit_code)


def report_failure(error: NodeError, termination_path: str) -> None:
    """Say why the process ends: one line on standard error, and the termination message."""
    with contextlib.suppress(OSError, ValueError):  # the exit code says it too
        print(f"trading-node: error: {error}", file=sys.stderr, flush=True)
    write_termination_message(error, termination_path)


def end_process(code: int) -> NoReturn:
    """End the process at once, without waiting for any thread; what was written is flushed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
