"""Nautilus' orders and positions made anew from the books, event by event.

The events keep their identities, so that telling them to the books again changes nothing there.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from nautilus_trader.core.fsm import InvalidStateTrigger
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model import events as nautilus
from nautilus_trader.model.enums import (
    ContingencyType,
    OrderSide,
    TriggerType,
    contingency_type_from_str,
    liquidity_side_from_str,
    order_type_from_str,
    time_in_force_from_str,
    trigger_type_from_str,
)
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientOrderId,
    ExecAlgorithmId,
    InstrumentId,
    OrderListId,
    PositionId,
    StrategyId,
    TradeId,
    TraderId,
    VenueOrderId,
)
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.model.orders import Order, OrderUnpacker
from nautilus_trader.model.position import Position

from trading_node.book_events import Amended, Filled, OrderEvent, Placed, Side, Transition, TransitionKind
from trading_node.positions import fill_order, taken_from_holding

_BUYS = (Side.BUY, Side.BACK)
_FROM_VENUE: dict[TransitionKind, type] = {
    TransitionKind.ACCEPTED: nautilus.OrderAccepted,
    TransitionKind.PENDING_UPDATE: nautilus.OrderPendingUpdate,
    TransitionKind.PENDING_CANCEL: nautilus.OrderPendingCancel,
    TransitionKind.TRIGGERED: nautilus.OrderTriggered,
    TransitionKind.CANCELED: nautilus.OrderCanceled,
    TransitionKind.EXPIRED: nautilus.OrderExpired,
}
_WITH_REASON: dict[TransitionKind, type] = {
    TransitionKind.REJECTED: nautilus.OrderRejected,
    TransitionKind.MODIFY_REJECTED: nautilus.OrderModifyRejected,
    TransitionKind.CANCEL_REJECTED: nautilus.OrderCancelRejected,
}


class RebuildError(ValueError):
    """An order that cannot be made again; says why."""


def placing_of(events: Iterable[OrderEvent]) -> Placed | None:
    """Return the event that has an order's terms: first hand before what was learned from the venue."""
    placed = [event for event in events if isinstance(event, Placed)]
    return min(placed, key=lambda event: (event.reconciliation, event.ts_init, event.event_id), default=None)


def rebuild_order(
    history: Iterable[OrderEvent], find_instrument: Callable[[InstrumentId], Instrument | None], account: AccountId
) -> Order:
    """Return an order as its events left it; those that do not fit its state then are passed over, as they were.

    account: what stands in where an event does not name it. Raises RebuildError.
    """
    known = list(history)
    placed = placing_of(known)
    if placed is None:
        raise RebuildError("its placing is not in the books")
    instrument_id = InstrumentId.from_str(placed.venue_symbol)
    instrument = find_instrument(instrument_id)
    if instrument is None:
        raise RebuildError(f"the instrument {instrument_id} is not loaded")
    released = any(isinstance(event, Transition) and event.kind is TransitionKind.RELEASED for event in known)
    try:
        order: Order = OrderUnpacker.from_init(_initialized(placed, instrument, emulated=not released))
    except (ValueError, KeyError, TypeError) as error:
        raise RebuildError(f"its terms are not complete ({type(error).__name__}: {error})") from error
    translate = _Translator(order, instrument, account)
    for event in known:
        translated = translate(event, emulated=not released)
        if translated is None:
            continue
        if isinstance(translated, nautilus.OrderFilled) and translated.trade_id in order.trade_ids:
            continue
        try:
            order.apply(translated)
        except (InvalidStateTrigger, ValueError, KeyError):
            continue
    return order


def _initialized(placed: Placed, instrument: Instrument, *, emulated: bool) -> nautilus.OrderInitialized:
    prefix = f"{placed.trader_id}/"

    def client_id(operation: str) -> ClientOrderId | None:
        return ClientOrderId(operation.removeprefix(prefix)) if operation else None

    linked = [client_id(operation) for operation in placed.linked_operation_ids]
    options: dict[str, Any] = {
        "expire_time_ns": placed.ts_expire or 0,
        "display_qty": None if placed.display_quantity is None else f"{placed.display_quantity:f}",
        **placed.options,
    }
    if placed.price is not None:
        options["price"] = str(_price(placed.price, instrument))
    if placed.trigger_price is not None:
        options["trigger_price"] = str(_price(placed.trigger_price, instrument))
    return nautilus.OrderInitialized(
        trader_id=TraderId(placed.trader_id),
        strategy_id=StrategyId(placed.strategy_id),
        instrument_id=instrument.id,
        client_order_id=ClientOrderId(placed.client_order_id),
        order_side=OrderSide.BUY if placed.side in _BUYS else OrderSide.SELL,
        order_type=order_type_from_str(placed.order_type),
        quantity=_quantity(placed.quantity, instrument),
        time_in_force=time_in_force_from_str(placed.time_in_force),
        post_only=placed.post_only,
        reduce_only=placed.reduce_only,
        quote_quantity=placed.quote_quantity,
        options=options,
        emulation_trigger=(
            trigger_type_from_str(placed.emulation_trigger)
            if placed.emulation_trigger and emulated
            else TriggerType.NO_TRIGGER
        ),
        trigger_instrument_id=None,
        contingency_type=(
            contingency_type_from_str(placed.contingency) if placed.contingency else ContingencyType.NO_CONTINGENCY
        ),
        order_list_id=OrderListId(placed.order_list_id) if placed.order_list_id else None,
        linked_order_ids=linked or None,
        parent_order_id=client_id(placed.parent_operation_id),
        exec_algorithm_id=ExecAlgorithmId(placed.algorithm) if placed.algorithm else None,
        exec_algorithm_params=dict(placed.parameters) or None,
        exec_spawn_id=client_id(placed.spawn_operation_id),
        tags=list(placed.tags) or None,
        event_id=_event_id(placed.event_id),
        ts_init=placed.ts_init,
        reconciliation=placed.reconciliation,
    )


class _Translator:
    """Makes Nautilus' events of one order from those of the books."""

    def __init__(self, order: Order, instrument: Instrument, account: AccountId) -> None:
        self._order = order
        self._instrument = instrument
        self._account = account

    def __call__(self, event: OrderEvent, *, emulated: bool) -> Any:  # noqa: ANN401  # one of many events, or None
        if isinstance(event, Filled):
            return filled_event(event, self._instrument, self._order)
        if isinstance(event, Amended):
            return nautilus.OrderUpdated(
                **self._head(event),
                venue_order_id=VenueOrderId(event.venue_order_id) if event.venue_order_id else None,
                account_id=self._account_of(event),
                quantity=_quantity(event.quantity, self._instrument),
                price=None if event.price is None else _price(event.price, self._instrument),
                trigger_price=None if event.trigger_price is None else _price(event.trigger_price, self._instrument),
                is_quote_quantity=event.quote_quantity,
                ts_event=event.ts_event,
                reconciliation=event.reconciliation,
            )
        if isinstance(event, Transition):
            return self._transition(event, emulated=emulated)
        return None

    def _transition(self, event: Transition, *, emulated: bool) -> Any:  # noqa: ANN401
        kind, head = event.kind, self._head(event)
        made: Any = None
        if kind is TransitionKind.EMULATED and emulated:
            made = nautilus.OrderEmulated(**head)
        elif kind is TransitionKind.DENIED:
            made = nautilus.OrderDenied(**head, reason=event.reason or "denied")
        elif kind is TransitionKind.SUBMITTED:
            made = nautilus.OrderSubmitted(**head, account_id=self._account_of(event), ts_event=event.ts_event)
        elif kind in _WITH_REASON or kind in _FROM_VENUE:
            made = self._told(event, head)
        return made

    def _told(self, event: Transition, head: dict[str, Any]) -> Any:  # noqa: ANN401
        """Return what the venue told, or what was concluded in its place."""
        told = {
            **head,
            "account_id": self._account_of(event),
            "ts_event": event.ts_event,
            "reconciliation": event.reconciliation,
        }
        if event.kind is TransitionKind.REJECTED:
            return nautilus.OrderRejected(**told, reason=event.reason or "rejected")
        if event.kind is TransitionKind.ACCEPTED and not event.venue_order_id:
            return None
        told["venue_order_id"] = VenueOrderId(event.venue_order_id) if event.venue_order_id else None
        if event.kind in _WITH_REASON:
            return _WITH_REASON[event.kind](**told, reason=event.reason or "rejected")
        return _FROM_VENUE[event.kind](**told)

    def _head(self, event: OrderEvent) -> dict[str, Any]:
        order = self._order
        return {
            "trader_id": order.trader_id,
            "strategy_id": order.strategy_id,
            "instrument_id": order.instrument_id,
            "client_order_id": order.client_order_id,
            "event_id": _event_id(event.event_id),
            "ts_init": event.ts_init,
        }

    def _account_of(self, event: Transition | Amended) -> AccountId:
        return AccountId(event.account_id) if event.account_id else self._account


def filled_event(fill: Filled, instrument: Instrument, order: Order | None = None) -> nautilus.OrderFilled:
    """Return a fill of the books as Nautilus has it; the order's type is a market order's where none is given."""
    return nautilus.OrderFilled(
        trader_id=TraderId(fill.trader_id),
        strategy_id=StrategyId(fill.strategy_id),
        instrument_id=instrument.id,
        client_order_id=ClientOrderId(fill.client_order_id),
        venue_order_id=VenueOrderId(fill.venue_order_id or f"UNKNOWN-{fill.client_order_id}"),
        account_id=AccountId(fill.account_id),
        trade_id=TradeId(fill.trade_id),
        position_id=PositionId(fill.position_id) if fill.position_id else None,
        order_side=OrderSide.BUY if fill.side in _BUYS else OrderSide.SELL,
        order_type=order_type_from_str("MARKET") if order is None else order.order_type,
        last_qty=_quantity(fill.quantity, instrument),
        last_px=_price(fill.price, instrument),
        currency=Currency.from_str(fill.quote_currency) if fill.quote_currency else instrument.quote_currency,
        commission=Money(
            fill.commission, Currency.from_str(fill.commission_currency or instrument.quote_currency.code)
        ),
        liquidity_side=liquidity_side_from_str(fill.liquidity or "NO_LIQUIDITY_SIDE"),
        event_id=_event_id(fill.event_id),
        ts_event=fill.ts_event,
        ts_init=fill.ts_init,
        reconciliation=fill.reconciliation,
    )


def rebuild_position(quantity: Decimal, fills: Iterable[Filled], instrument: Instrument) -> Position | None:
    """Return an open position from the fills since it was last flat; None if they do not make it what the books have.

    The books give fills from the moment at which it left zero: some of the same moment may be from before.
    """
    made_of = since_flat(quantity, in_sequence(fills))
    position: Position | None = None
    for fill in made_of:
        event = filled_event(fill, instrument)
        if position is None:
            position = Position(instrument=instrument, fill=event)
        else:
            position.apply(event)
    if position is None or position.is_closed:
        return None
    return position


def in_sequence(fills: Iterable[Filled]) -> list[Filled]:
    """Return fills as they happened."""
    return sorted(fills, key=fill_order)


def since_flat(quantity: Decimal, fills: Sequence[Filled]) -> list[Filled]:
    """Return the last fills that make a quantity from nothing, in order; none if the fills cannot.

    Of a fill that turned the position only what it opened is taken, with its share of the commission.
    """
    running = quantity - sum((_change(fill) for fill in fills), Decimal(0))
    made_of: list[Filled] | None = [] if running == 0 else None
    for fill in fills:
        before, running = running, running + _change(fill)
        if running == 0:
            made_of = []
        elif before * running < 0:
            made_of = [_opened(fill, abs(running))]
        elif made_of is not None:
            made_of.append(fill)
    return made_of or []


def _opened(fill: Filled, quantity: Decimal) -> Filled:
    """Return the part of a fill that opened something; what a commission took of it is taken off already."""
    if _change(fill) != fill.side.sign * fill.quantity:
        return replace(fill, quantity=quantity, commission=Decimal(0))
    share = (fill.commission * quantity / fill.quantity).quantize(Decimal(1).scaleb(-8))
    return replace(fill, quantity=quantity, commission=share)


def _change(fill: Filled) -> Decimal:
    """Return what a fill changed the books' quantity by."""
    return fill.side.sign * fill.quantity - taken_from_holding(fill)


def _quantity_value(value: Decimal, instrument: Instrument) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-instrument.size_precision))


def _quantity(value: Decimal, instrument: Instrument) -> Quantity:
    """Return a quantity with the instrument's digits, or with its own where it has more."""
    if value == _quantity_value(value, instrument):
        return Quantity(value, instrument.size_precision)
    return Quantity.from_str(f"{value:f}")


def _price(value: Decimal, instrument: Instrument) -> Price:
    if value == value.quantize(Decimal(1).scaleb(-instrument.price_precision)):
        return Price(value, instrument.price_precision)
    return Price.from_str(f"{value:f}")


def _event_id(value: str) -> UUID4:
    return UUID4.from_str(value)
