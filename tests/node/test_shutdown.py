"""Signals and the stop's budget, in processes of their own."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from trading_api.exit_codes import ExitCode

PROGRAM = """
import sys, threading, time
from trading_node.shutdown import Shutdown
from trading_node.stop_signals import block_signals

block_signals()
shutdown = Shutdown(sys.argv[1], budget_seconds=float(sys.argv[2]))
shutdown.start()
asked = threading.Event()
{phase}
print("ready", flush=True)
{work}
"""


def run(
    tmp_path: Path, phase: str, work: str, *signals: signal.Signals, budget: float = 22.0
) -> tuple[int, float, str]:
    """Run a program, signal it once it is ready; return its exit code, how long it took to end, and its errors."""
    program = PROGRAM.format(phase=phase, work=work)
    command = [sys.executable, "-c", program, str(tmp_path / "last-words"), str(budget)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == "ready\n"
            asked = time.monotonic()
            for number in signals:
                process.send_signal(number)
                time.sleep(0.05)
            code = process.wait(10)
            return code, time.monotonic() - asked, process.stderr.read()
        finally:
            process.kill()


def test_before_there_is_anything_to_stop_the_process_ends_at_once(tmp_path: Path) -> None:
    code, took, _ = run(tmp_path, "", "time.sleep(60)", signal.SIGTERM)
    assert code == 0
    assert took < 5.0
    assert not (tmp_path / "last-words").exists()


def test_a_stop_is_heard_from_another_thread(tmp_path: Path) -> None:
    work = "asked.wait(); sys.exit(7)"
    assert run(tmp_path, "shutdown.on_stop(asked.set)", work, signal.SIGTERM)[0] == 7


def test_a_stop_that_does_not_end_is_ended_and_said(tmp_path: Path) -> None:
    # The main thread holds the interpreter as a strategy's endless loop does.
    phase = "shutdown.on_stop(asked.set)"
    code, took, errors = run(tmp_path, phase, "while True: pass", signal.SIGTERM, signal.SIGTERM, budget=2.5)
    assert code == ExitCode.STOP_INCOMPLETE
    assert 0.5 < took < 5.0
    assert "while True" in errors or "<string>" in errors
    assert json.loads((tmp_path / "last-words").read_text())["reason"] == "StopIncomplete"


def test_a_second_interrupt_does_not_wait(tmp_path: Path) -> None:
    phase = "shutdown.on_stop(asked.set)"
    code, took, _ = run(tmp_path, phase, "time.sleep(60)", signal.SIGINT, signal.SIGINT)
    assert code == ExitCode.STOP_INCOMPLETE
    assert took < 5.0


def test_while_nothing_can_be_stopped_yet_a_stop_is_at_once(tmp_path: Path) -> None:
    phase = "shutdown.on_stop(asked.set)"
    work = "\nwith shutdown.at_once():\n    time.sleep(60)"
    assert run(tmp_path, phase, work, signal.SIGTERM)[:1] == (0,)


def test_what_could_not_be_built_is_stopped_in_order_too(tmp_path: Path) -> None:
    """It has a failure to report, and a code to end with."""
    phase = """
shutdown.on_stop(asked.set)
try:
    with shutdown.at_once():
        raise RuntimeError("a strategy cannot be imported")
except RuntimeError:
    pass
"""
    assert run(tmp_path, phase, "asked.wait(); sys.exit(7)", signal.SIGTERM)[0] == 7
