"""What happened, in order: account events are kept for ever, market events until somebody drains them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.venue.core.book import OrderBook
from tests.venue.core.model import (
    AccountEvent,
    BalanceEvent,
    BalanceReason,
    Change,
    Conditional,
    ConditionalEvent,
    Fill,
    Holding,
    LevelChange,
    MarketEvent,
    Order,
    OrderEvent,
    Side,
)


class Journal:
    """Append-only. Orders in it are copies: what was said stays said. `quiet` accounts are not written down."""

    def __init__(self, symbols: list[str]) -> None:
        self.events: list[AccountEvent] = []
        self.quiet: set[str] = set()
        self.update_ids = dict.fromkeys(symbols, 1)
        self._market: list[MarketEvent] = []

    def order(self, order: Order, change: Change, now: int, fill: Fill | None = None) -> None:
        if order.account not in self.quiet:
            self.events.append(OrderEvent(len(self.events), now, change, replace(order), fill))

    def conditional(self, conditional: Conditional, now: int) -> None:
        conditional.updated_ns = now
        self.events.append(ConditionalEvent(len(self.events), now, replace(conditional)))

    def balance(
        self,
        account: str,
        balances: dict[str, tuple[Decimal, Decimal]],
        now: int,
        *,
        holding: Holding | None = None,
        reason: BalanceReason = BalanceReason.ORDER,
        changes: dict[str, Decimal] | None = None,
    ) -> None:
        if account not in self.quiet:
            self.events.append(BalanceEvent(len(self.events), now, account, reason, balances, holding, changes or {}))

    def level(self, book: OrderBook, symbol: str, side: Side, price: Decimal, now: int) -> None:
        self.update_ids[symbol] += 1
        self._market.append(LevelChange(symbol, side, price, book.total(side, price), self.update_ids[symbol], now))

    def market(self, event: MarketEvent) -> None:
        self._market.append(event)

    def drain_market(self) -> list[MarketEvent]:
        out, self._market = self._market, []
        return out
