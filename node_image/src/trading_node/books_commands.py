"""The command line: ``trading-node books rejected``."""

import argparse
import time
from pathlib import Path

from trading_api.exit_codes import ExitCode
from trading_node.errors import config_refused, not_trading
from trading_node.store.journal import JournalError, JournalInUseError, open_journal
from trading_node.store.rejected import REJECTED, Rejected, move_away, read_rejected

REJECTED_HELP = """\
Prints the events that the database refused, each with the reason. While there are any, a node lets through only what
makes a position smaller. Each way to deal with them gives the file another name and removes nothing.
"""


def add_books_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands; the chosen one is the function ``command`` of the result."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    rejected = commands.add_parser(
        "rejected",
        help="print the events that the database refused, and deal with them",
        description=REJECTED_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    rejected.add_argument("directory", type=Path, metavar="DIR", help="folder of the books")
    ways = rejected.add_mutually_exclusive_group()
    ways.add_argument("--acknowledge", action="store_true", help="trade on without them; the node may be running")
    ways.add_argument("--replay", action="store_true", help="put them into the journal again; the node is stopped")
    rejected.set_defaults(command=_rejected)


def _rejected(parsed: argparse.Namespace, _: object) -> int:
    path: Path = parsed.directory / REJECTED
    if not parsed.directory.is_dir():
        raise config_refused(
            f"There is no folder {parsed.directory}", "Write the folder of the books, as database.directory names it"
        )
    try:
        events = read_rejected(path)
    except (OSError, ValueError) as error:
        raise config_refused(f"The refused events cannot be read: {error}", "Correct the folder or the file") from None
    for event in events:
        print(f"{event.payload.decode(errors='backslashreplace')}\n  refused: {event.error}")
    print(f"{len(events)} refused events in {parsed.directory}")
    if events and (parsed.acknowledge or parsed.replay):
        if parsed.replay:
            _replay(parsed.directory, events)
        print(f"moved to {move_away(path)}")
    return ExitCode.OK


def _replay(directory: Path, events: list[Rejected]) -> None:
    """Append the events to the journal; one that the database has by then changes nothing."""
    try:
        journal = open_journal(directory / "journal")
    except JournalInUseError as error:
        raise not_trading(f"The events cannot be replayed: {error}", "Stop the node first") from None
    except JournalError as error:
        raise config_refused(f"The events cannot be replayed: {error}", "Correct the folder") from None
    try:
        for event in events:
            journal.append(event.payload, time.time_ns())
    except JournalError as error:
        raise config_refused(f"The events cannot be replayed: {error}", "Make room, and replay again") from None
    finally:
        journal.close()
