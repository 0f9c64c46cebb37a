"""Stages as real processes: their output, their end, and the run's end on a signal."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run.plan import Stage
from tests.run.stages import ROOT, run_stages

PROGRAM = """
import sys
from tests.run.plan import Stage
from tests.run.stages import run_stages
script = sys.argv[1]
stages = [Stage(title, ("sh", "-c", script, title)) for title in ("one", "two")] + [Stage("three", ("true",))]
sys.exit(run_stages(stages, jobs=2))
"""


@pytest.fixture(autouse=True)
def _handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave pytest's own answer to Ctrl-C in place."""
    monkeypatch.setattr("tests.run.stages.signal.signal", lambda *_: None)


def shell(title: str, script: str, *needs: str) -> Stage:
    return Stage(title, ("sh", "-c", script), needs=needs)


def test_lines_of_stages_that_run_together_say_whose_they_are(capfd: pytest.CaptureFixture[str]) -> None:
    stages = [shell("one", "echo first; echo second >&2"), shell("two", "printf unfinished")]
    assert run_stages(stages, jobs=2) == 0
    said = capfd.readouterr().out
    assert {"[1/2] first", "[1/2] second"} <= set(said.splitlines())
    assert "[2/2] unfinished" in said


def test_the_first_failure_is_the_result_and_what_follows_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    stages = [shell("one", "exit 3"), shell("two", "exit 0", "one"), shell("three", "exit 4")]
    assert run_stages(stages) == 3
    said = capfd.readouterr().out
    assert re.search(r"^one .* FAILED \(3\)$", said, re.MULTILINE)
    assert re.search(r"^two .* not run$", said, re.MULTILINE)
    assert re.search(r"^three .* not run$", said, re.MULTILINE)
    assert "again: sh -c 'exit 3'" in said


def test_keeping_going_runs_what_still_can_succeed(capfd: pytest.CaptureFixture[str]) -> None:
    stages = [shell("one", "exit 3"), shell("two", "exit 0", "one"), shell("three", "exit 4")]
    assert run_stages(stages, keep_going=True) == 3
    said = capfd.readouterr().out
    assert re.search(r"^two .* not run$", said, re.MULTILINE)
    assert re.search(r"^three .* FAILED \(4\)$", said, re.MULTILINE)


def test_failed_tests_are_told_once_more_at_the_end(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    (tmp_path / "test_sums.py").write_text(
        "import pytest\n"
        "def test_right(): assert 1 + 1 == 2\n"
        "def test_wrong(): assert 1 + 1 == 3\n"
        "@pytest.fixture\ndef broken(): raise RuntimeError('no table')\n"
        "def test_never(broken): pass\n"
    )
    command = (sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), str(tmp_path))
    assert run_stages([Stage("sums", command), shell("other", "true")], keep_going=True) == 1
    summary = capfd.readouterr().out.split("\nstage ")[1]
    failed = [line for line in summary.splitlines() if line.startswith("FAILED ")]
    assert [line.split(" (")[0] for line in failed] == [
        "FAILED test_sums.py::test_wrong",
        "FAILED test_sums.py::test_never",
    ]
    assert "assert (1 + 1) == 3" in failed[0]
    assert "RuntimeError: no table" in failed[1]


def test_a_stage_that_dies_by_a_signal_has_failed() -> None:
    assert run_stages([shell("one", "kill -TERM $$")]) == 1


def test_the_processor_time_is_that_of_the_whole_family(capfd: pytest.CaptureFixture[str]) -> None:
    busy = f"{sys.executable} -S -c 'import time\nwhile time.process_time() < 0.6: pass'; true"
    assert run_stages([shell("one", busy)]) == 0
    (seconds,) = re.findall(r"^one +[\d.]+ +(\d+)  ok$", capfd.readouterr().out, re.MULTILINE)
    assert int(seconds) >= 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_lets_its_stages_clean_up(tmp_path: Path, number: signal.Signals) -> None:
    script = f"trap 'echo cleaned $0; exit 0' INT; echo begun $0 > {tmp_path}/$0; while :; do sleep 0.05; done"
    command = [sys.executable, "-c", PROGRAM, script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ) as run:
        try:
            assert run.stdout is not None
            while not all((tmp_path / title).exists() for title in ("one", "two")):
                assert run.poll() is None
            run.send_signal(number)
            said = run.stdout.read()
            assert run.wait(10) == 128 + number
        finally:
            run.kill()
    assert {"[1/3] cleaned one", "[2/3] cleaned two"} <= set(said.splitlines())
    assert re.search(r"^three .* not run$", said, re.MULTILINE)
