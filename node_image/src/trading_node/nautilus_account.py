"""Follows what happens to orders and positions, and tells the gate's book."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus
from nautilus_trader.model import events
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import AccountId, InstrumentId, PositionId, StrategyId
from nautilus_trader.model.objects import Currency
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position

from trading_node.assets import plain_code
from trading_node.nautilus_orders import OrderReader
from trading_node.risk.book import GateBook
from trading_node.risk.holdings import Holding, Market
from trading_node.risk.orders import ZERO

AHEAD_OF_STRATEGIES = 100
"""Priority on the bus; what Nautilus itself and strategies subscribe with is 0 to 10."""


class AccountFollower:
    """Keeps the gate's book as the cache is, event by event."""

    def __init__(
        self,
        cache: Cache,
        book: GateBook,
        reader: OrderReader,
        find_market: Callable[[InstrumentId], Market | None],
        *,
        on_denied: Callable[[Order], None],
        now: Callable[[], int],
    ) -> None:
        """Call ``on_denied`` with each order that was denied, by whomever; now: the gate's clock."""
        self._now = now
        self._cache = cache
        self._book = book
        self._reader = reader
        self._find_market = find_market
        self._on_denied = on_denied
        book.free_balance = self._free_balance
        book.total_balance = self._total_balance
        self.taken_over: dict[Holding, Decimal] = {}
        """Positions from before this life whose worth at its beginning is not known yet: no price has come."""
        self._accounts: dict[str, AccountId] = {}
        self._currencies: dict[str, Currency] = {}
        self._handlers: dict[type, Callable[[Any], None]] = {
            events.OrderAccepted: self._on_accepted,
            events.OrderTriggered: self._on_triggered,
            events.OrderPendingUpdate: self._on_asked,
            events.OrderUpdated: self._on_amended,
            events.OrderModifyRejected: self._on_amended,
            events.OrderFilled: self._on_filled,
            events.OrderDenied: self._on_order_denied,
            events.OrderRejected: self._on_finished,
            events.OrderCanceled: self._on_finished,
            events.OrderExpired: self._on_finished,
        }

    def follow(self, bus: MessageBus) -> None:
        """Subscribe."""
        bus.subscribe("events.order.*", self._on_order_event, AHEAD_OF_STRATEGIES)
        bus.subscribe("events.position.*", self._on_position_event, AHEAD_OF_STRATEGIES)

    def leave(self, bus: MessageBus) -> None:
        """Unsubscribe."""
        bus.unsubscribe("events.order.*", self._on_order_event)
        bus.unsubscribe("events.position.*", self._on_position_event)

    def resync(self) -> None:
        """Take everything as the cache has it now."""
        self._resync_orders()
        self._resync_positions()

    def begin(self) -> None:
        """Count profit from now on: what is held counts at the first price that is known, not at what it was bought."""
        self.resync()
        for holding in self._book.holdings.values():
            self._book.pay(holding, -holding.cash, -holding.fees)
            if holding.position:
                self.taken_over[holding] = holding.position
        self.value_taken_over()

    def value_taken_over(self) -> None:
        """Give positions from before this life the worth that they have at the first price that is known."""
        for holding, quantity in list(self.taken_over.items()):
            mark = holding.market.mark
            if mark:
                del self.taken_over[holding]
                self._book.pay(holding, holding.market.contract.settle(quantity, mark))

    def _resync_orders(self) -> None:
        at_venue = {order.client_order_id.value: order for order in self._cache.orders_open()}
        at_venue |= {order.client_order_id.value: order for order in self._cache.orders_inflight()}
        for order_id in self._book.pending.keys() - at_venue.keys() - self._book.in_flight.keys():
            self._book.finish(order_id)
        for order in at_venue.values():
            self._adopt(order)

    def _resync_positions(self) -> None:
        opened = self._cache.positions_open()
        for position in opened:
            self._take_position(position)
        names = {position.id.value for position in opened}
        for holding in list(self._book.holdings.values()):
            for position_id in holding.parts.keys() - names:
                self._book.set_position(holding, position_id, ZERO)

    def _take_position(self, position: Position) -> None:
        """Take a position as it is; what is new of it is counted as bought at its own average price."""
        market = self._find_market(position.instrument_id)
        if market is None:
            return
        position_id, held = position.id.value, held_of(market, position.id.value)
        if sum(held.values(), ZERO) == position.signed_decimal_qty():
            return
        price = Decimal(str(position.avg_px_open))
        shares = {self._holding(position, market, who): share for who, share in shares_of(position).items()}
        for holding in {**held, **shares}:
            share = shares.get(holding, ZERO)
            if price:
                self._book.pay(holding, market.contract.settle(share - held.get(holding, ZERO), price))
            self._book.set_position(holding, position_id, share)

    # Events

    def _on_order_event(self, event: Any) -> None:  # noqa: ANN401  # order events
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _on_accepted(self, event: events.OrderAccepted) -> None:
        if not self._book.acknowledge(event.client_order_id.value, self._now()):
            self._adopt(self._cache.order(event.client_order_id))

    def _on_triggered(self, event: events.OrderTriggered) -> None:
        self._book.trigger(event.client_order_id.value)

    def _on_asked(self, event: events.OrderPendingUpdate) -> None:
        """Count a modify before anybody refuses it: a refusal must not pass for the answer to one on its way."""
        self._book.ask_amend(event.client_order_id.value)

    def _on_amended(self, event: events.OrderUpdated | events.OrderModifyRejected) -> None:
        order = self._cache.order(event.client_order_id)
        if order is None:
            return
        order_id = event.client_order_id.value
        if not self._book.acknowledge(order_id, self._now()):
            self._adopt(order)
            return
        price = order.price.as_decimal() if order.has_price else None
        self._book.answer_amend(order_id, order.leaves_qty.as_decimal(), price)

    def _on_finished(self, event: Any) -> None:  # noqa: ANN401  # one of four kinds
        self._book.finish(event.client_order_id.value)

    def _on_order_denied(self, event: events.OrderDenied) -> None:
        self._on_finished(event)
        order = self._cache.order(event.client_order_id)
        if order is not None:
            self._on_denied(order)

    def _on_filled(self, event: events.OrderFilled) -> None:
        order_id = event.client_order_id.value
        quantity = event.last_qty.as_decimal()
        now = self._now()
        self._book.acknowledge(order_id, now)
        self._book.fill(order_id, quantity, now)
        order = self._cache.order(event.client_order_id)
        if order is not None and order.is_closed:
            self._book.finish(order_id)
        position = None if event.position_id is None else self._cache.position(event.position_id)
        market = self._find_market(event.instrument_id)
        if position is None or market is None:
            return
        holding = self._holding(position, market, event.strategy_id)
        self._pay(holding, event, position)
        self._note(position, market)

    def _pay(self, holding: Holding, event: events.OrderFilled, position: Position) -> None:
        """Count what a fill brought and cost; a commission that made the position smaller is in its worth already."""
        contract = holding.market.contract
        cash, fees = contract.settle(signed_quantity(event), event.last_px.as_decimal()), ZERO
        if event.commission is not None:
            commission, currency = event.commission.as_decimal(), plain_code(event.commission.currency.code)
            commission -= taken_from(position, event)
            if currency == contract.settlement:
                cash -= commission
            else:
                fees = commission * (self._book.valuation.rate(currency) or ZERO)
        self._book.pay(holding, cash, fees)

    def _on_position_event(self, event: Any) -> None:  # noqa: ANN401  # position events
        position = self._cache.position(event.position_id)
        market = None if position is None else self._find_market(position.instrument_id)
        if market is not None:
            self._note(position, market)

    def _note(self, position: Position, market: Market) -> None:
        """Note who holds what of a position after its newest fill; to be told it twice changes nothing.

        Where the venue names a position, as Binance does, the fills of all strategies make one in Nautilus. Each holds
        what it bought and sold of it. Who closes or turns it takes over what others held, at the price of the fill.
        """
        quantity, held = position.signed_decimal_qty(), held_of(market, position.id.value)
        before = sum(held.values(), ZERO)
        if before == quantity and (quantity or not held):
            return
        fill = position.last_event
        filler = self._holding(position, market, fill.strategy_id)
        if held.keys() <= {filler} or before * quantity <= ZERO:
            shares = {filler: quantity}
        elif quantity - before == signed_quantity(fill) - taken_from(position, fill):
            shares = {**held, filler: held.get(filler, ZERO) + quantity - before}
        else:
            shares = {self._holding(position, market, who): share for who, share in shares_of(position).items()}
        for holding in {**held, **shares}:
            moved = shares.get(holding, ZERO) - held.get(holding, ZERO)
            if moved and holding is not filler:
                cash = market.contract.settle(moved, fill.last_px.as_decimal())
                self._book.pay(holding, cash)
                self._book.pay(filler, -cash)
            self._book.set_position(holding, position.id.value, shares.get(holding, ZERO))

    def _free_balance(self, account_id: str, currency: str) -> Decimal:
        """Return what an account has free in a currency; nothing if it has no such balance."""
        known, unit = self._names(account_id, currency)
        account = self._cache.account(known)
        free = None if account is None else account.balance_free(unit)
        return ZERO if free is None else free.as_decimal()

    def _total_balance(self, account_id: str, currency: str) -> Decimal | None:
        """Return what an account has in a currency, margin included; None if it has no such balance."""
        known, unit = self._names(account_id, currency)
        account = self._cache.account(known)
        total = None if account is None else account.balance_total(unit)
        return None if total is None else total.as_decimal()

    def _names(self, account_id: str, currency: str) -> tuple[AccountId, Currency]:
        known, unit = self._accounts.get(account_id), self._currencies.get(currency)
        if known is None or unit is None:
            known = self._accounts[account_id] = AccountId(account_id)
            unit = self._currencies[currency] = Currency.from_str(currency)
        return known, unit

    # Inside

    def _adopt(self, order: Order | None) -> None:
        """Count an order that did not come through the gate: placed before this life, or outside."""
        if order is None or order.is_closed or not (order.is_open or order.is_inflight):
            return
        market = self._find_market(order.instrument_id)
        if market is not None:
            self._book.adopt(self._reader.read(order, market.contract, order.position_id))

    def _holding(self, position: Position, market: Market, strategy_id: StrategyId) -> Holding:
        """Return what a strategy holds of a position."""
        contract = market.contract
        position_id = position.id.value if contract.hedged else ""
        key = (self._reader.strategy(strategy_id.value), contract.instrument_id, position_id)
        return self._book.open_holding(key, market)


def held_of(market: Market, position_id: str) -> dict[Holding, Decimal]:
    """Return who holds how much of a position, signed."""
    return {each: part for each in market.holdings if (part := each.parts.get(position_id)) is not None}


def shares_of(position: Position) -> dict[StrategyId, Decimal]:
    """Return what strategies hold of a position, by the fills that it is made of; signed, all of it."""
    fills = position.events
    shares: dict[StrategyId, Decimal] = {}
    for fill in fills:
        change = signed_quantity(fill) - taken_from(position, fill)
        shares[fill.strategy_id] = shares.get(fill.strategy_id, ZERO) + change
    last = fills[-1].strategy_id  # by other ways than fills a position changes as well
    shares[last] = shares.get(last, ZERO) + position.signed_decimal_qty() - sum(shares.values(), ZERO)
    return shares


class Shares:
    """What strategies hold of positions, for those who look often: counted anew where something has changed."""

    def __init__(self) -> None:
        self._counted: dict[PositionId, tuple[Position, int, dict[StrategyId, Decimal]]] = {}

    def of(self, position: Position) -> dict[StrategyId, Decimal]:
        """Return what strategies hold of a position; signed, all of it."""
        known = self._counted.get(position.id)
        if known is None or known[0] is not position or known[1] != position.event_count:
            known = self._counted[position.id] = (position, position.event_count, shares_of(position))
        return known[2]


def signed_quantity(fill: events.OrderFilled) -> Decimal:
    """Return what a fill adds to a position, before commissions."""
    quantity: Decimal = fill.last_qty.as_decimal()
    return quantity if fill.order_side == OrderSide.BUY else -quantity


def taken_from(position: Position, fill: events.OrderFilled) -> Decimal:
    """Return what the commission of a fill took from its position, in coins: on spot, where it was charged in these.

    Nautilus takes it from a purchase and a sale alike, rounded to the instrument's precision: of one that is smaller
    than half of that nothing is taken.
    """
    commission = fill.commission
    if commission is None or not position.is_spot_currency or commission.currency != position.base_currency:
        return ZERO
    taken: Decimal = round(commission.as_decimal(), position.size_precision)
    return taken
