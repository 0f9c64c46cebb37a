"""Replay throughput of the node's process against bare Nautilus loops over the same catalog."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.table import Row
from tests.node.throughput.__main__ import measure as measure_sides
from tests.node.throughput.__main__ import rates
from tests.node.throughput.timing import Timing

MINUTES = 1200
"""About two million events."""
ROUNDS = 3
GOAL = 0.9

type Timings = dict[str, list[Timing]]


def measure() -> Timings:
    """Run the node, a bare live loop and a backtest engine in turn, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="trading-bench-") as folder:
        catalog = Path(folder) / "ticks"
        command = [sys.executable, "-m", "trading_node.cli", "catalog", "generate", "--out", str(catalog)]
        subprocess.run([*command, "--minutes", str(MINUTES)], check=True, stdout=subprocess.DEVNULL)
        return measure_sides(catalog, ROUNDS)


def rows(timings: Timings) -> list[Row]:
    """The table's rows: against a live Nautilus loop, which the goal is about, and against a backtest."""
    node, _ = rates(timings["node"])
    found = []
    for side, title in (("live", "a bare live Nautilus loop"), ("backtest", "BacktestEngine, data in memory")):
        bare, _ = rates(timings[side])
        ratio = node / bare
        met = ratio >= GOAL if side == "live" else True
        goal = f">= {GOAL}" if side == "live" else "-"
        found.append(
            Row("replay throughput", f"{node:,.0f}/s", f"{title}: {bare:,.0f}/s", f"{ratio:.2f} times", goal, met)
        )
    return found
