"""OKX answers orders on its stream, with words and without a code: which of them end an order."""

from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.enums import OrderStatus

from tests.node.reconciliation.desk import ACCOUNT, life, position
from tests.venue.agreement import cached_fills, ledger_fills
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.reconciliation.difference import Kind

pytestmark = pytest.mark.asyncio
MANY_S = 20.0


def words(order: object) -> list[str]:
    return [type(event).__name__ for event in order.events]  # type: ignore[attr-defined]


@pytest.mark.parametrize("silent", [False, True], ids=["after it was accepted", "before anything was told of it"])
async def test_an_order_that_lives_is_not_rejected_by_an_answer_that_leaves_it_open(
    venue: Venue, tmp_path: Path, *, silent: bool
) -> None:
    async with life(venue, tmp_path, "okx") as desk:
        if silent:
            silence = venue.faults.add(Fault(Action.SILENCE, stream="user", count=None))
        venue.faults.add(Fault(Action.SERVER_ERROR, endpoint="WS order", executed=True))
        asked = desk.stats.looks
        order = desk.rest("10.0")
        await until(lambda: desk.stats.looks > asked and order.is_open, "the venue is asked at once", 5.0)
        assert words(order) == ["OrderInitialized", "OrderSubmitted", "OrderAccepted"]
        if silent:
            venue.faults.remove(silence)
        await until(desk.is_open, "the gate is open")
        (theirs,) = venue.okx.exchange.open_orders(ACCOUNT)
        venue.okx.fill(theirs.id, Decimal(4))
        await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED, "its fills are taken in by the stream")
        assert position(desk) == 4
        assert cached_fills(desk) == ledger_fills(venue.okx, ACCOUNT)
        desk.probe.cancel_order(order)
        await until(lambda: order.status == OrderStatus.CANCELED, "and it can be cancelled")
        assert not venue.okx.exchange.open_orders(ACCOUNT)


async def test_an_order_that_was_not_executed_is_rejected_when_the_venue_must_know(
    venue: Venue, tmp_path: Path
) -> None:
    async with life(venue, tmp_path, "okx") as desk:
        venue.faults.add(Fault(Action.SERVER_ERROR, endpoint="WS order"))
        order = desk.rest("10.0")
        await until(lambda: order.status == OrderStatus.REJECTED, "asked for until it must be there", MANY_S)
        await until(lambda: desk.stats.repairs == {Kind.IN_FLIGHT_LOST: 1}, "repaired once")
        assert "System error. Try again later" in order.last_event.reason
        assert order.last_event.ts_init - order.events[1].ts_init > 7_000_000_000
        await until(desk.is_open, "the gate is open")


@pytest.mark.parametrize("action", [Action.REJECT, Action.RATE_LIMIT])
async def test_a_plain_refusal_ends_an_order_at_once(venue: Venue, tmp_path: Path, action: Action) -> None:
    async with life(venue, tmp_path, "okx") as desk:
        venue.faults.add(Fault(action, endpoint="WS order"))
        order = desk.rest("10.0")
        await until(lambda: order.status == OrderStatus.REJECTED, "refused", 1.0)
        assert desk.stats.repairs == {}


async def test_a_change_that_was_made_in_spite_of_its_answer_is_found_soon(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, "okx") as desk:
        order = desk.rest("10.0")
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        venue.faults.add(Fault(Action.SILENCE, stream="user", count=None))
        venue.faults.add(Fault(Action.SERVER_ERROR, endpoint="WS amend-order", executed=True))
        desk.probe.modify_order(order, price=desk.price("48000.0"))
        await until(lambda: "OrderModifyRejected" in words(order), "told that nothing is known of it")
        await until(lambda: order.price == desk.price("48000.0"), "not only by the regular look", MANY_S)
        await until(lambda: desk.stats.repairs == {Kind.ORDER_AMENDED: 1}, "repaired once")
