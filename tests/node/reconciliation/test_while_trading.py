"""What goes wrong on the way while the node trades: lost answers, broken streams, people who trade by hand."""

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus

from tests.node.reconciliation.desk import ACCOUNT, SYMBOLS, Desk, life, market_of, position
from tests.venue.agreement import cached_fills, ledger_fills
from tests.venue.core.model import OrderKind, OrderRequest, Side
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.nautilus_reader_binance import BinanceReader
from trading_node.reconciliation.difference import Kind

pytestmark = pytest.mark.asyncio
ORDER = "POST /fapi/v1/order"
MANY_S = 20.0


def filled(desk: Desk) -> list[str]:
    """Return the trade id of every fill in the cache."""
    return [
        event.trade_id.value
        for order in desk.cache.orders()
        for event in order.events
        if type(event).__name__ == "OrderFilled"
    ]


async def in_books(desk: Desk) -> list[tuple[str, Decimal]]:
    """Return trade id and quantity of every fill in the books."""
    return [(fill.trade_id, fill.quantity) for fill in (await desk.history()).fills]


async def lose_stream_during(venue: Venue, action: Callable[[], object], room: str = "futures") -> None:
    """Do something that the node's stream does not tell, then break all connections."""
    drop = venue.faults.add(Fault(Action.DROP, stream="*", room=market_of(venue, room).server.room.name, count=None))
    action()
    await until(lambda: venue.faults.hits(drop) >= 1, "the message is lost")
    venue.faults.remove(drop)
    market_of(venue, room).server.disconnect_all()


async def test_a_fill_that_a_broken_stream_lost_counts_once(venue: Venue, tmp_path: Path) -> None:
    """Bare Nautilus counts it twice: see tests/venue/test_nautilus_faults.py."""
    async with life(venue, tmp_path) as desk:
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        theirs = int(order.venue_order_id.value)
        await lose_stream_during(venue, lambda: venue.futures.fill(theirs))
        await until(lambda: order.status == OrderStatus.FILLED, "learned after the reconnect", MANY_S)
        await until(desk.is_open, "the gate opens again", MANY_S)
        assert desk.stats.reconnects == 1
        assert cached_fills(desk) == ledger_fills(venue.futures, ACCOUNT)
        assert len(filled(desk)) == 1
        assert position(desk) == Decimal("0.100")
        assert len(await in_books(desk)) == 1


async def test_okx_also_tells_of_a_broken_stream(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, "okx") as desk:
        order = desk.rest("10.0")
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        theirs = int(order.venue_order_id.value)
        await lose_stream_during(venue, lambda: venue.okx.fill(theirs), "okx")
        await until(lambda: order.status == OrderStatus.FILLED, "learned after the reconnect", MANY_S)
        await until(desk.is_open, "the gate opens again", MANY_S)
        assert desk.stats.reconnects >= 1
        assert len(filled(desk)) == 1
        assert position(desk) == Decimal(10)


async def test_the_gate_is_closed_while_a_stream_is_down(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as desk:
        venue.faults.add(Fault(Action.SERVER_ERROR, endpoint="POST /fapi/v1/listenKey", count=3))
        venue.futures.server.disconnect_all()
        await until(lambda: not desk.is_open(), "the gate closes")
        assert not desk.gate.standing.is_reconciled("BINANCE")
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.DENIED, "an order is refused meanwhile")
        venue.faults.clear()
        await until(desk.is_open, "a stream that its client gave up comes back", MANY_S)


async def test_a_missed_fill_is_found_by_the_regular_look(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, interval_seconds=0.5) as desk:
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        venue.faults.add(Fault(Action.DROP, stream="user", count=None))
        venue.futures.fill(int(order.venue_order_id.value), Decimal("0.040"))
        await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED, "found", MANY_S)
        await until(lambda: desk.stats.repairs == {Kind.MISSING_FILL: 1}, "repaired once")
        assert position(desk) == Decimal("0.040")


async def test_doubled_messages_change_nothing(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, interval_seconds=0.5) as desk:
        venue.faults.add(Fault(Action.DUPLICATE, stream="user", count=None))
        order = desk.probe.order_factory.market(desk.instrument.id, OrderSide.BUY, desk.quantity("0.200"))
        desk.probe.submit_order(order)
        await until(lambda: order.is_closed, "filled")
        looks = desk.stats.looks
        await until(lambda: desk.stats.looks >= looks + 2, "looked at twice")
        assert position(desk) == Decimal("0.200")
        assert len(await in_books(desk)) == len(list(venue.futures.exchange.account_fills(ACCOUNT)))
        assert desk.stats.repairs == {}
        assert desk.is_open()


@pytest.mark.parametrize(
    "fault",
    [Fault(Action.LOSE_RESPONSE, endpoint=ORDER), Fault(Action.SERVER_ERROR, endpoint=ORDER, executed=True)],
    ids=["lost answer", "error after execution"],
)
async def test_an_order_that_lives_is_never_called_rejected(venue: Venue, tmp_path: Path, fault: Fault) -> None:
    async with life(venue, tmp_path) as desk:
        venue.faults.add(Fault(Action.SILENCE, stream="user", count=None))
        venue.faults.add(fault)
        order = desk.rest()
        await until(lambda: order.status != OrderStatus.INITIALIZED, "sent")
        await until(lambda: order.status != OrderStatus.SUBMITTED, "its fate is known", MANY_S)
        assert order.status == OrderStatus.ACCEPTED
        assert [type(event).__name__ for event in order.events] == [
            "OrderInitialized", "OrderSubmitted", "OrderAccepted",
        ]  # fmt: skip
        await until(desk.is_open, "the gate is open")


@pytest.mark.parametrize(
    "fault",
    [Fault(Action.LOSE_REQUEST, endpoint=ORDER), Fault(Action.SERVER_ERROR, endpoint=ORDER)],
    ids=["lost request", "error before execution"],
)
async def test_an_order_that_never_arrived_is_rejected_in_time(venue: Venue, tmp_path: Path, fault: Fault) -> None:
    async with life(venue, tmp_path) as desk:
        venue.faults.add(fault)
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.REJECTED, "the venue must know by now", MANY_S)
        sent, ended = order.events[1].ts_init, order.last_event.ts_init
        assert ended - sent > 2_500_000_000, "not before the receive window and its margin"
        assert not list(venue.futures.exchange.account_orders(ACCOUNT))
        await until(desk.is_open, "the gate is open")


async def test_an_order_that_lives_waits_for_a_venue_that_does_not_answer(venue: Venue, tmp_path: Path) -> None:
    """Bare Nautilus calls it rejected: see tests/venue/test_nautilus_faults.py."""
    async with life(venue, tmp_path) as desk:
        venue.faults.add(Fault(Action.SILENCE, stream="user", count=None))
        venue.faults.add(Fault(Action.LOSE_RESPONSE, endpoint=ORDER))
        for questions in ("GET /fapi/v1/order", "GET /fapi/v1/openOrders"):
            venue.faults.add(Fault(Action.SERVER_ERROR, endpoint=questions, count=None))
        order = desk.rest()
        await until(lambda: list(venue.futures.exchange.open_orders(ACCOUNT)), "the venue has it")
        await until(lambda: not desk.is_open(), "the gate closes: nobody can say what became of it", MANY_S)
        window = time.monotonic() + 3.0  # longer than the receive window and its margin
        failures = desk.stats.failures
        await until(lambda: time.monotonic() > window and desk.stats.failures > failures + 1, "asked in vain", MANY_S)
        assert order.status == OrderStatus.SUBMITTED
        assert list(desk.gate.book.pending), "its quantity stays reserved"
        venue.faults.clear()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "the venue's word decides", MANY_S)
        await until(desk.is_open, "the gate is open", MANY_S)


async def test_a_refusal_by_the_venue_is_one_at_once(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as desk:
        venue.faults.add(Fault(Action.REJECT, endpoint=ORDER, message="Margin is insufficient."))
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.REJECTED, "refused", 1.0)
        assert desk.stats.repairs == {}


async def test_a_cancellation_that_got_lost_is_told_as_such(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as desk:
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        venue.faults.add(Fault(Action.LOSE_REQUEST, endpoint="DELETE /fapi/v1/order"))
        desk.probe.cancel_order(order)
        await until(lambda: order.status == OrderStatus.PENDING_CANCEL, "asked")
        await until(lambda: order.status == OrderStatus.ACCEPTED, "told that it still rests", MANY_S)
        assert type(order.last_event).__name__ == "OrderCancelRejected"
        await until(lambda: desk.stats.repairs == {Kind.CHANGE_UNANSWERED: 1}, "repaired once")


def sell_by_hand(venue: Venue, quantity: str, price: int) -> Any:
    """Place an order that the node does not know."""
    return venue.futures.place(
        OrderRequest(
            account=ACCOUNT,
            symbol=SYMBOLS["futures"],
            side=Side.SELL,
            kind=OrderKind.LIMIT,
            quantity=Decimal(quantity),
            price=Decimal(price),
            client_id="web_9",
        )
    )


async def test_an_order_by_hand_is_counted_and_left_alone(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as desk:
        theirs = sell_by_hand(venue, "0.300", 51_000)
        await until(desk.cache.orders_open, "it is noticed", MANY_S)
        (order,) = desk.cache.orders_open()
        assert (order.strategy_id.value, order.tags) == ("EXTERNAL", ["VENUE"])
        venue.futures.fill(theirs.id, Decimal("0.100"))
        await until(lambda: position(desk) == Decimal("-0.100"), "its fill counts", MANY_S)
        await until(desk.is_open, "the gate opens again", MANY_S)
        assert len(venue.futures.exchange.open_orders(ACCOUNT)) == 1
        assert len(await in_books(desk)) == 1
        placed = (await desk.history()).orders
        assert [each.operation_id for each in placed] == ["TESTER-001/web_9"]


async def test_a_position_that_no_fill_explains_keeps_the_gate_closed(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = BinanceReader.positions
    more = {"BTCUSDT-PERP.BINANCE": Decimal("0.500")}

    async def positions(reader: BinanceReader) -> dict[str, Decimal] | None:
        told = await original(reader)
        return None if told is None else {**told, **more}

    async with life(venue, tmp_path, interval_seconds=0.2) as desk:
        monkeypatch.setattr(BinanceReader, "positions", positions)
        await until(lambda: not desk.is_open(), "the gate closes", MANY_S)
        (gap,) = desk.stats.unresolved
        assert (gap.kind, gap.subject) == (Kind.POSITION_MISMATCH, "BTCUSDT-PERP.BINANCE")
        assert "sell 0.5" in gap.remedy
        assert "0.5" in desk.reconciliation.message
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.DENIED, "nothing passes")
        assert not filled(desk), "nothing is made up"
        more.clear()
        await until(desk.is_open, "it opens by itself when both agree", MANY_S)
        assert desk.stats.unresolved == ()


async def test_a_venue_that_does_not_answer_is_not_agreed_with(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, interval_seconds=0.2) as desk:
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        venue.faults.add(Fault(Action.SERVER_ERROR, endpoint="GET /fapi/v1/openOrders", count=None))
        await until(lambda: not desk.is_open(), "the gate closes", MANY_S)
        assert order.status == OrderStatus.ACCEPTED, "an empty answer is none"
        assert desk.stats.unresolved[0].kind is Kind.VENUE_SILENT
        venue.faults.clear()
        await until(desk.is_open, "it opens when the venue answers", MANY_S)


async def test_answers_that_come_late_do_no_harm(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, interval_seconds=0.2) as desk:
        for endpoint in ("GET /fapi/v1/openOrders", "GET /fapi/v*/positionRisk", "GET /fapi/v1/userTrades"):
            venue.faults.add(Fault(Action.DELAY, endpoint=endpoint, delay_ms=120, count=None))
        for number in range(12):
            side = OrderSide.BUY if number % 3 else OrderSide.SELL
            order = desk.probe.order_factory.market(desk.instrument.id, side, desk.quantity("0.050"))
            desk.probe.submit_order(order)
            await until(lambda order=order: order.is_closed, "filled")  # type: ignore[misc]
        venue.faults.clear()
        looks = desk.stats.looks
        await until(lambda: desk.stats.looks >= looks + 3 and desk.is_open(), "looked at in peace", MANY_S)
        assert cached_fills(desk) == ledger_fills(venue.futures, ACCOUNT)
        assert position(desk) == venue.futures.exchange.ledger.accounts[ACCOUNT].position("BTCUSDT").quantity
        assert desk.stats.unresolved == ()


async def test_books_that_lack_something_are_told(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, interval_seconds=0.3) as desk:
        desk.told[0] = lambda _: None
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        await until(lambda: desk.stats.unresolved, "it is found", MANY_S)
        assert {each.kind for each in desk.stats.unresolved} == {Kind.BOOKS}
        assert desk.stats.unresolved[0].subject == order.client_order_id.value
        assert desk.is_open(), "the venue and the node agree"
        desk.told[0] = desk.books.record
        assert desk.recorder is not None
        for event in order.events:
            desk.recorder.on_event(event)
        await until(lambda: not desk.stats.unresolved, "the books have it", MANY_S)
