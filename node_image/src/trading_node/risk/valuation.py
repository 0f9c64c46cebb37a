"""What holdings are worth: exposure with pending orders counted, and the day's profit.

Kept up to date by differences: only holdings that changed are valued again, so that a decision takes no longer with
more positions.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import chain

from trading_node.risk.holdings import Holding, Market
from trading_node.risk.losses import DayLosses
from trading_node.risk.orders import ONE, ZERO
from trading_node.risk.totals import Totals

DAY_NS = 86_400_000_000_000


class Valuation:
    """Totals of the node, of each strategy and of each venue."""

    def __init__(self) -> None:
        self.node = Totals()
        self.strategies: dict[str, Totals] = {}
        self.venues: dict[str, Totals] = {}
        self.unvalued: dict[Holding, str] = {}
        """Holdings whose worth is unknown, with the currency that nothing converts; empty: the price is missing."""
        self.unknown_profits: dict[Holding, str] = {}
        """Holdings whose profit is unknown for such a reason; an older one stands in the totals."""
        self.dirty: dict[Holding, None] = {}
        """Holdings that changed: they are valued again before the totals are next read."""
        self.moved: dict[Market, None] = {}
        """Markets whose price changed: what follows is worked out before the totals are next read."""
        self._equal: frozenset[str] = frozenset()
        self._rates: dict[str, Decimal] = {}
        self._priced_in: dict[str, list[Market]] = {}
        self._day = -1
        self._carried: DayLosses | None = None

    def totals(self, strategy: str, venue: str) -> tuple[Totals, Totals, Totals]:
        """Return the totals that a holding adds to: of the node, the strategy and the venue."""
        return (
            self.node,
            self.strategies.setdefault(strategy, Totals()),
            self.venues.setdefault(venue, Totals()),
        )

    def add_market(self, market: Market) -> None:
        """Begin to value a market."""
        for currency in {market.contract.currency, market.contract.settlement}:
            self._priced_in.setdefault(currency, []).append(market)
        self.reprice(market)

    def use_currencies(self, equal: frozenset[str], markets: Iterable[Market]) -> None:
        """Count in another currency: one of those that are worth the same.

        Profit so far is then told in the new currency, and the day's profit begins anew.
        """
        if equal == self._equal:
            return
        self._equal = equal
        self._rates.clear()
        for market in markets:
            self.reprice(market)
        for totals in self._all_totals():
            totals.day_start = ZERO
        self._day = -1

    def reprice(self, market: Market) -> None:
        """Take a market's present price: for what is held there, and for what is priced in its currency."""
        self._revalue(market)
        contract, mark = market.contract, market.mark
        if contract.base and mark is not None and mark > ZERO:
            if contract.currency in self._equal:
                self._set_rate(contract.base, mark)
            elif contract.base in self._equal:
                self._set_rate(contract.currency, ONE / mark)

    def rate(self, currency: str) -> Decimal | None:
        """Return what one of a currency is worth in the currency of the limits; None if that is not known."""
        if self.moved:
            self._reprice_moved()
        return self._rate(currency)

    def _rate(self, currency: str) -> Decimal | None:
        return ONE if currency in self._equal else self._rates.get(currency)

    def _reprice_moved(self) -> None:
        for market in self.moved:
            self.reprice(market)
        self.moved.clear()

    def refresh(self, now_ns: int) -> None:
        """Bring all totals up to date, and begin the day's profit anew at midnight UTC.

        The day's profit counts from what was last known before midnight, so that a loss while nobody asked is seen.
        """
        day, first = now_ns // DAY_NS, self._day < 0
        if day <= self._day:  # A clock that steps back over midnight begins no day.
            if self.moved or self.dirty:
                self.revalue()
            return
        if not first:
            for totals in self._all_totals():
                totals.day_start = totals.profit
        self.revalue()
        if first:
            for totals in self._all_totals():
                totals.day_start += totals.profit
            self._take_carried(day)
        self._day = day

    def revalue(self) -> None:
        """Bring all totals up to date, whatever the day."""
        if self.moved:
            self._reprice_moved()
        if self.dirty:
            for holding in self.dirty:
                self._value(holding)
            self.dirty.clear()

    def carry(self, losses: DayLosses) -> None:
        """Go on with the losses of a former life, if the first valuation finds the same day and currency."""
        self._carried = losses

    def losses(self) -> DayLosses | None:
        """Return the day's losses so far; None before anything asked for them."""
        if self._day < 0:
            return self._carried
        self.revalue()
        return DayLosses(
            day=self._day,
            currencies=tuple(sorted(self._equal)),
            node=self.node.day_loss,
            strategies={name: totals.day_loss for name, totals in self.strategies.items()},
            venues={name: totals.day_loss for name, totals in self.venues.items()},
        )

    def _take_carried(self, day: int) -> None:
        carried = self._carried
        if carried is None or carried.day != day or set(carried.currencies) != self._equal:
            return
        self.node.day_start += carried.node
        for scopes, losses in ((self.strategies, carried.strategies), (self.venues, carried.venues)):
            for name, loss in losses.items():
                scopes.setdefault(name, Totals()).day_start += loss

    def _set_rate(self, currency: str, rate: Decimal) -> None:
        if self._rates.get(currency) != rate:
            self._rates[currency] = rate
            for market in self._priced_in.get(currency, ()):
                self._revalue(market)

    def _revalue(self, market: Market) -> None:
        contract, mark = market.contract, market.mark
        market.rate, market.settlement_rate = self._rate(contract.currency), self._rate(contract.settlement)
        if mark is None or market.rate is None or market.settlement_rate is None:
            market.unit = None
        else:
            market.unit = abs(contract.notional(ONE, mark) * market.rate)
        for holding in market.holdings:
            holding.profit_known = False
            self.dirty[holding] = None
        for holding in self.unknown_profits:
            if holding.market is market:  # closed where positions are kept apart, and of no market any more
                self.dirty[holding] = None

    def _value(self, holding: Holding) -> None:  # noqa: C901  # each call would be felt: every order comes here
        position, market = holding.position, holding.market
        unit = market.unit
        if unit is None or self.unvalued:
            unit = self._known_unit(holding)
        if holding.reduces:
            most, least = holding.worst()
            long, short = most * unit, least * unit
        else:
            long, short = (position + holding.opening_buys) * unit, (position - holding.opening_sells) * unit
        gross = long - short if holding.apart else max(long, -short)  # the one is never below the other
        if gross != holding.gross:
            change, holding.gross = gross - holding.gross, gross
            for totals in holding.totals:
                totals.gross += change
        if long != holding.long:
            change, holding.long = long - holding.long, long
            for totals in holding.totals:
                totals.long += change
        if short != holding.short:
            change, holding.short = short - holding.short, short
            for totals in holding.totals:
                totals.short += change
        if not holding.profit_known and (holding.cash or holding.fees or holding.profit):
            self._value_profit(holding)
        if market.margins is not None:
            market.margins.stale[market] = None

    def _known_unit(self, holding: Holding) -> Decimal:
        """Return what a quantity of one is worth; where that is not known nothing, and a holding of any is noted."""
        market, position = holding.market, holding.position
        self.unvalued.pop(holding, None)
        if market.unit is not None:
            return market.unit
        if position + holding.opening_buys or position - holding.opening_sells:
            self.unvalued[holding] = self._missing(market)
        return ZERO

    def _value_profit(self, holding: Holding) -> None:
        market, cash = holding.market, holding.cash
        mark, rate = market.mark, market.settlement_rate
        if rate is None or (mark is None and holding.position):
            self.unknown_profits[holding] = market.contract.settlement if rate is None else ""
            return  # the last known profit stands
        if self.unknown_profits:
            self.unknown_profits.pop(holding, None)
        if mark is not None and holding.position:
            cash += market.contract.settle(-holding.position, mark)
        profit = cash * rate - holding.fees
        change = profit - holding.profit
        holding.profit, holding.profit_known = profit, True
        for totals in holding.totals:
            totals.profit += change

    def _missing(self, market: Market) -> str:
        if market.mark is None:
            return ""
        return market.contract.currency if market.rate is None else market.contract.settlement

    def _all_totals(self) -> Iterator[Totals]:
        return chain((self.node,), self.strategies.values(), self.venues.values())
