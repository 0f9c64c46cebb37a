"""A fill that was not heard of an order whose expiry was."""

from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, TimeInForce

from tests.node.reconciliation.desk import ACCOUNT, life, position
from tests.venue.agreement import cached_fills, ledger_fills
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.reconciliation.difference import Kind

pytestmark = pytest.mark.asyncio
MANY_S = 20.0


async def test_the_order_has_the_fill_that_its_position_has(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, interval_seconds=0.5) as desk:
        venue.faults.add(Fault(Action.PARTIAL_FILL, endpoint="POST /fapi/v1/order"))
        # The venue tells that it took the order, what the balances are, the trade, and the end.
        venue.faults.add(Fault(Action.DROP, stream="user", skip=2))
        sent = desk.probe.order_factory.limit(
            desk.instrument.id,
            OrderSide.BUY,
            desk.quantity("0.100"),
            desk.price("50100.0"),
            time_in_force=TimeInForce.IOC,
        )
        desk.probe.submit_order(sent)
        await until(lambda: sent.status == OrderStatus.EXPIRED, "ended")
        await until(lambda: position(desk) == Decimal("0.050"), "its fill is found", MANY_S)
        await until(lambda: desk.order(sent.client_order_id).is_closed and desk.is_open(), "both agree", MANY_S)
        known = desk.order(sent.client_order_id)
        assert (known.status, known.filled_qty) == (OrderStatus.EXPIRED, desk.quantity("0.050"))
        assert cached_fills(desk) == ledger_fills(venue.futures, ACCOUNT)
        assert desk.stats.repairs[Kind.MISSING_FILL] == 1
        history = await desk.history()
        assert [(fill.quantity, fill.client_order_id) for fill in history.fills] == [
            (Decimal("0.050"), sent.client_order_id.value)
        ]
        assert not history.orders
