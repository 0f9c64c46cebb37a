"""What happened while the node was dead, or while it died, is as if it had been there: once, by the venue's word."""

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.events import OrderRejected

from tests.node.reconciliation.desk import ACCOUNT, SYMBOLS, Desk, life, market_of, position
from tests.venue.agreement import cached_fills, ledger_fills
from tests.venue.core.model import OrderKind, OrderRequest, Side
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.reconciliation.difference import Kind

pytestmark = pytest.mark.asyncio
ROOMS = ("futures", "okx", "spot")
HELD = {"futures": "0.1", "spot": "0.0999", "okx": "10"}
"""What is held of an order that was filled: on spot the fee is taken from it."""
SIZES = {"futures": ("0.100", "49000.0"), "spot": ("0.10000", "49000.00"), "okx": ("10.0", "49000.0")}


def outside(venue: Venue, room: str, side: Side, quantity: str, client_id: str = "web_1") -> None:
    """Trade by hand."""
    market_of(venue, room).place(
        OrderRequest(
            account=ACCOUNT,
            symbol=SYMBOLS[room],
            side=side,
            kind=OrderKind.MARKET,
            quantity=Decimal(quantity),
            client_id=client_id,
        )
    )


async def resting(desk: Desk, room: str) -> tuple[str, int]:
    """Leave an order at the venue; return our id and the venue's."""
    order = desk.rest(*SIZES[room])
    await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
    return order.client_order_id.value, int(order.venue_order_id.value)


def agrees(desk: Desk, venue: Venue, room: str) -> bool:
    """Whether the books hold each fill of the venue's ledger once."""
    market = market_of(venue, room)
    truth = {(str(f.trade_id), f.client_id, f.quantity) for f in market.exchange.account_fills(ACCOUNT)}
    known = {
        (event.trade_id.value, order.client_order_id.value, event.last_qty.as_decimal())
        for order in desk.cache.orders()
        for event in order.events
        if type(event).__name__ == "OrderFilled"
    }
    return known <= truth


@pytest.mark.parametrize("room", ROOMS)
async def test_an_open_order_is_its_strategys_again(venue: Venue, tmp_path: Path, room: str) -> None:
    async with life(venue, tmp_path, room) as first:
        ours, _ = await resting(first, room)
        events = [event.id for event in first.cache.orders()[0].events]
        strategy = first.probe.id
    async with life(venue, tmp_path, room) as second:
        (order,) = second.cache.orders_open(strategy_id=strategy)
        assert order.client_order_id.value == ours
        assert [event.id for event in order.events] == events, "its own events, not new ones"
        assert second.stats.repairs == {}
        second.probe.cancel_order(order)
        await until(lambda: order.status == OrderStatus.CANCELED, "the strategy cancels it")
    assert not list(market_of(venue, room).exchange.open_orders(ACCOUNT))


@pytest.mark.parametrize("room", ROOMS)
async def test_filled_while_dead(venue: Venue, tmp_path: Path, room: str) -> None:
    async with life(venue, tmp_path, room) as first:
        ours, theirs = await resting(first, room)
    market_of(venue, room).fill(theirs)
    async with life(venue, tmp_path, room) as second:
        (order,) = second.cache.orders()
        assert order.client_order_id.value == ours
        assert order.status == OrderStatus.FILLED
        assert second.stats.repairs[Kind.MISSING_FILL] == 1
        assert agrees(second, venue, room)
        assert position(second) == Decimal(HELD[room])
        books = await second.history()
        assert not books.orders
        assert [fill.quantity for fill in books.fills] == [Decimal(SIZES[room][0])]
        assert books.positions[0].position.quantity == Decimal(HELD[room])
    async with life(venue, tmp_path, room) as third:
        assert third.stats.repairs == {}, "what was repaired is in the books"
        assert position(third) == Decimal(HELD[room])


@pytest.mark.parametrize("room", ["futures", "okx"])
async def test_filled_and_closed_by_hand_while_dead(venue: Venue, tmp_path: Path, room: str) -> None:
    """Nothing is open at the venue any more: an adapter that asks for what is open would never hear of it."""
    async with life(venue, tmp_path, room) as first:
        _, theirs = await resting(first, room)
    market_of(venue, room).fill(theirs)
    outside(venue, room, Side.SELL, SIZES[room][0])
    async with life(venue, tmp_path, room) as second:
        assert position(second) == 0
        books = await second.history()
        assert sorted(fill.strategy_id for fill in books.fills) == ["EXTERNAL", "Probe-001"]
        assert not books.orders


async def test_canceled_while_dead(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as first:
        _, theirs = await resting(first, "futures")
    venue.futures.cancel(ACCOUNT, theirs)
    async with life(venue, tmp_path) as second:
        (order,) = second.cache.orders()
        assert order.status == OrderStatus.CANCELED
        assert second.stats.repairs == {Kind.ORDER_CLOSED: 1}
        assert not (await second.history()).orders


async def test_partial_fills_around_the_end(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as first:
        _, theirs = await resting(first, "futures")
        venue.futures.fill(theirs, Decimal("0.030"))
        await until(lambda: position(first) == Decimal("0.030"), "the first part is heard")
    venue.futures.fill(theirs, Decimal("0.020"))
    async with life(venue, tmp_path) as second:
        (order,) = second.cache.orders()
        assert order.status == OrderStatus.PARTIALLY_FILLED
        assert position(second) == Decimal("0.050")
        venue.futures.fill(theirs)
        await until(lambda: order.status == OrderStatus.FILLED, "the rest is heard")
        assert cached_fills(second) == ledger_fills(venue.futures, ACCOUNT)
        assert venue.futures.exchange.ledger.accounts[ACCOUNT].position("BTCUSDT").quantity == position(second)


async def test_an_order_whose_answer_came_too_late_for_the_former_life(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as first:
        venue.faults.add(Fault(Action.SILENCE, stream="user", count=None))
        venue.faults.add(Fault(Action.LOSE_RESPONSE, endpoint="POST /fapi/v1/order"))
        order = first.rest()
        await until(lambda: list(venue.futures.exchange.open_orders(ACCOUNT)), "the venue has it")
        assert order.status == OrderStatus.SUBMITTED
        ours = order.client_order_id
    venue.faults.clear()
    async with life(venue, tmp_path) as second:
        assert second.order(ours).status == OrderStatus.ACCEPTED
        assert second.stats.repairs == {Kind.IN_FLIGHT_FOUND: 1}


async def test_an_order_that_never_arrived_ends_only_after_the_receive_window(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as first:
        venue.faults.add(Fault(Action.LOSE_REQUEST, endpoint="POST /fapi/v1/order"))
        order = first.rest()
        await until(lambda: venue.futures.server.requests.get("POST /fapi/v1/order"), "it leaves")
        ours = order.client_order_id
    async with life(venue, tmp_path) as second:
        gone = second.order(ours)
        assert gone.status == OrderStatus.REJECTED
        assert "never got it" in gone.last_event.reason
        assert gone.last_event.ts_event - gone.events[1].ts_event > 2_500_000_000, "the window and its margin"
        assert second.stats.repairs == {Kind.IN_FLIGHT_LOST: 1}


async def test_a_position_that_strategies_share_and_turned_comes_back(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as first:
        for side, quantity in ((OrderSide.BUY, "0.100"), (OrderSide.SELL, "0.250"), (OrderSide.BUY, "0.030")):
            order = first.probe.order_factory.market(first.instrument.id, side, first.quantity(quantity))
            first.probe.submit_order(order)
            await until(lambda order=order: order.is_closed, "filled")  # type: ignore[misc]
        assert position(first) == Decimal("-0.120")
        price = first.cache.positions_open()[0].avg_px_open
    async with life(venue, tmp_path) as second:
        assert position(second) == Decimal("-0.120")
        assert second.cache.positions_open()[0].avg_px_open == pytest.approx(price)
        assert second.stats.repairs == {}


async def test_a_position_from_before_the_books_is_made_of_its_own_trades(venue: Venue, tmp_path: Path) -> None:
    outside(venue, "futures", Side.BUY, "0.200", "web_1")
    outside(venue, "futures", Side.SELL, "0.200", "web_2")
    flat_at = venue.futures.server.now()
    await until(lambda: venue.futures.server.now() > flat_at + 1_000_000, "the venue's clock shows another time")
    outside(venue, "futures", Side.BUY, "0.300", "web_3")
    async with life(venue, tmp_path) as first:
        assert position(first) == Decimal("0.300")
        books = await first.history()
        assert {fill.client_order_id for fill in books.fills} == {"web_3"}
        assert books.fills[0].strategy_id == "EXTERNAL"


async def test_an_order_of_a_former_life_that_was_called_rejected_lives_again(venue: Venue, tmp_path: Path) -> None:
    """As a node left it that believed its adapter."""
    async with life(venue, tmp_path) as first:
        order = first.rest()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        ours = order.client_order_id
        first.node.kernel.exec_engine.process(_rejected(order))
        await until(lambda: order.status == OrderStatus.REJECTED, "called rejected")
    async with life(venue, tmp_path) as second:
        assert second.order(ours).status == OrderStatus.ACCEPTED
        assert second.stats.repairs[Kind.ORDER_OPEN] == 1
        assert second.order(ours).strategy_id == second.probe.id


def _rejected(order: Any) -> OrderRejected:
    return OrderRejected(
        trader_id=order.trader_id,
        strategy_id=order.strategy_id,
        instrument_id=order.instrument_id,
        client_order_id=order.client_order_id,
        account_id=order.account_id,
        reason="UNKNOWN",
        event_id=UUID4(),
        ts_event=time.time_ns(),
        ts_init=time.time_ns(),
    )
