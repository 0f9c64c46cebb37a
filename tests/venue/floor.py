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
        self.two_way: set[str] = set()
        """Accounts set to keep long and short positions apart; nothing can be traded on one while it is."""
        self.listed_from = 0
        self._read = 0

    def list_trades_from(self, moment_ns: int) -> None:
        """List trades from a moment on only, as venues do after some days."""
        self.listed_from = moment_ns

    def set_two_way(self, account: str, *, on: bool) -> bool:
        """Set how an account keeps positions; return False where orders or positions forbid a change."""
        held = self.exchange.ledger.accounts[account].positions.values()
        if (account in self.two_way) != on and (
            self.exchange.open_orders(account) or any(position.quantity for position in held)
        ):
            return False
        (self.two_way.add if on else self.two_way.discard)(account)
        return True

    def settle(self, now: int) -> Batch:
        self.exchange.expire(now)
        self.conditionals.run(now)
        market = self.exchange.journal.drain_market()
        self.history.record(market)
        fresh = self.exchange.journal.events[self._read :]
        self._read += len(fresh)
        return Batch(fresh, market)
