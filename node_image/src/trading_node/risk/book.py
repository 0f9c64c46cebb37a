"""What is known about the account: positions, pending orders, prices, balances, and what was sent lately."""

from collections.abc import Callable
from decimal import Decimal

from trading_node.risk.holdings import Holding, Market, Pending
from trading_node.risk.latency import Latencies
from trading_node.risk.limits import Limits
from trading_node.risk.margins import AccountMargins
from trading_node.risk.orders import ZERO, Contract, HoldingKey, OrderIntent
from trading_node.risk.rates import SendLog
from trading_node.risk.valuation import Valuation

REMEMBERED = 10_000
"""Finished orders whose ids are remembered at least, and orders whose content is, so that one sent again is known."""


class GateBook:
    """The view that decisions are made on. Not for several threads: it belongs to the trading loop."""

    def __init__(self) -> None:
        self.limits = Limits()
        """What orders are held against; changed by :meth:`use_limits`."""
        self.markets: dict[str, Market] = {}
        self.holdings: dict[HoldingKey, Holding] = {}
        self.pending: dict[str, Pending] = {}
        self.in_flight: dict[str, Pending] = {}
        """The pending orders that the venue has not acknowledged."""
        self.free_balance: Callable[[str, str], Decimal] = _no_balance
        """Tells what is free on an account in a currency, by the venue's word."""
        self.total_balance: Callable[[str, str], Decimal | None] = _no_total
        """Tells what an account has in a currency, margin included; None if that is not known."""
        self.valuation = Valuation()
        self.sends = SendLog()
        self._margins: dict[tuple[str, str], AccountMargins] = {}
        self.answers = Latencies()
        """From an order being sent to the venue's acknowledgement."""
        self.first_fills = Latencies()
        """From an order being sent to its first fill."""
        # Two generations each: to forget the older half at once costs nothing per order.
        self.finished: set[str] = set()
        """Ids of orders that cannot fill any more, the newest ones."""
        self.finished_before: set[str] = set()
        """The ones before those."""
        self._sent_at: dict[tuple[object, ...], int] = {}
        self._sent_at_before: dict[tuple[object, ...], int] = {}

    def use_limits(self, limits: Limits) -> None:
        """Hold orders against these limits, and count in their currency."""
        if limits is self.limits:
            return
        self.limits = limits
        self.valuation.use_currencies(limits.equal_currencies, self.markets.values())

    # What decisions ask

    def market(self, contract: Contract) -> Market:
        """Return the market of a contract, begun if it is new."""
        market = self.markets.get(contract.instrument_id)
        if market is None:
            market = self.markets[contract.instrument_id] = Market(contract)
            if not (contract.cash or contract.spot):
                account = (contract.account, contract.account_settlement)
                market.margins = self._margins.setdefault(account, AccountMargins())
            self.valuation.add_market(market)
        return market

    def holding(self, intent: OrderIntent) -> Holding:
        """Return the holding that an order changes, begun empty if it is new."""
        market = self.markets.get(intent.contract.instrument_id)
        if market is not None and (holding := market.by_strategy.get(intent.strategy)) is not None:
            return holding
        return self.open_holding(intent.key, self.market(intent.contract))

    def open_holding(self, key: HoldingKey, market: Market) -> Holding:
        """Return the holding of a key, begun empty if it is new."""
        holding = self.holdings.get(key)
        if holding is None:
            holding = Holding(key, market, self.valuation.totals(key[0], market.contract.venue))
            self.holdings[key] = holding
            market.holdings.append(holding)
            if not market.contract.hedged:
                market.by_strategy[key[0]] = holding
        return holding

    def last_sent(self, intent: OrderIntent) -> int | None:
        """Return when the strategy last sent an order that says the same, if it is remembered."""
        content = _content(intent)
        newest = self._sent_at.get(content)
        return self._sent_at_before.get(content) if newest is None else newest

    # What is sent

    def remember_content(self, intent: OrderIntent, now_ns: int) -> None:
        """Remember what an order says."""
        self._sent_at[_content(intent)] = now_ns
        if len(self._sent_at) >= REMEMBERED:
            self._sent_at, self._sent_at_before = {}, self._sent_at

    def forget_content(self, intent: OrderIntent) -> None:
        """Forget what an order says that was decided and not sent; nothing is lost, as no other said so lately."""
        content = _content(intent)
        self._sent_at.pop(content, None)
        self._sent_at_before.pop(content, None)

    def submit(self, intent: OrderIntent, holding: Holding, now_ns: int) -> None:
        """Count an order for a holding that is being sent.

        The same as to add and to record it, in one place: each call that every order makes is felt.
        """
        order_id, price, quantity = intent.order_id, intent.price, intent.quantity
        self.in_flight[order_id] = self.pending[order_id] = Pending(intent, holding, quantity, now_ns)
        market = holding.market
        if intent.buy:
            side = market.resting_buys
            holding.buys += quantity
            if not intent.reduce_only:
                holding.opening_buys += quantity
            else:
                holding.reduces = True
        else:
            side = market.resting_sells
            holding.sells += quantity
            if not intent.reduce_only:
                holding.opening_sells += quantity
            else:
                holding.reduces = True
        if price is not None and intent.active:
            side.prices[order_id] = price
            best = side.known_best
            if best is not None and (price > best if intent.buy else price < best):
                side.known_best = price
        self.valuation.dirty[holding] = None
        self.sends.record(intent.strategy, market.contract.venue, now_ns)

    def withdraw(self, order_id: str) -> None:
        """Undo the last submit: the order was decided and not sent."""
        pending = self._remove(order_id)
        if pending is not None:
            self.sends.withdraw(pending.intent.strategy, pending.intent.contract.venue)

    def adopt(self, intent: OrderIntent) -> None:
        """Count an order that is at the venue and was not sent by us, or not in this life."""
        if intent.order_id not in self.pending and intent.quantity > ZERO:
            self.finished.discard(intent.order_id)  # it was held for ended, and lives
            self.finished_before.discard(intent.order_id)
            self._add(intent, self.holding(intent)).accepted = True

    def set_aside(self, order_id: str) -> Pending | None:
        """Take an order out while a change of it is decided; to be followed by put_back or amend."""
        pending = self.pending.pop(order_id, None)
        if pending is not None:
            self.in_flight.pop(order_id, None)
            self._count(pending, -pending.remaining)
            self._take_off_market(pending)
        return pending

    def put_back(self, pending: Pending) -> None:
        """Undo set_aside."""
        order_id = pending.intent.order_id
        self.pending[order_id] = pending
        if not pending.accepted:
            self.in_flight[order_id] = pending
        self._count(pending, pending.remaining)
        self._put_on_market(pending)

    def amend(self, pending: Pending, intent: OrderIntent, now_ns: int) -> None:
        """Count a modify that is being sent for an order that is set aside."""
        old = pending.intent
        pending.amending = pending.amending or 1  # where nobody told that it was asked for
        pending.refused = False
        pending.remaining = max(pending.remaining, intent.quantity)
        pending.intent = intent._replace(price=_more_aggressive(old.price, intent.price, buy=intent.buy))
        pending.need = None
        self.put_back(pending)
        self.sends.record(intent.strategy, intent.contract.venue, now_ns)

    def ask_amend(self, order_id: str) -> None:
        """Note that a strategy asks for a modify; each is answered once, also where it never gets to the venue."""
        pending = self.pending.get(order_id)
        if pending is not None:
            pending.amending += 1

    # What happens at the venue

    def acknowledge(self, order_id: str, now_ns: int) -> bool:
        """Note that the venue has an order; return whether it is known here."""
        pending = self.pending.get(order_id)
        if pending is None:
            return False
        if not pending.accepted:
            pending.accepted = True
            self.in_flight.pop(order_id, None)
            if pending.sent_ns:
                self.answers.observe(pending.intent.contract.venue, now_ns - pending.sent_ns)
        return True

    def answer_amend(self, order_id: str, quantity: Decimal, price: Decimal | None) -> None:
        """Note that a modify was done or refused, and what the order is now: quantity left to fill, and price."""
        pending = self.set_aside(order_id)
        if pending is None:
            return
        pending.amending = max(0, pending.amending - 1)
        if pending.amending:
            quantity = max(quantity, pending.remaining)
            price = _more_aggressive(pending.intent.price, price, buy=pending.intent.buy)
        pending.remaining = quantity
        pending.intent = pending.intent._replace(price=price)
        pending.need = None
        self.put_back(pending)

    def trigger(self, order_id: str) -> None:
        """Note that a conditional order has become active."""
        pending = self.pending.get(order_id)
        if pending is not None and not pending.intent.active:
            pending.intent = pending.intent._replace(active=True)
            self._put_on_market(pending)

    def fill(self, order_id: str, quantity: Decimal, now_ns: int) -> None:
        """Note that a part of an order has filled; the position is told apart."""
        pending = self.pending.get(order_id)
        if pending is not None:
            if not pending.filled:
                pending.filled = True
                if pending.sent_ns:
                    self.first_fills.observe(pending.intent.contract.venue, now_ns - pending.sent_ns)
            quantity = min(quantity, pending.remaining)
            pending.remaining -= quantity
            self._count(pending, -quantity)

    def finish(self, order_id: str) -> None:
        """Note that an order cannot fill any more."""
        if order_id in self.pending:
            self._remove(order_id)
        self.finished.add(order_id)
        if len(self.finished) >= REMEMBERED:
            self.finished, self.finished_before = set(), self.finished

    def set_position(self, holding: Holding, position_id: str, quantity: Decimal) -> None:
        """Note the signed quantity of one position."""
        parts = holding.parts
        holding.position += quantity - parts.get(position_id, ZERO)
        holding.profit_known = False
        if quantity:
            parts[position_id] = quantity
        else:
            parts.pop(position_id, None)
        self.valuation.dirty[holding] = None
        self._forget_idle(holding)

    def pay(self, holding: Holding, cash: Decimal, fees: Decimal = ZERO) -> None:
        """Note what a fill brought, in the contract's currency of settlement, and fees in that of the limits."""
        holding.cash += cash
        holding.fees += fees
        holding.profit_known = False
        self.valuation.dirty[holding] = None

    def set_prices(self, market: Market, bid: Decimal | None, ask: Decimal | None, mark: Decimal, seen_ns: int) -> None:
        """Note the newest prices of a market."""
        market.bid, market.ask, market.seen_ns, market.known_mark = bid, ask, seen_ns, mark
        self.valuation.moved[market] = None

    def set_quote(self, market: Market, bid: Decimal, ask: Decimal, seen_ns: int) -> None:
        """Note the newest quote of a market; what follows from it is worked out when a limit asks for it."""
        market.seen_ns = seen_ns
        if bid is not market.bid or ask is not market.ask:
            market.bid, market.ask, market.known_mark = bid, ask, None
            self.valuation.moved[market] = None

    def _add(self, intent: OrderIntent, holding: Holding) -> Pending:
        quantity = intent.quantity
        pending = self.pending[intent.order_id] = Pending(intent, holding, quantity)
        holding.add_pending(intent, quantity)
        self.valuation.dirty[holding] = None
        self._put_on_market(pending)
        return pending

    def _remove(self, order_id: str) -> Pending | None:
        pending = self.pending.pop(order_id, None)
        if pending is not None:
            self.in_flight.pop(order_id, None)
            intent, holding = pending.intent, pending.holding
            if pending.remaining:
                holding.add_pending(intent, -pending.remaining)
                self.valuation.dirty[holding] = None
            if intent.active and intent.price is not None:
                market = holding.market
                (market.resting_buys if intent.buy else market.resting_sells).remove(intent.order_id)
            if holding.key[2]:
                self._forget_idle(holding)
        return pending

    def _count(self, pending: Pending, quantity: Decimal) -> None:
        pending.holding.add_pending(pending.intent, quantity)
        self.valuation.dirty[pending.holding] = None

    def _put_on_market(self, pending: Pending) -> None:
        intent = pending.intent
        if intent.active and intent.price is not None:
            market = pending.holding.market
            (market.resting_buys if intent.buy else market.resting_sells).add(intent.order_id, intent.price)

    def _take_off_market(self, pending: Pending) -> None:
        intent = pending.intent
        if intent.active and intent.price is not None:
            market = pending.holding.market
            (market.resting_buys if intent.buy else market.resting_sells).remove(intent.order_id)

    def _forget_idle(self, holding: Holding) -> None:
        """Forget what a closed position of a hedging venue leaves; its profit stays in the totals."""
        if holding.key[2] and holding.is_idle and self.holdings.pop(holding.key, None) is not None:
            holding.market.holdings.remove(holding)


def _no_balance(account: str, currency: str) -> Decimal:
    """Know of no balance."""
    del account, currency
    return ZERO


def _no_total(account: str, currency: str) -> None:
    """Know of no account."""
    del account, currency


def _content(intent: OrderIntent) -> tuple[object, ...]:
    return (
        intent.strategy, intent.contract.instrument_id, intent.buy, intent.kind, intent.quantity, intent.price,
        intent.trigger,
    )  # fmt: skip


def _more_aggressive(one: Decimal | None, other: Decimal | None, *, buy: bool) -> Decimal | None:
    if one is None or other is None:
        return None
    return max(one, other) if buy else min(one, other)
