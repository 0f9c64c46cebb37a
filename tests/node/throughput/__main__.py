"""Measure: ``python -m tests.node.throughput [--catalog DIR] [--rounds N]``."""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.node.throughput.timing import Timing

SIDES = ("node", "live", "backtest")


def measure(catalog: Path, rounds: int) -> dict[str, list[Timing]]:
    """Run all sides by turns, each in a process of its own; the same number of events for all."""
    timings: dict[str, list[Timing]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            command = [sys.executable, "-m", f"tests.node.throughput.{side}_side", str(catalog)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            timings[side].append(Timing.from_json(output.splitlines()[-1]))
    counts = {timing.events for side in timings.values() for timing in side}
    if len(counts) != 1:
        raise RuntimeError(f"the sides heard different numbers of events: {counts}")
    return timings


def rates(timings: list[Timing]) -> tuple[float, float]:
    """Return the median events per wall second and per CPU second."""
    return (
        statistics.median(t.events / t.wall_seconds for t in timings),
        statistics.median(t.events / t.cpu_seconds for t in timings),
    )


def table(timings: dict[str, list[Timing]]) -> str:
    lines = ["side       events/s (wall)  events/s (CPU)   node against it (wall, CPU)"]
    node_wall, node_cpu = rates(timings["node"])
    for side in SIDES:
        wall, cpu = rates(timings[side])
        lines.append(f"{side:9}  {wall:>15,.0f}  {cpu:>14,.0f}   {node_wall / wall:.2f}, {node_cpu / cpu:.2f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalog", type=Path, help="default: one is generated")
    parser.add_argument("--minutes", type=int, default=1200, help="length of the generated one; default: 1200")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        catalog = arguments.catalog or Path(folder) / "ticks"
        if arguments.catalog is None:
            command = [sys.executable, "-m", "trading_node.cli", "catalog", "generate", "--out", str(catalog)]
            subprocess.run([*command, "--minutes", str(arguments.minutes)], check=True)
        print(table(measure(catalog, arguments.rounds)))


if __name__ == "__main__":
    main()
