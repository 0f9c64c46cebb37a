"""What the gate takes for free on a real account of margin."""

import subprocess
import sys
from pathlib import Path

import tests.node.gate.live_balance


def test_the_margin_of_positions_and_resting_orders_is_not_used_twice(tmp_path: Path) -> None:
    command = [sys.executable, "-m", tests.node.gate.live_balance.__name__, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
