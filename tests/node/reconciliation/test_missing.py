"""When a venue says that it does not know an order: an order that was accepted is cancelled here for that."""

from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, TriggerType

from tests.node.reconciliation.desk import life
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.nautilus_reader import VenueSilentError, says_missing


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("OKX error 51603: Order does not exist", True),
        ("OKX error 51001: Instrument ID doesn't exist. Order not found", False),
        ("OKX error 50001: upstream 404 Not Found", False),
        ("HTTP error 404: <html><title>404 Not Found</title></html>", False),
        ("GET https://example/api/v5/trade/order?ordId=140404 Not Found", False),
        ("Host not found", False),
        ("Order not found", True),
        ("order_not_found", True),
        ("EOrder:Unknown order", True),
        ("order not exists or too late to cancel", True),
        ("connection of order 404 was reset", False),
    ],
)
def test_words_for_an_order_that_is_not_known(text: str, *, missing: bool) -> None:
    assert says_missing(RuntimeError(text)) is missing


@pytest.mark.asyncio
async def test_a_stop_that_lives_is_not_taken_for_cancelled_by_a_404_on_the_way(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, "okx") as desk:
        stop = desk.probe.order_factory.stop_market(
            desk.instrument.id, OrderSide.SELL, desk.quantity("2.00"), desk.price("45000.0"),
            trigger_type=TriggerType.LAST_PRICE,
        )  # fmt: skip
        desk.probe.submit_order(stop)
        await until(lambda: stop.status == OrderStatus.ACCEPTED, "the stop waits")
        reader: Any = desk.reconciliation._reconcilers[0].questions._reader
        instrument, name = str(desk.instrument.id), str(stop.client_order_id)
        found = await reader.order(instrument, name, conditional=True)
        assert found is not None
        assert await reader.order(instrument, "NOBODY", conditional=True) is None
        venue.faults.add(
            Fault(Action.REJECT, endpoint="GET /api/v5/trade/order-algo", message="404 Not Found", count=None)
        )
        with pytest.raises(VenueSilentError, match="404"):
            await reader.order(instrument, name, conditional=True)
