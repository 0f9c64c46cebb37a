"""What holds for all tests."""

import gc
import os
from pathlib import Path

import pytest

from tests import examples
from tests.run.stages import FAILURES_FILE

FAILURE_LETTERS = 300
"""How much of a failed test's first line is told at the end of a run."""

examples.register()
# What collecting brings into memory stays: to look through it for garbage, again and again, finds nothing.
gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage from now on, among what tests make."""
    gc.freeze()
    gc.enable()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tell a run of several stages which test failed, and its first words on it."""
    file = os.environ.get(FAILURES_FILE)
    if report.failed and file:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = str(report.longrepr if crash is None else f"{crash.path}:{crash.lineno}: {crash.message}")
        words = next(iter(why.strip().splitlines()), "")
        with Path(file).open("a") as failures:
            failures.write(f"FAILED {report.nodeid} ({report.when}): {words[:FAILURE_LETTERS]}\n")
