"""Named commands, several at once, with progress, times and an orderly end on Ctrl-C.

Most stages wait as often as they compute, so that one more than the machine has processors keeps these busy.
"""

import os
import queue
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tests.run.plan import Stage, check_needs, next_stages

ROOT = Path(__file__).resolve().parents[2]
MOST_JOBS = 4
FAILURES_FILE = "TESTS_RUN_FAILURES"
"""Environment variable: the file to which a stage's tests write what failed, a line each."""
LAST_WORDS_SECONDS = 1.0
"""How long the end of a stage's output is waited for: what it left running may hold the pipe open."""


def default_jobs() -> int:
    """Return how many stages run at once on this machine."""
    return min(MOST_JOBS, len(os.sched_getaffinity(0)) + 1)


@dataclass(frozen=True)
class Outcome:
    """How a stage ended; ``cpu_seconds`` are those of all its processes, ``failures`` the lines of its failed tests."""

    stage: Stage
    seconds: float
    cpu_seconds: float
    returncode: int
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Interruption:
    """SIGINT or SIGTERM arrived."""

    number: int


type Happening = Outcome | Interruption


class _Running:
    """A stage's process, and the thread that waits for its end and tells it."""

    def __init__(self, stage: Stage, tell: Callable[[Happening], None], prefix: str | None) -> None:
        self._stage = stage
        self._tell = tell
        self._prefix = prefix
        self._began = time.monotonic()
        self._failures = tempfile.NamedTemporaryFile("r", prefix="tests-run-", errors="replace")  # noqa: SIM115
        # A session of its own: Ctrl-C then reaches the stage once, through us, and not twice.
        self._process = subprocess.Popen(
            stage.command,
            cwd=ROOT,
            env=os.environ | {FAILURES_FILE: self._failures.name},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=None if prefix is None else subprocess.PIPE,
            stderr=None if prefix is None else subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        threading.Thread(target=self._wait, daemon=True).start()

    def interrupt(self) -> None:
        """Ask it to clean up after itself and end."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def _wait(self) -> None:
        listener = threading.Thread(target=self._repeat, daemon=True)
        listener.start()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        listener.join(LAST_WORDS_SECONDS)
        code = self._process.returncode
        with self._failures:
            failures = tuple(self._failures.read().splitlines())
        self._tell(
            Outcome(
                self._stage,
                time.monotonic() - self._began,
                usage.ru_utime + usage.ru_stime,
                # A stage that a signal ended has failed; the run itself was not interrupted by it.
                code if code >= 0 else 1,
                failures,
            )
        )

    def _repeat(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                for line in lines:
                    _say(f"{self._prefix}{line}")


def _say(text: str) -> None:
    # One write for a line: stages that run together then mix their lines, and not their letters.
    sys.stdout.write(text)
    sys.stdout.flush()


def run_stages(stages: Sequence[Stage], *, keep_going: bool = False, jobs: int = 1) -> int:
    """Run the stages, up to ``jobs`` at once.

    Return 0 when all succeeded, else the first failing code; 130 or 143 when interrupted.
    """
    check_needs(stages)
    began = time.monotonic()
    run = _Run(stages, keep_going=keep_going, jobs=jobs)
    # Told like everything else that happens: an exception out of the handler could lose a stage that just begins.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda arrived, _frame: run.tell(Interruption(arrived)))
    try:
        run.to_the_end()
    except BaseException:
        run.interrupt()
        raise
    _print_summary(run.outcomes, not_run=run.not_run, total=time.monotonic() - began)
    return run.code


class _Run:
    def __init__(self, stages: Sequence[Stage], *, keep_going: bool, jobs: int) -> None:
        self.outcomes: list[Outcome] = []
        self._stages = stages
        self._keep_going = keep_going
        self._jobs = jobs
        self._running: dict[str, _Running] = {}
        self._happenings: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self._interrupted = 0
        width = len(str(len(stages)))
        self._numbers = {stage.title: f"[{n:>{width}}/{len(stages)}] " for n, stage in enumerate(stages, start=1)}

    @property
    def not_run(self) -> list[str]:
        """Titles of the stages that never began."""
        begun = {outcome.stage.title for outcome in self.outcomes} | self._running.keys()
        return [stage.title for stage in self._stages if stage.title not in begun]

    @property
    def code(self) -> int:
        """Return code of the whole run."""
        failures = [outcome.returncode for outcome in self.outcomes if outcome.returncode]
        return self._interrupted or next(iter(failures), 0)

    def tell(self, happening: Happening) -> None:
        """Take note of an event, from any thread or signal handler."""
        self._happenings.put(happening)

    def to_the_end(self) -> None:
        """Begin what can begin, until nothing runs and nothing more begins.

        Stages that are interrupted clean up after themselves; a second interruption ends the waiting for it.
        """
        self._begin_next()
        while self._running:
            happening = self._happenings.get()
            if isinstance(happening, Outcome):
                self._end(happening)
                self._begin_next()
                continue
            if self._interrupted:
                return
            self._interrupted = 128 + happening.number
            self.interrupt()

    def interrupt(self) -> None:
        """Ask whatever runs to end."""
        for running in self._running.values():
            running.interrupt()

    def _begin_next(self) -> None:
        if self._interrupted:
            return
        ended = {outcome.stage.title: outcome.returncode for outcome in self.outcomes}
        running = self._running.keys()
        for stage in next_stages(
            self._stages, running=running, ended=ended, jobs=self._jobs, keep_going=self._keep_going
        ):
            self._begin(stage)

    def _begin(self, stage: Stage) -> None:
        number = self._numbers[stage.title]
        _say(f"\n{number}{stage.title}\n")
        shared = self._jobs > 1 and not stage.alone
        self._running[stage.title] = _Running(stage, self.tell, number if shared else None)

    def _end(self, outcome: Outcome) -> None:
        del self._running[outcome.stage.title]
        if self._interrupted:
            outcome = replace(outcome, returncode=self._interrupted)
        self.outcomes.append(outcome)
        title = outcome.stage.title
        _say(f"{self._numbers[title]}{title}: {_result(outcome)} after {outcome.seconds:.0f} s\n")


def _result(outcome: Outcome) -> str:
    return "ok" if outcome.returncode == 0 else f"FAILED ({outcome.returncode})"


def _print_summary(outcomes: Sequence[Outcome], *, not_run: Sequence[str], total: float) -> None:
    lines = ["", f"{'stage':<50} {'seconds':>8}  {'cpu':>6}  result"]
    lines += [
        f"{outcome.stage.title:<50} {outcome.seconds:>8.1f}  {outcome.cpu_seconds:>6.0f}  {_result(outcome)}"
        for outcome in outcomes
    ]
    lines += [f"{title:<50} {'':>8}  {'':>6}  not run" for title in not_run]
    lines.append(f"{'total':<50} {total:>8.1f}  {sum(outcome.cpu_seconds for outcome in outcomes):>6.0f}")
    # Once more at the end, where a person looks first, and where a log that is cut has it still.
    lines += [line for outcome in outcomes for line in outcome.failures]
    lines += [f"again: {shlex.join(outcome.stage.command)}" for outcome in outcomes if outcome.returncode]
    _say("\n".join(lines) + "\n")
