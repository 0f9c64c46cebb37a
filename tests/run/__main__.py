"""``python -m tests.run check|unit|test``."""

import argparse
import sys

from tests.run.plan import Stage
from tests.run.stages import ROOT, default_jobs, run_stages

PYTHON = sys.executable
_PROGRAMS = tuple(str(path.relative_to(ROOT)) for path in sorted((ROOT / "node_image").glob("*.py")))
"""What the node image is made with."""
SOURCES = ("crds/src", "operator/src", "node_image/src", *_PROGRAMS, "tests")
BINARIES = "binaries and base image"
IMAGES = "images"
METRICS_PAGE = "docs/reference/node-metrics.md"
MUTANTS = "tests/sim/test_mutants.py"
NODE_STOPS = ("tests/node/stopping", "tests/node/reconciliation")


def _python(*arguments: str) -> tuple[str, ...]:
    return (PYTHON, "-u", "-m", *arguments)


def _pytest(*arguments: str) -> tuple[str, ...]:
    return _python("pytest", "-q", *arguments)


def _slow(*arguments: str) -> tuple[str, ...]:
    """Return a command that tells each test: one takes seconds."""
    return _python("pytest", "-v", *arguments)


CHECK = (
    Stage("types", _python("mypy", "--no-error-summary", *SOURCES)),
    Stage("format", _python("ruff", "format", "--check", "--quiet", *SOURCES)),
    Stage("lint", _python("ruff", "check", "--quiet", *SOURCES)),
    Stage("import walls", (PYTHON, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")),
    Stage("generated files are current", _python("trading_operator.generate", "--check")),
    Stage("the venues' table is current", _python("trading_node.venues.support", "--check")),
    Stage("the metrics' page is current", _python("trading_node.metrics_reference", "--check", METRICS_PAGE)),
)
OPERATOR_ROOMS = ("api", "operator", "bench", "cluster", "run")
"""Folders of tests/unit that need no Nautilus: half of the fast tests, which then does not wait for its import."""


def _rooms(*, of_operator: bool) -> list[str]:
    folders = sorted(path for path in (ROOT / "tests" / "unit").iterdir() if any(path.glob("test_*.py")))
    return [f"tests/unit/{path.name}" for path in folders if (path.name in OPERATOR_ROOMS) is of_operator]


UNIT = (
    Stage("fast tests of the node", _pytest(*_rooms(of_operator=False))),
    # Whether histories find planted bugs is for the whole run.
    Stage("fast tests of the operator", _pytest(*_rooms(of_operator=True), "tests/sim", f"--ignore={MUTANTS}")),
)
# What finds most in the least time comes first; of the rest, the longest: all rows of stages then end together.
TEST = (
    *CHECK,
    # Seconds once its cache is full; before, it compiles for minutes, with all processors.
    Stage(BINARIES, _python("tests.cluster", "build"), alone=True),
    Stage("unit tests, many examples", _pytest("tests/unit", "tests/run", "--hypothesis-profile=thorough")),
    Stage("simulated histories", _pytest("tests/sim", "--hypothesis-profile=thorough")),
    Stage("nodes that stop and start again", _slow(*NODE_STOPS, "--hypothesis-profile=thorough")),
    Stage(
        "node processes",
        _slow("tests/node", *(f"--ignore={folder}" for folder in NODE_STOPS), "--hypothesis-profile=thorough"),
    ),
    Stage("ledger: killed nodes and the venue's own books", _slow("tests/ledger")),
    Stage("API server", _slow("tests/api"), needs=(BINARIES,)),
    Stage("venue simulator", _slow("tests/venue")),
    Stage(IMAGES, _python("tests.cluster", "images"), needs=(BINARIES,)),
    # A fixture's time counts as its first test's: bringing a cluster up and filling its nodes is not a test that hangs.
    Stage("end to end on a cluster", _slow("tests/e2e", "--timeout=900"), needs=(IMAGES,), alone=True),
)


def main() -> int:
    """Run the stages of one goal."""
    parser = argparse.ArgumentParser(prog="python -m tests.run", description=__doc__)
    parser.add_argument("goal", choices=("check", "unit", "test"))
    parser.add_argument("--keep-going", action="store_true", help="run what can still succeed although a stage failed")
    parser.add_argument(
        "--jobs", type=int, default=default_jobs(), help="stages at once; default: one more than processors"
    )
    arguments = parser.parse_args()
    stages = {"check": CHECK, "unit": UNIT, "test": TEST}[arguments.goal]
    keep_going = arguments.keep_going or arguments.goal == "check"
    return run_stages(stages, keep_going=keep_going, jobs=arguments.jobs)


if __name__ == "__main__":
    sys.exit(main())
