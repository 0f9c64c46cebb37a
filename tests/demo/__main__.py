"""``python -m tests.demo up [--data FILE] [--instrument ID] | down``."""

import argparse
import sys
from pathlib import Path

from tests.cluster import cluster as machine
from tests.cluster.errors import ClusterError
from tests.cluster.interrupts import interrupt_once
from tests.demo.show import Options, run_demo
from tests.demo.steps import DemoError, Steps
from tests.e2e.kubectl import KubectlError
from tests.e2e.operator_install import HelmError
from trading_node.errors import NodeError

NOT_CLEAN = "what this run has started is still there (make demo-down takes it down), because cleaning up failed"


def interrupted(command: str, left_behind: str) -> str:
    """Say what an interrupt has left."""
    if command == "down":
        return "interrupted while taking the cluster down; run make demo-down again"
    if left_behind:
        return f"interrupted; {NOT_CLEAN}: {left_behind}"
    return "interrupted; what this run started has been taken down"


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise ValueError(text)
    return seconds


def main() -> int:
    """Run the demo, or take it down; 0 when it worked, 1 with a reason, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="set everything up and show a node that trades")
    up.add_argument("--data", type=Path, help="your own trades, CSV or Parquet; default: a seeded generator")
    up.add_argument("--instrument", default=Options.instrument, help="what the trades are of; default: %(default)s")
    up.add_argument(
        "--seconds", type=_seconds, default=Options.seconds, help="about how long to watch; default: %(default)g"
    )
    up.add_argument(
        "--manifest",
        type=Path,
        default=Options.manifest,
        help="what to apply, fitted to the data; default: the example",
    )
    commands.add_parser("down", help="take the demo and the cluster down")
    arguments = parser.parse_args()
    interrupt_once()
    steps = Steps()
    try:
        if arguments.command == "down":
            with steps.step("cluster down"):
                machine.down()
        else:
            run_demo(steps, Options(arguments.data, arguments.instrument, arguments.seconds, arguments.manifest))
    except KeyboardInterrupt:
        print(f"\n{interrupted(arguments.command, steps.left_behind)}", file=sys.stderr)
        return 130
    except (ClusterError, DemoError, NodeError, KubectlError, HelmError, OSError) as error:
        print(f"\nmake demo{'-down' if arguments.command == 'down' else ''} failed: {error}", file=sys.stderr)
        if steps.left_behind:
            print(f"{NOT_CLEAN}: {steps.left_behind}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
