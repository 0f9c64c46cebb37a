"""A sequence of named commands with progress, times and an orderly end on Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Stage:
    """One command with a title."""

    title: str
    command: tuple[str, ...]
    cleanup: bool = False
    """Runs also after an earlier stage has failed or the run was interrupted."""


@dataclass(frozen=True)
class Outcome:
    """How a stage ended."""

    title: str
    seconds: float
    returncode: int


class InterruptedRunError(Exception):
    """SIGINT or SIGTERM arrived; its number is the argument."""


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise InterruptedRunError(number)


def _run(stage: Stage) -> int:
    # A session of its own: Ctrl-C then reaches the stage once, through us, and not twice.
    with subprocess.Popen(stage.command, cwd=ROOT, start_new_session=True) as process:
        try:
            return process.wait()
        except InterruptedRunError:
            os.killpg(process.pid, signal.SIGINT)
            # The stage cleans up after itself; a second Ctrl-C ends the waiting.
            process.wait()
            raise


def run_stages(stages: Iterable[Stage], *, keep_going: bool = False) -> int:
    """Run the stages in order.

    Return 0 when all succeeded, else the first failing code; 130 or 143 when interrupted.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    outcomes: list[Outcome] = []
    code = 0
    pending = list(stages)
    width = len(str(len(pending)))
    began = time.monotonic()
    for index, stage in enumerate(pending, start=1):
        if code and not (stage.cleanup or (keep_going and code < 128)):
            continue
        print(f"\n[{index:>{width}}/{len(pending)}] {stage.title}", flush=True)
        start = time.monotonic()
        try:
            result = _run(stage)
        except InterruptedRunError as interrupted:
            result = 128 + int(interrupted.args[0])
        outcomes.append(Outcome(stage.title, time.monotonic() - start, result))
        code = code or result
    _print_summary(outcomes, skipped=len(pending) - len(outcomes), total=time.monotonic() - began)
    return code


def _print_summary(outcomes: list[Outcome], *, skipped: int, total: float) -> None:
    print("\nstage                                               seconds  result")
    for outcome in outcomes:
        result = "ok" if outcome.returncode == 0 else f"FAILED ({outcome.returncode})"
        print(f"{outcome.title:<50} {outcome.seconds:>8.1f}  {result}")
    if skipped:
        print(f"{skipped} stage(s) not run")
    print(f"{'total':<50} {total:>8.1f}")
    sys.stdout.flush()
