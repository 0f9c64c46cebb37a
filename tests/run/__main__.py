"""``python -m tests.run check|unit|test``."""

import argparse
import sys

from tests.run.stages import Stage, run_stages

PYTHON = sys.executable
SOURCES = ("crds/src", "operator/src", "node_image/src", "tests")


def _python(*arguments: str) -> tuple[str, ...]:
    return (PYTHON, "-m", *arguments)


def _pytest(*arguments: str) -> tuple[str, ...]:
    return _python("pytest", "-q", *arguments)


CHECK = (
    Stage("format", _python("ruff", "format", "--check", "--quiet", *SOURCES)),
    Stage("lint", _python("ruff", "check", "--quiet", *SOURCES)),
    Stage("types", _python("mypy", "--no-error-summary", "crds/src", "operator/src", "node_image/src", "tests")),
    Stage("import walls", (PYTHON, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")),
    Stage("generated files are current", _python("trading_operator.generate", "--check")),
)
UNIT = (Stage("fast tests", _pytest("tests/unit", "tests/sim")),)
THOROUGH = (
    Stage("unit tests, many examples", _pytest("tests/unit", "--hypothesis-profile=thorough")),
    Stage("simulated histories", _pytest("tests/sim", "--hypothesis-profile=thorough")),
)
PROCESSES = (
    Stage("node processes", _pytest("tests/node", "--hypothesis-profile=thorough")),
    Stage("venue simulator", _pytest("tests/venue")),
    Stage("ledger: killed nodes and the venue's own books", _pytest("tests/ledger")),
)
API = (Stage("API server", _pytest("tests/api")),)
CLUSTER = (
    Stage("binaries and base image", _python("tests.cluster", "build")),
    Stage("images", _python("tests.cluster", "images")),
    # A fixture's time counts as its first test's: bringing a cluster up and filling its nodes is not a test that hangs.
    Stage("end to end on a cluster", _pytest("tests/e2e", "-v", "--timeout=900")),
)


def main() -> int:
    """Run the stages of one goal."""
    parser = argparse.ArgumentParser(prog="python -m tests.run", description=__doc__)
    parser.add_argument("goal", choices=("check", "unit", "test"))
    parser.add_argument("--keep-going", action="store_true", help="run the later stages although one has failed")
    arguments = parser.parse_args()
    goals = {"check": CHECK, "unit": UNIT, "test": CHECK + THOROUGH + PROCESSES + CLUSTER[:1] + API + CLUSTER[1:]}
    return run_stages(goals[arguments.goal], keep_going=arguments.keep_going or arguments.goal == "check")


if __name__ == "__main__":
    sys.exit(main())
