"""The node's own side of a comparison: what Nautilus' cache has, and the fills that were learned."""

from collections.abc import Callable, Container, Iterable
from decimal import Decimal
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, InstrumentId, Venue, VenueOrderId
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.orders import Order

from trading_node.reconciliation.facts import OPENING, ZERO, FillKey, OwnOrder, OwnStatus, OwnView, venue_key

PRIORITY = 90
"""On the bus: before the gate's account of things and the strategies, so that no look sees half of a fill."""
MAX_FILLS = 200_000
"""Fills remembered; older ones are forgotten first, and the books have them all."""
_TRIGGERS = (OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)
"""The types of orders that Nautilus knows as triggered before they are filled."""
_TRAILING = (OrderType.TRAILING_STOP_MARKET, OrderType.TRAILING_STOP_LIMIT)
"""The types of orders that may have no price yet to trigger at."""
_STATUS = {
    OrderStatus.INITIALIZED: OwnStatus.UNSENT,
    OrderStatus.RELEASED: OwnStatus.UNSENT,
    OrderStatus.SUBMITTED: OwnStatus.SENT,
    OrderStatus.ACCEPTED: OwnStatus.OPEN,
    OrderStatus.TRIGGERED: OwnStatus.OPEN,
    OrderStatus.PARTIALLY_FILLED: OwnStatus.OPEN,
    OrderStatus.PENDING_UPDATE: OwnStatus.CHANGING,
    OrderStatus.PENDING_CANCEL: OwnStatus.CANCELING,
    OrderStatus.FILLED: OwnStatus.FILLED,
    OrderStatus.CANCELED: OwnStatus.CANCELED,
    OrderStatus.EXPIRED: OwnStatus.CANCELED,
    OrderStatus.REJECTED: OwnStatus.REFUSED,
    OrderStatus.DENIED: OwnStatus.REFUSED,
}


class OwnSide:
    """What the node has of one account."""

    def __init__(self, cache: Cache, account_id: AccountId, is_mine: Callable[[Venue], bool]) -> None:
        """Prepare; `follow` acts. is_mine: whether an exchange's instruments are traded through this account."""
        self._cache = cache
        self._account_id = account_id
        self._is_mine = is_mine
        self._fills: dict[FillKey, int] = {}
        self._first: dict[str, int] = {}
        self._opened: dict[str, int] = {}
        self._seen: dict[str, set[Decimal]] | None = None
        self.unsent: set[ClientOrderId] = set()
        """Orders of a former life that may have been caught on their way; of this one the engine tells."""

    def follow(self, bus: MessageBus) -> None:
        """Learn of every fill from now on."""
        bus.subscribe("events.order.*", self._on_event, PRIORITY)

    def leave(self, bus: MessageBus) -> None:
        """Learn no more."""
        bus.unsubscribe("events.order.*", self._on_event)

    def remember(self, fills: Iterable[tuple[FillKey, int]]) -> None:
        """Take in fills of a former life, with their times by the venue's clock."""
        for key, ts_event in fills:
            self._remember(key, ts_event)

    def first_fill_ns(self, instrument_id: str) -> int | None:
        """Return when the oldest fill happened that is remembered of an instrument."""
        return self._first.get(instrument_id)

    def opened_ns(self, instrument_id: str) -> int:
        """Return from when on an instrument's trades count, if its position was taken in as a whole; 0 if not."""
        return self._opened.get(instrument_id, 0)

    def knows(self, key: FillKey) -> bool:
        """Return whether a fill is remembered."""
        return key in self._fills

    def _remember(self, key: FillKey, ts_event: int) -> None:
        self._fills[key] = ts_event
        self._first[key[0]] = min(ts_event, self._first.get(key[0], ts_event))
        if key[1].startswith(OPENING):
            self._opened[key[0]] = ts_event + 1
        while len(self._fills) > MAX_FILLS:
            del self._fills[next(iter(self._fills))]

    def _on_event(self, event: Any) -> None:  # noqa: ANN401  # order events
        if not isinstance(event, OrderFilled) or event.account_id != self._account_id:
            return
        instrument = event.instrument_id.value
        self._remember((instrument, event.trade_id.value, event.order_side == OrderSide.BUY), event.ts_event)
        if self._seen is not None:
            self._seen.setdefault(instrument, set()).add(self._position(event.instrument_id))

    def trades(self, venue: str) -> bool:
        """Return whether an exchange's instruments are traded through this account."""
        return self._is_mine(Venue(venue))

    def begin_look(self) -> None:
        """Note from now on which values positions go through."""
        self._seen = {key: {quantity} for key, quantity in self.positions().items()}

    def in_flight(self) -> list[Order]:
        """Return the orders that wait for an answer of the venue, also for one about a change."""
        return [order for order in self._cache.orders_inflight() if self._is_mine(order.instrument_id.venue)]

    def orders(self) -> dict[str, OwnOrder]:
        """Return what is open or on its way."""
        found = [order for order in self._cache.orders_open() if self._is_mine(order.instrument_id.venue)]
        found += self.in_flight()
        for client_order_id in list(self.unsent):
            order = self._cache.order(client_order_id)
            if order is None or order.status not in (OrderStatus.INITIALIZED, OrderStatus.RELEASED):
                self.unsent.discard(client_order_id)
            else:
                found.append(order)
        return {order.client_order_id.value: own_order(order) for order in found if not _is_local(order)}

    def order(self, client_order_id: str) -> OwnOrder | None:
        """Return one order, open or closed."""
        order = self._cache.order(ClientOrderId(client_order_id)) if client_order_id else None
        return None if order is None else own_order(order)

    def order_named(self, instrument_id: str, venue_order_id: str) -> OwnOrder | None:
        """Return the order in an instrument, or in a spread that it is a leg of, that the venue gave an id."""
        named = named_by_venue(self._cache, instrument_id, venue_order_id)
        return None if named is None else self.order(named.value)

    def positions(self) -> dict[str, Decimal]:
        """Return signed quantities by instrument, of all strategies together; what venues keep as balances is left."""
        found: dict[str, Decimal] = {}
        for position in self._cache.positions_open(account_id=self._account_id):
            if not isinstance(self._cache.instrument(position.instrument_id), CurrencyPair):
                key = position.instrument_id.value
                found[key] = found.get(key, ZERO) + position.signed_decimal_qty()
        return found

    def spot(self) -> set[str]:
        """Return the instruments that venues keep as balances."""
        return {each.id.value for each in self._cache.instruments() if isinstance(each, CurrencyPair)}

    def _position(self, instrument_id: InstrumentId) -> Decimal:
        held = self._cache.positions_open(instrument_id=instrument_id, account_id=self._account_id)
        return sum((position.signed_decimal_qty() for position in held), ZERO)

    def instruments(self) -> set[str]:
        """Return the instruments that the node has to do with: with orders, positions or fills."""
        return {*self._first, *self.positions(), *(order.instrument_id for order in self.orders().values())}

    def view(self, more: Iterable[str] = ()) -> OwnView:
        """Return everything as it is now. more: client order ids of closed orders that the venue spoke of."""
        orders = self.orders()
        for client_order_id in more:
            order = None if client_order_id in orders else self.order(client_order_id)
            if order is not None:
                orders[client_order_id] = order
        of_orders: set[FillKey] = set()
        for client_order_id, own in orders.items():
            order = self._cache.order(ClientOrderId(client_order_id))
            buy = order.side == OrderSide.BUY
            of_orders.update((own.instrument_id, trade_id.value, buy) for trade_id in order.trade_ids)
        return OwnView(
            orders=orders,
            fills=_Known(self._fills, of_orders),
            positions=self.positions(),
            seen={key: frozenset(values) for key, values in (self._seen or {}).items()},
        )


class _Known:
    """Fills that are known from either of two places."""

    def __init__(self, remembered: Container[FillKey], of_orders: Container[FillKey]) -> None:
        self._remembered = remembered
        self._of_orders = of_orders

    def __contains__(self, key: object) -> bool:
        return key in self._remembered or key in self._of_orders


def named_by_venue(cache: Cache, instrument_id: str, venue_order_id: str) -> ClientOrderId | None:
    """Return the client order id of the order that a venue gave an id, open or closed.

    Nautilus knows one order by each id; where two instruments have one each, the other is looked for.
    """
    if not venue_order_id:
        return None
    name, key = VenueOrderId(venue_order_id), venue_key(instrument_id, venue_order_id)
    known: ClientOrderId | None = cache.client_order_id(name)
    order = None if known is None else cache.order(known)
    if order is not None and venue_key(order.instrument_id.value, venue_order_id) == key:
        return known
    if key == venue_order_id:
        return None
    others = cache.orders(instrument_id=InstrumentId.from_str(instrument_id))
    return next((each.client_order_id for each in others if each.venue_order_id == name), None)


def own_order(order: Order) -> OwnOrder:
    """Return an order of Nautilus as the comparison takes it."""
    return OwnOrder(
        client_order_id=order.client_order_id.value,
        instrument_id=order.instrument_id.value,
        status=_STATUS[order.status],
        quantity=order.quantity.as_decimal(),
        filled=order.filled_qty.as_decimal(),
        price=order.price.as_decimal() if order.has_price and order.price is not None else None,
        trigger_price=(
            order.trigger_price.as_decimal() if order.has_trigger_price and order.trigger_price is not None else None
        ),
        triggered=order.order_type not in _TRIGGERS or order.status == OrderStatus.TRIGGERED or order.is_triggered,
        venue_order_id="" if order.venue_order_id is None else order.venue_order_id.value,
        changed_ns=_changed_ns(order),
    )


def _changed_ns(order: Order) -> int:
    """Return when an order last changed; of one that waits for an answer, when it was sent.

    Cancels that the venue refuses because it does not know the order bring that answer no further away.
    """
    if order.status == OrderStatus.SUBMITTED and order.ts_submitted:
        return int(order.ts_submitted)
    return int(order.last_event.ts_init)


def is_conditional(order: Order | None) -> bool:
    """Return whether venues may keep an order apart from the others, until its trigger is hit."""
    return order is not None and (order.has_trigger_price or order.order_type in _TRAILING)


def _is_local(order: Order) -> bool:
    """Return whether no venue has the order: it waits in the emulator."""
    return bool(order.is_emulated)
