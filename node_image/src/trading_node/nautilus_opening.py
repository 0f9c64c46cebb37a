"""The one order and fill that stand for a position from before the books, where the venue lists its trades no more."""

from decimal import Decimal
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import FillReport, OrderStatusReport
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderStatus, OrderType, TimeInForce
from nautilus_trader.model.identifiers import AccountId, PositionId, TradeId, VenueOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money

from trading_node.nautilus_reader import venue_fill, venue_order
from trading_node.reconciliation.facts import OPENING, Opening


def make_opening(
    instrument: Instrument,
    account_id: AccountId,
    *,
    quantity: Decimal,
    price: Decimal,
    ts_event: int,
    position_id: str,
) -> Opening:
    """Return what takes in a position.

    quantity: signed. price: the venue's average entry. ts_event: UTC nanoseconds from which on trades count by
    themselves. position_id: as the venue's fills name the position; empty where they name none.
    """
    size = instrument.make_qty(abs(quantity))
    common: dict[str, Any] = {
        "account_id": account_id,
        "instrument_id": instrument.id,
        "venue_order_id": VenueOrderId(f"{OPENING}{instrument.id.value}-{ts_event}"),
        "order_side": OrderSide.BUY if quantity > 0 else OrderSide.SELL,
        "report_id": UUID4(),
        "ts_init": ts_event,
    }
    order = OrderStatusReport(
        **common,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.GTC,
        order_status=OrderStatus.FILLED,
        quantity=size,
        filled_qty=size,
        ts_accepted=ts_event,
        ts_last=ts_event,
    )
    fill = FillReport(
        **common,
        trade_id=TradeId(f"{OPENING}{ts_event}"),
        last_qty=size,
        last_px=instrument.make_price(price),
        commission=Money(0, instrument.get_cost_currency()),
        liquidity_side=LiquiditySide.NO_LIQUIDITY_SIDE,
        ts_event=ts_event,
        venue_position_id=PositionId(position_id) if position_id else None,
    )
    return Opening(order=venue_order(order), fill=venue_fill(fill))
