"""The command line answers before anything slow is imported."""

import subprocess
import sys

import pytest

SLOW = ("nautilus_trader", "pyarrow", "pandas", "aiohttp")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--config", "nowhere.json"], ["run"]])
def test_help_and_errors_import_nothing_slow(arguments: list[str]) -> None:
    program = f"""
import sys
from trading_node.cli import main
try:
    main({arguments!r})
finally:
    print([name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert ended.stderr.splitlines()[-1] == "[]"
