"""One exchange with everything around it that reacts: conditional orders, market history, the events' readers."""

from __future__ import annotations

from tests.venue.core.conditional import Conditionals
from tests.venue.core.exchange import Exchange
from tests.venue.history import History
from tests.venue.protocol import Batch


class Floor:
    """Call `settle` after each command: it runs the exchange to rest and returns what is new."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.conditionals = Conditionals(exchange)
        self.history = History()
        self._read = 0

    def settle(self, now: int) -> Batch:
        self.exchange.expire(now)
        self.conditionals.run(now)
        market = self.exchange.journal.drain_market()
        self.history.record(market)
        fresh = self.exchange.journal.events[self._read :]
        self._read += len(fresh)
        return Batch(fresh, market)
