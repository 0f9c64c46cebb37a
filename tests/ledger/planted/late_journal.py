"""The journal is written twenty events behind: what a killed process had not written is gone."""

from collections import deque

from tests.ledger.planted import plant
from tests.ledger.trader import LedgerTrader, LedgerTraderConfig
from trading_node.book_events import BookEvent
from trading_node.store.books import Books

__all__ = ["LedgerTrader", "LedgerTraderConfig"]

_record, _close = Books.record, Books.close
_held: deque[BookEvent] = deque()


def _late(books: Books, event: BookEvent) -> None:
    _held.append(event)
    if len(_held) > 20:
        _record(books, _held.popleft())


def _closing(books: Books, seconds: float = 10.0) -> int:
    while _held:
        _record(books, _held.popleft())
    return _close(books, seconds)


plant(Books, "record", _late)
plant(Books, "close", _closing)
