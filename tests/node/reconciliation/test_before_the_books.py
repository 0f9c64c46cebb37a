"""A position whose trades the venue does not list any more is taken in once, if the books know nothing of it."""

from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.enums import OrderSide

from tests.node.reconciliation.desk import ACCOUNT, SYMBOLS, life, market_of, position
from tests.node.reconciliation.test_restart import outside
from tests.venue.core.model import Side
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.reconciliation.difference import Kind

pytestmark = pytest.mark.asyncio
ROOMS = {"futures": "0.300", "okx": "30"}


def forget_trades(venue: Venue, room: str) -> None:
    """Have the venue list no trade that happened so far."""
    server = market_of(venue, room).server
    server.floor.list_trades_from(server.now() + 1)


@pytest.mark.parametrize("room", ROOMS)
async def test_it_is_taken_in_at_its_entry_price_and_is_there_again_after_a_restart(
    venue: Venue, tmp_path: Path, room: str
) -> None:
    outside(venue, room, Side.BUY, ROOMS[room], "web_1")
    forget_trades(venue, room)
    (made,) = market_of(venue, room).exchange.account_fills(ACCOUNT, SYMBOLS[room])
    async with life(venue, tmp_path, room) as first:
        assert position(first) == Decimal(ROOMS[room])
        assert first.stats.repairs[Kind.EXTERNAL_POSITION] == 1
        assert first.stats.unresolved == ()
        (held,) = first.cache.positions_open()
        assert Decimal(str(held.avg_px_open)) == made.price
        assert held.strategy_id.value == "EXTERNAL"
        (fill,) = (await first.history()).fills
        assert fill.trade_id.startswith("OPENING-")
        assert fill.quantity == Decimal(ROOMS[room])
    async with life(venue, tmp_path, room) as second:
        assert position(second) == Decimal(ROOMS[room])
        assert second.stats.repairs == {}, "once"
        order = second.probe.order_factory.market(second.instrument.id, OrderSide.SELL, second.quantity(ROOMS[room]))
        second.probe.submit_order(order)
        await until(lambda: order.is_closed, "sold")
        await until(lambda: position(second) == 0, "flat, as at the venue")
    async with life(venue, tmp_path, room) as third:
        assert position(third) == 0
        assert third.stats.repairs == {}


async def test_newer_trades_count_by_themselves_and_older_ones_not_again(venue: Venue, tmp_path: Path) -> None:
    """The venue still lists the last of the trades that made it, and lists it again to the next life."""
    outside(venue, "futures", Side.BUY, "0.200", "web_1")
    forget_trades(venue, "futures")
    outside(venue, "futures", Side.BUY, "0.100", "web_2")
    async with life(venue, tmp_path) as first:
        assert position(first) == Decimal("0.300")
        outside(venue, "futures", Side.BUY, "0.050", "web_3")
        await until(lambda: position(first) == Decimal("0.350"), "it is heard")
    async with life(venue, tmp_path) as second:
        assert position(second) == Decimal("0.350")
        assert second.stats.repairs == {}


async def test_what_nothing_explains_is_not_taken_in_where_the_books_know_the_instrument(
    venue: Venue, tmp_path: Path
) -> None:
    async with life(venue, tmp_path) as first:
        order = first.probe.order_factory.market(first.instrument.id, OrderSide.BUY, first.quantity("0.100"))
        first.probe.submit_order(order)
        await until(lambda: position(first) == Decimal("0.100"), "bought")
    outside(venue, "futures", Side.BUY, "0.200", "web_1")
    forget_trades(venue, "futures")
    async with life(venue, tmp_path, trades_at_once=False) as second:
        await until(lambda: bool(second.stats.unresolved), "a person is called")
        (told,) = second.stats.unresolved
        assert told.kind is Kind.POSITION_MISMATCH
        assert "sell 0.2" in told.remedy
        assert not second.is_open()
