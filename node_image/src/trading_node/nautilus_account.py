"""Follows what happens to orders and positions, and tells the gate's book."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus
from nautilus_trader.model import events
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import AccountId, InstrumentId
from nautilus_trader.model.objects import Currency
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position

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
        self.taken_over: dict[Holding, Decimal] = {}
        """Positions from before this life whose worth at its beginning is not known yet: no price has come."""
        self._accounts: dict[str, AccountId] = {}
        self._currencies: dict[str, Currency] = {}
        self._handlers: dict[type, Callable[[Any], None]] = {
            events.OrderAccepted: self._on_accepted,
            events.OrderTriggered: self._on_triggered,
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
        held: dict[Holding, set[str]] = {}
        for position in self._cache.positions_open():
            holding = self._holding_of(position)
            if holding is not None:
                held.setdefault(holding, set()).add(position.id.value)
                self._take_position(holding, position)
        for holding in list(self._book.holdings.values()):
            for position_id in holding.parts.keys() - held.get(holding, set()):
                self._book.set_position(holding, position_id, ZERO)

    def _take_position(self, holding: Holding, position: Position) -> None:
        """Take a position as it is; what is new of it is counted as bought at its own average price."""
        quantity = position.signed_decimal_qty()
        change = quantity - holding.parts.get(position.id.value, ZERO)
        if change:
            price = Decimal(str(position.avg_px_open))
            if price:
                self._book.pay(holding, holding.market.contract.settle(change, price))
            self._book.set_position(holding, position.id.value, quantity)

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
        holding = self._holding_of(position)
        if holding is None:
            return
        self._pay(holding, event, quantity if event.order_side == OrderSide.BUY else -quantity)
        self._book.set_position(holding, position.id.value, position.signed_decimal_qty())

    def _pay(self, holding: Holding, event: events.OrderFilled, signed: Decimal) -> None:
        contract = holding.market.contract
        cash, fees = contract.settle(signed, event.last_px.as_decimal()), ZERO
        if event.commission is not None:
            commission, currency = event.commission.as_decimal(), event.commission.currency.code
            if currency == contract.settlement:
                cash -= commission
            else:
                fees = commission * (self._book.valuation.rate(currency) or ZERO)
        self._book.pay(holding, cash, fees)

    def _on_position_event(self, event: Any) -> None:  # noqa: ANN401  # position events
        position = self._cache.position(event.position_id)
        holding = None if position is None else self._holding_of(position)
        if holding is not None:
            self._book.set_position(holding, position.id.value, position.signed_decimal_qty())

    def _free_balance(self, account_id: str, currency: str) -> Decimal:
        """Return what an account has free in a currency; nothing if it has no such balance."""
        known, unit = self._accounts.get(account_id), self._currencies.get(currency)
        if known is None or unit is None:
            known = self._accounts[account_id] = AccountId(account_id)
            unit = self._currencies[currency] = Currency.from_str(currency)
        account = self._cache.account(known)
        free = None if account is None else account.balance_free(unit)
        return ZERO if free is None else free.as_decimal()

    # Inside

    def _adopt(self, order: Order | None) -> None:
        """Count an order that did not come through the gate: placed before this life, or outside."""
        if order is None or order.is_closed or not (order.is_open or order.is_inflight):
            return
        market = self._find_market(order.instrument_id)
        if market is not None:
            self._book.adopt(self._reader.read(order, market.contract, order.position_id))

    def _holding_of(self, position: Position) -> Holding | None:
        market = self._find_market(position.instrument_id)
        if market is None:
            return None
        contract = market.contract
        strategy = self._reader.strategy(position.strategy_id.value)
        position_id = position.id.value if contract.hedged else ""
        return self._book.open_holding((strategy, contract.instrument_id, position_id), market)
