"""One fill in four is written a second time, under another identity: what was to make it one does not."""

import uuid
import zlib

from msgspec.structs import replace

from tests.ledger.planted import plant
from tests.ledger.trader import LedgerTrader, LedgerTraderConfig
from trading_node.book_events import BookEvent, Filled
from trading_node.store.books import Books

__all__ = ["LedgerTrader", "LedgerTraderConfig"]

_record = Books.record


def _doubling(books: Books, event: BookEvent) -> None:
    _record(books, event)
    if isinstance(event, Filled) and zlib.crc32(event.trade_id.encode()) % 4 == 0:
        _record(books, replace(event, event_id=str(uuid.uuid4()), trade_id=f"{event.trade_id}-2"))


plant(Books, "record", _doubling)
