"""Orders that wait for a price: one that triggered and whose cancellation got lost, and one that trails."""

from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, TrailingOffsetType, TriggerType

from tests.node.reconciliation.desk import ACCOUNT, SYMBOLS, life
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.reconciliation.difference import Kind

pytestmark = pytest.mark.asyncio
MANY_S = 25.0


async def test_a_cancellation_that_got_lost_leaves_it_open_and_the_gate_too(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, "okx", interval_seconds=0.5) as desk:
        order = desk.probe.order_factory.stop_limit(
            desk.instrument.id,
            OrderSide.BUY,
            desk.quantity("10.0"),
            desk.price("49000.0"),
            desk.price("50500.0"),
            trigger_type=TriggerType.LAST_PRICE,
        )
        desk.probe.submit_order(order)
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        venue.okx.set_price(SYMBOLS["okx"], Decimal(50_600))
        venue.okx.step()
        await until(lambda: order.status == OrderStatus.TRIGGERED, "triggered", MANY_S)
        venue.faults.add(Fault(Action.LOSE_REQUEST, endpoint="WS *cancel*"))
        desk.probe.cancel_order(order)
        await until(lambda: order.status == OrderStatus.PENDING_CANCEL, "asked")
        await until(lambda: order.status == OrderStatus.ACCEPTED, "told that it still rests", MANY_S)
        await until(lambda: desk.stats.repairs == {Kind.CHANGE_UNANSWERED: 1}, "repaired once")
        await until(desk.is_open, "the gate opens", MANY_S)
        assert desk.stats.repairs == {Kind.CHANGE_UNANSWERED: 1}, "and no second time"
        assert type(order.last_event).__name__ == "OrderCancelRejected"
        desk.probe.cancel_order(order)
        await until(lambda: order.status == OrderStatus.CANCELED, "and it can be cancelled", MANY_S)


async def test_a_trailing_one_that_was_cancelled_is_asked_for_where_the_venue_keeps_it(
    venue: Venue, tmp_path: Path
) -> None:
    """It has no price to trigger at before the market moves, and is kept apart all the same."""
    async with life(venue, tmp_path) as first:
        order = first.probe.order_factory.trailing_stop_market(
            first.instrument.id,
            OrderSide.SELL,
            first.quantity("0.100"),
            trailing_offset=Decimal(100),
            trailing_offset_type=TrailingOffsetType.BASIS_POINTS,
        )
        first.probe.submit_order(order)
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
    server = venue.futures.server
    (waiting,) = server.floor.conditionals.waiting(ACCOUNT)
    server.floor.conditionals.cancel(ACCOUNT, waiting.id, server.now())
    async with life(venue, tmp_path) as second:
        assert second.order(order.client_order_id).status == OrderStatus.CANCELED
        assert second.stats.repairs == {Kind.ORDER_CLOSED: 1}, "by the venue's word"
