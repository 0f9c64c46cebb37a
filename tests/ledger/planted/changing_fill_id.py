"""A fill that is learned by asking the venue gets another id than the one that it was told as it happened."""

from msgspec.structs import replace

from tests.ledger.planted import plant
from tests.ledger.trader import LedgerTrader, LedgerTraderConfig
from trading_node.book_events import BookEvent, Filled
from trading_node.store.books import Books

__all__ = ["LedgerTrader", "LedgerTraderConfig"]

_record = Books.record


def _changing(books: Books, event: BookEvent) -> None:
    if isinstance(event, Filled) and event.reconciliation:
        event = replace(event, trade_id=f"R{event.trade_id}")
    _record(books, event)


plant(Books, "record", _changing)
