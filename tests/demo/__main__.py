"""``python -m tests.demo up [--data FILE] [--instrument ID] | down``."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.cluster import cluster as machine
from tests.cluster.errors import ClusterError
from tests.demo.show import Options, run_demo
from tests.demo.steps import DemoError, Steps
from trading_node.errors import NodeError


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


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
    signal.signal(signal.SIGTERM, _interrupt)
    steps = Steps()
    try:
        if arguments.command == "down":
            with steps.step("cluster down"):
                machine.down()
        else:
            run_demo(steps, Options(arguments.data, arguments.instrument, arguments.seconds, arguments.manifest))
    except KeyboardInterrupt:
        print("\ninterrupted; what this run started has been taken down", file=sys.stderr)
        return 130
    except (ClusterError, DemoError, NodeError) as error:
        print(f"\nmake demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
