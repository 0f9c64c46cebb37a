"""The program: ``python -m trading_operator.main run``."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from trading_operator import logs
from trading_operator.program import run
from trading_operator.settings import InvalidSettingsError, settings_from

EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="trading-operator", description="Runs NautilusTrader trading nodes on Kubernetes."
    )
    parser.add_argument("command", choices=("run", "version"), help="run the operator, or print its version")
    command = parser.parse_args(arguments).command
    if command == "version":
        sys.stdout.write(f"trading-operator {version('trading-operator')}\n")
        return 0
    try:
        settings = settings_from(os.environ)
    except InvalidSettingsError as fault:
        sys.stderr.write(f"trading-operator: {fault}\n")
        return EXIT_USAGE
    logs.configure(settings.log_level)
    logging.getLogger(__name__).info("trading-operator %s starts", version("trading-operator"))
    return asyncio.run(run(settings))


if __name__ == "__main__":
    sys.exit(main())
