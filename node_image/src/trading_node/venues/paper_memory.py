"""Takes a paper account out of Nautilus' cache, and puts it back into the simulated venue of the next run."""

import logging
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.engine import SimulatedExchange
from nautilus_trader.cache.cache import Cache
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model import events
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderStatus, OrderType
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientId,
    ClientOrderId,
    InstrumentId,
    PositionId,
    StrategyId,
    TradeId,
    TraderId,
    VenueOrderId,
)
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import FIXED_PRECISION, Money, Price
from nautilus_trader.model.orders import Order
from nautilus_trader.model.orders.unpacker import OrderUnpacker
from nautilus_trader.model.position import Position

from trading_node.venues.paper_state import KeptPosition, PaperState, independent

_KEPT = (events.OrderInitialized, events.OrderSubmitted, events.OrderAccepted)
_RESTING = (OrderStatus.ACCEPTED, OrderStatus.PENDING_UPDATE, OrderStatus.PENDING_CANCEL)
_EVENTS = {kind.__name__: kind for kind in (*_KEPT, events.OrderUpdated)}

_log = logging.getLogger(__name__)


def remember(former: PaperState, cache: Cache, exchange: SimulatedExchange, last_fill: str) -> PaperState:
    """Return the account of a venue as it is now; last_fill: id of the event of its newest fill."""
    venue = exchange.id
    account = exchange.get_account()
    resting = [order for order in cache.orders_open(venue=venue) if _rests(order)]
    linked = [
        (order.client_order_id.value, [other.value for other in order.linked_order_ids or ()]) for order in resting
    ]
    kept = independent(linked)
    return former.model_copy(
        update={
            "last_fill": last_fill,
            "balances": tuple(str(total).replace("_", "") for total in account.balances_total().values()),
            "positions": tuple(keep_position(position) for position in cache.positions_open(venue=venue)),
            "orders": tuple(tuple(_keep_order(order)) for order in resting if order.client_order_id.value in kept),
        }
    )


def instruments_of(state: PaperState) -> set[InstrumentId]:
    """Return the instruments that must be known before an account can be put back."""
    names = {position.instrument_id for position in state.positions}
    names |= {event["instrument_id"] for order in state.orders for event in order}
    return {InstrumentId.from_str(name) for name in names}


def put_back(state: PaperState, cache: Cache, exchange: SimulatedExchange) -> list[events.OrderEvent]:
    """Put positions and resting orders into the cache and the simulated venue, before the strategies start.

    Returns what made the orders.
    """
    for kept in state.positions:
        position = make_position(kept, cache.instrument(InstrumentId.from_str(kept.instrument_id)))
        cache.add_position(position, exchange.oms_type)
    told: list[events.OrderEvent] = []
    for kept_order in state.orders:
        made_of = [_EVENTS[event["type"]].from_dict(event) for event in kept_order]
        _put_order_back(made_of, cache, exchange)
        told += made_of
    if state.positions or state.orders:
        _log.info(
            "the paper account of %s goes on with %d positions and %d orders",
            exchange.id, len(state.positions), len(state.orders),
        )  # fmt: skip
    return told


def _rests(order: Order) -> bool:
    """Return whether an order rests untouched, also while it is asked to change or to go."""
    triggered = getattr(order, "is_triggered", False)
    return bool(order.status in _RESTING and order.filled_qty.as_decimal() == 0 and not triggered)


def _keep_order(order: Order) -> Iterable[dict[str, Any]]:
    """Yield the events that make an order what it is; of its amendments the last of each kind."""
    updates = [event for event in order.events if isinstance(event, events.OrderUpdated)]
    last = {id(event): event for event in updates[-1:]}
    for field in ("price", "trigger_price"):
        amended = [event for event in updates if getattr(event, field) is not None]
        last |= {id(event): event for event in amended[-1:]}
    for event in order.events:
        if isinstance(event, _KEPT) or id(event) in last:
            yield type(event).to_dict(event)


def keep_position(position: Position) -> KeptPosition:
    """Return what is kept of a position."""
    realized = position.realized_pnl
    return KeptPosition(
        position_id=position.id.value,
        trader_id=position.trader_id.value,
        strategy_id=position.strategy_id.value,
        instrument_id=position.instrument_id.value,
        account_id=position.account_id.value,
        opening_order_id=position.opening_order_id.value,
        side=OrderSide.BUY.name if position.is_long else OrderSide.SELL.name,
        quantity=str(position.quantity.as_decimal()),
        average_price=position.avg_px_open,
        realized="0" if realized is None else str(realized.as_decimal()),
        opened_ns=position.ts_opened,
    )


def make_position(kept: KeptPosition, instrument: Instrument) -> Position:
    """Return a position of one fill, with the whole quantity at the average price.

    The profit that it has realised already stands as that fill's fee, with the opposite sign: that is how a position
    counts fees.
    """
    settlement = instrument.get_cost_currency()
    fill = events.OrderFilled(
        trader_id=TraderId(kept.trader_id),
        strategy_id=StrategyId(kept.strategy_id),
        instrument_id=instrument.id,
        client_order_id=ClientOrderId(kept.opening_order_id),
        venue_order_id=VenueOrderId(kept.opening_order_id),
        account_id=AccountId(kept.account_id),
        trade_id=TradeId("KEPT"),
        position_id=PositionId(kept.position_id),
        order_side=OrderSide[kept.side],
        order_type=OrderType.MARKET,
        last_qty=instrument.make_qty(Decimal(kept.quantity)),
        last_px=Price(kept.average_price, FIXED_PRECISION),  # All digits: some coins cost less than a millionth.
        currency=instrument.quote_currency,
        commission=Money(-Decimal(kept.realized), settlement),
        liquidity_side=LiquiditySide.TAKER,
        event_id=UUID4(),
        ts_event=kept.opened_ns,
        ts_init=kept.opened_ns,
    )
    return Position(instrument, fill)


def _put_order_back(told: list[Any], cache: Cache, exchange: SimulatedExchange) -> None:
    initialized, *rest = told
    order = OrderUnpacker.from_init(initialized)
    for event in rest:
        order.apply(event)
    cache.add_order(order, None, ClientId(exchange.id.value))
    cache.add_venue_order_id(order.client_order_id, order.venue_order_id)
    cache.update_order(order)
    # For one that has been accepted this is all that it does: it rests in the book again.
    exchange.get_matching_engine(order.instrument_id).accept_order(order)
