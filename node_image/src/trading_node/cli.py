"""The command line: ``trading-node run | config | catalog | books | version``.

What is slow to import is imported by the command that needs it, so that help and errors of the configuration are
there at once.
"""

from trading_node.stop_signals import block_signals

# Before anything that takes its time to import.
# isort: split

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, override

from trading_api.exit_codes import ExitCode
from trading_node import __version__
from trading_node.books_commands import add_books_commands
from trading_node.environment import Environment, read_environment
from trading_node.errors import NodeError, crashed, usage_error
from trading_node.garbage import loading
from trading_node.logs import Printed, configure_logging
from trading_node.run_config.commands import add_config_commands
from trading_node.run_config.load import RunConfig, hear_nothing_of, load_run_config
from trading_node.shutdown import Shutdown, end_process, report_failure

EXIT_CODES = "exit codes:\n" + "\n".join(f"  {code.value:>3}  {code.name}" for code in ExitCode)

_log = logging.getLogger(__name__)


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other error."""

    @override
    def error(self, message: str) -> NoReturn:
        raise usage_error(f"{self.prog}: {message}", f"See {self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; the chosen command is the function ``command`` of the result."""
    parser = _Parser(
        prog="trading-node",
        description="Runs a NautilusTrader trading node from one configuration file.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="trade until a signal, the end of the replay or a failure")
    run.add_argument("--config", type=Path, required=True, metavar="FILE", help="the run-config, JSON")
    run.set_defaults(command=_run)
    add_config_commands(commands.add_parser("config", help="check, show or describe a run-config"))
    _add_catalog(commands.add_parser("catalog", help="make a catalog of market data, or look into one"))
    add_books_commands(commands.add_parser("books", help="deal with what the books' database refused"))
    commands.add_parser("version", help="print the version").set_defaults(command=_version)
    return parser


def _add_catalog(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    trades = commands.add_parser("import", help="write a catalog from a file of trades, CSV or Parquet")
    trades.add_argument("file", type=Path, metavar="FILE", help="columns: timestamp, price, quantity; trade_id, side")
    trades.add_argument("--instrument", required=True, metavar="ID", help="instrument id, such as BTCUSDT.BINANCE")
    trades.add_argument("--price-precision", type=int, metavar="N", help="decimals of prices; default: as in the file")
    trades.add_argument("--size-precision", type=int, metavar="N", help="decimals of sizes; default: as in the file")
    trades.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the catalog; new or empty")
    trades.set_defaults(command=_catalog_import)
    generate = commands.add_parser("generate", help="write a catalog of synthetic trades: the same seed, the same data")
    generate.add_argument("--seed", type=int, default=7, metavar="N", help="default: 7")
    generate.add_argument("--minutes", type=int, default=60, metavar="N", help="default: 60")
    generate.add_argument("--instrument", default="BTCUSDT.BINANCE", metavar="ID", help="default: BTCUSDT.BINANCE")
    generate.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the catalog; new or empty")
    generate.set_defaults(command=_catalog_generate)
    info = commands.add_parser("info", help="say what a catalog holds")
    info.add_argument("directory", type=Path, metavar="DIR")
    info.set_defaults(command=_catalog_info)


def load_config(path: Path) -> RunConfig:
    """Return the run-config of a file, and keep what variables put into it out of messages and logs.

    Raises NodeError (CONFIG_REFUSED) with every fault that it has.
    """
    loaded = load_run_config(path, os.environ)
    hear_nothing_of(loaded)
    return loaded


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    environment = Environment()
    try:
        environment = read_environment(os.environ)
        parsed = build_parser().parse_args(arguments)
        code: int = parsed.command(parsed, environment)
    except NodeError as error:
        return _failed(error, environment)
    except KeyboardInterrupt:
        return 130
    except Exception as raised:  # noqa: BLE001  # whatever it is, it ends in one line and an exit code
        _log.debug("the command ended by an exception", exc_info=True)
        unforeseen = crashed(f"The command ended by an exception: {type(raised).__name__}: {raised}", "Report this")
        return _failed(unforeseen, environment)
    return code


def _failed(error: NodeError, environment: Environment) -> int:
    report_failure(error, environment.termination_message_path)
    return error.exit_code


def _run(parsed: argparse.Namespace, environment: Environment) -> int:
    loaded = load_config(parsed.config)
    config = loaded.config
    block_signals()
    shutdown = Shutdown(environment.termination_message_path, config.trading_node.drain.seconds)
    handler = configure_logging(config.logging)
    sys.stdout = Printed(sys.stdout.fileno())  # the log keeps the former one
    shutdown.start()

    with loading():
        from trading_node.nautilus_logs import NautilusLogs  # noqa: PLC0415
        from trading_node.runner import run_node  # noqa: PLC0415
        from trading_node.summary import say_summary  # noqa: PLC0415

    with NautilusLogs(handler) as logs:
        outcome = run_node(config, loaded.folder, environment, shutdown, logs)
    say_summary(outcome, config.logging)
    if outcome.error is not None:
        report_failure(outcome.error, environment.termination_message_path)
    shutdown.finished()
    # Threads of strategies and of Nautilus may be anywhere: nothing is left that is worth waiting for.
    end_process(outcome.error.exit_code if outcome.error else ExitCode.OK)


def _catalog_import(parsed: argparse.Namespace, _: Environment) -> int:
    from trading_node.catalog.trades_file import import_trades  # noqa: PLC0415

    print(
        import_trades(
            parsed.file,
            parsed.out,
            instrument_id=parsed.instrument,
            price_precision=parsed.price_precision,
            size_precision=parsed.size_precision,
        )
    )
    return ExitCode.OK


def _catalog_generate(parsed: argparse.Namespace, _: Environment) -> int:
    from trading_node.catalog.generator import generate_catalog  # noqa: PLC0415

    print(generate_catalog(parsed.out, seed=parsed.seed, minutes=parsed.minutes, instrument_id=parsed.instrument))
    return ExitCode.OK


def _catalog_info(parsed: argparse.Namespace, _: Environment) -> int:
    from trading_node.catalog.info import describe_catalog  # noqa: PLC0415

    print(describe_catalog(parsed.directory))
    return ExitCode.OK


def _version(_: argparse.Namespace, __: Environment) -> int:
    from importlib.metadata import version  # noqa: PLC0415

    print(f"trading-node {__version__}, nautilus_trader {version('nautilus_trader')}")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
