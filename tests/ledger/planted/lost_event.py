"""One fill in four never gets into the books, however often it is told."""

import zlib

from tests.ledger.planted import plant
from tests.ledger.trader import LedgerTrader, LedgerTraderConfig
from trading_node.book_events import BookEvent, Filled
from trading_node.store.books import Books

__all__ = ["LedgerTrader", "LedgerTraderConfig"]

_record = Books.record


def _forgetful(books: Books, event: BookEvent) -> None:
    if not (isinstance(event, Filled) and zlib.crc32(event.trade_id.encode()) % 4 == 0):
        _record(books, event)


plant(Books, "record", _forgetful)
