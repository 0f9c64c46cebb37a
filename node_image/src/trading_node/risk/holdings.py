"""Instruments as the gate follows them, who holds them, and the orders that may still fill."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from trading_node.risk.margins import AccountMargins
from trading_node.risk.orders import ZERO, Contract, HoldingKey, OrderIntent
from trading_node.risk.resting import RestingSide
from trading_node.risk.totals import Totals

if TYPE_CHECKING:
    from trading_node.risk.plan import Plan

TWO = Decimal(2)


class Market:
    """One instrument: its price, who holds it, and our orders in the venue's book."""

    __slots__ = (
        "ask", "bid", "by_strategy", "contract", "holdings", "known_mark", "margins", "rate", "resting_buys",
        "resting_sells", "seen_ns", "settlement_rate", "source", "unit",
    )  # fmt: skip

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.bid: Decimal | None = None
        self.ask: Decimal | None = None
        self.known_mark: Decimal | None = None
        """The mark, where it was asked for or told already."""
        self.source: object = None
        """What the prices were last read from, so that it is read once."""
        self.seen_ns: int | None = None
        """When the newest price came."""
        self.rate: Decimal | None = None
        """What one of the contract's currency is worth in the currency of the limits, where that is known."""
        self.settlement_rate: Decimal | None = None
        """The same for its currency of settlement."""
        self.unit: Decimal | None = None
        """What a quantity of one is worth in the currency of the limits, not negative, where that is known."""
        self.holdings: list[Holding] = []
        self.by_strategy: dict[str, Holding] = {}
        """The holdings of a venue that nets, where each strategy has one."""
        self.margins: AccountMargins | None = None
        """What its account's positions and orders take from the balance, where they take margin."""
        self.resting_buys = RestingSide(max)
        self.resting_sells = RestingSide(min)

    @property
    def mark(self) -> Decimal | None:
        """What positions are valued at: the middle of the quote, else the last trade."""
        mark = self.known_mark
        if mark is None and self.bid is not None and self.ask is not None:
            mark = self.known_mark = (self.bid + self.ask) / TWO
        return mark

    @mark.setter
    def mark(self, mark: Decimal | None) -> None:
        self.known_mark = mark


class Holding:
    """A strategy's position in an instrument, and its pending orders there."""

    __slots__ = (
        "apart", "buys", "cash", "fees", "gross", "key", "long", "market", "opening_buys", "opening_sells", "parts",
        "plan", "position", "profit", "profit_known", "reduces", "sells", "short", "totals",
    )  # fmt: skip

    def __init__(self, key: HoldingKey, market: Market, totals: tuple[Totals, Totals, Totals]) -> None:
        self.key = key
        self.market = market
        self.totals = totals
        """Of the node, the strategy and the venue."""
        self.apart = market.contract.hedged and not key[2]
        """Each pending order makes a position of its own: a buy and a sell do not offset each other."""
        self.plan: Plan | None = None
        """The limits as they apply here, once an order has come."""
        self.position = ZERO
        """Signed quantity."""
        self.parts: dict[str, Decimal] = {}
        """The position by position id, where a strategy keeps several apart that the venue nets."""
        self.cash = ZERO
        """What fills have brought, less what they cost, in the contract's currency of settlement."""
        self.fees = ZERO
        """Commissions that were charged in another currency, in the currency of the limits."""
        self.buys = ZERO
        """Quantity of all pending buys."""
        self.sells = ZERO
        """Quantity of all pending sells, not negative."""
        self.opening_buys = ZERO
        """Quantity of the pending buys that may open or increase: all but the reduce-only ones."""
        self.opening_sells = ZERO
        """Quantity of the pending sells that may open or increase: all but the reduce-only ones."""
        self.reduces = False
        """Whether a reduce-only order was ever sent: only then is asked what such orders leave of the position."""
        # What the totals count for this holding.
        self.gross = ZERO
        self.long = ZERO
        self.short = ZERO
        self.profit = ZERO
        self.profit_known = False
        """Whether nothing that the profit is made of has changed since it was counted; pending orders make none."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held and nothing is pending."""
        return not (self.position or self.buys or self.sells)

    def reduced(self, *, buy: bool) -> Decimal:
        """Return how much of the position the pending reduce-only orders of a side can take away; not negative."""
        if buy:
            return min(self.buys - self.opening_buys, max(-self.position, ZERO))
        return min(self.sells - self.opening_sells, max(self.position, ZERO))

    def worst(self) -> tuple[Decimal, Decimal]:
        """Return the signed quantity if all pending buys filled and if all sells did, reduce-only ones first."""
        long, short = self.position + self.opening_buys, self.position - self.opening_sells
        if self.reduces:
            return long + self.reduced(buy=True), short - self.reduced(buy=False)
        return long, short

    def add_pending(self, intent: OrderIntent, quantity: Decimal) -> None:
        """Count a pending order, or take it out again with a negative quantity."""
        if intent.reduce_only:
            self.reduces = True
        if intent.buy:
            self.buys += quantity
            if not intent.reduce_only:
                self.opening_buys += quantity
        else:
            self.sells += quantity
            if not intent.reduce_only:
                self.opening_sells += quantity


@dataclass(slots=True, eq=False)
class Pending:
    """An order that may still fill."""

    intent: OrderIntent
    holding: Holding
    remaining: Decimal
    """What may still fill, greater than or equal to zero."""
    sent_ns: int = 0
    """When it was sent, in UTC nanoseconds of the gate's clock; 0 where it was not sent in this life."""
    accepted: bool = False
    """The venue has acknowledged it, so that the account's balances know of it."""
    need: tuple[str, Decimal] | None = None
    """Currency and amount that it takes from the free balance, once that was asked for."""
    filled: bool = False
    """Whether a part of it has filled."""
    refused: bool = False
    """It, or its newest modify, was admitted and then held back from the venue."""
    amending: int = 0
    """Modifies that were asked for; until all are answered, quantity and price are the worst of old and new ones."""
