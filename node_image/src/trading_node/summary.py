"""The last thing that a run says on standard output."""

import contextlib
import logging

from trading_api.node_config import LogFormat, LoggingSection
from trading_api.status import OrderCounts
from trading_node.runner import Outcome
from trading_node.status import decimal_text, profit_line, status_document

_log = logging.getLogger(__name__)


def say_summary(outcome: Outcome, section: LoggingSection) -> None:
    """Log how the run ended; a person who reads text gets it as a table."""
    if section.format is LogFormat.JSON:
        _log.info("run ended", extra={"fields": status_document(outcome.status)})
    else:
        with contextlib.suppress(OSError):  # a full disk must not become the reason why the run ended
            print(summary_table(outcome), flush=True)


def summary_table(outcome: Outcome) -> str:
    """Return the end of a run as lines of label and value."""
    status, snapshot = outcome.status, outcome.snapshot
    rows = [
        ("state", f"{status.state.value} ({status.reason})" if status.reason else status.state.value),
        ("orders", _orders(status.orders)),
        ("fills", str(status.fills)),
        ("positions", f"{status.positions.open} open, {status.positions.closed} closed"),
        ("profit", profit_line(snapshot.profits) or "none"),
        *((f"balance {b.venue}", f"{decimal_text(b.total)} {b.currency}") for b in snapshot.balances),
    ]  # fmt: skip
    if status.replay is not None:
        rows.insert(1, ("replayed", f"{status.replay.events} events to {status.replay.time or 'nothing'}"))
    if outcome.books:
        rows.append(("books", outcome.books))
    width = max(len(label) for label, _ in rows)
    return "\n".join(["", *(f"{label:{width}}  {value}" for label, value in rows)])


def _orders(counts: OrderCounts) -> str:
    names = ("filled", "open", "rejected", "denied")
    return ", ".join([f"{counts.total} in all", *(f"{getattr(counts, name)} {name}" for name in names)])
