"""Orders that an adapter cannot read, or that nobody can have placed but a person: they hide nothing else."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.adapters.binance.common.enums import BinanceOrderSide, BinanceOrderType
from nautilus_trader.model.enums import OrderSide, OrderStatus

from tests.node.reconciliation.desk import ACCOUNT, SYMBOLS, Desk, life, position
from tests.venue.core.model import OrderKind, OrderRequest, Side
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.nautilus_reader import UnreadableOrderError
from trading_node.reconciliation.difference import Kind

pytestmark = pytest.mark.asyncio
MANY_S = 20.0


def by_the_venue(venue: Venue, label: str, price: int | None = None) -> Any:
    """Place an order as Binance itself does."""
    return venue.futures.place(
        OrderRequest(
            account=ACCOUNT,
            symbol=SYMBOLS["futures"],
            side=Side.SELL,
            kind=OrderKind.MARKET if price is None else OrderKind.LIMIT,
            quantity=Decimal("0.100"),
            price=None if price is None else Decimal(price),
            client_id="autoclose-1",
            label=label,
        )
    )


async def test_an_order_that_cannot_be_read_is_told_and_hides_no_other_difference(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, interval_seconds=0.3) as desk:
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        silence = venue.faults.add(Fault(Action.SILENCE, stream="user", count=None))
        theirs = by_the_venue(venue, "INSURANCE_FUND", 51_000)
        venue.futures.fill(int(order.venue_order_id.value), Decimal("0.040"))
        await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED, "its fill is found all the same", MANY_S)
        await until(lambda: not desk.is_open(), "the gate closes", MANY_S)
        await until(lambda: desk.stats.unresolved, "it is told", MANY_S)
        (told,) = desk.stats.unresolved
        assert (told.kind, told.subject) == (Kind.UNREADABLE_ORDER, "autoclose-1")
        assert "INSURANCE_FUND" in told.message
        assert "Cancel it at the venue" in told.remedy
        assert desk.stats.failures == 0, "the venue has answered"
        venue.futures.cancel(ACCOUNT, theirs.id)
        venue.faults.remove(silence)
        await until(desk.is_open, "the remedy is one", MANY_S)
        assert desk.stats.unresolved == ()


async def test_an_order_of_ours_that_cannot_be_read_is_not_gone(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, interval_seconds=0.3) as desk:
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        theirs = venue.futures.exchange.orders[int(order.venue_order_id.value)]
        kept, theirs.request = theirs.request, replace(theirs.request, label="INSURANCE_FUND")
        looks = desk.stats.looks
        await until(lambda: desk.stats.looks >= looks + 4, "looked at", MANY_S)
        assert order.status == OrderStatus.ACCEPTED
        assert [each.kind for each in desk.stats.unresolved] == [Kind.UNREADABLE_ORDER]
        reader: Any = desk.reconciliation._reconcilers[0].questions._reader
        with pytest.raises(UnreadableOrderError):  # whoever takes no list must not take the rest for all
            await reader.open_orders()
        theirs.request = kept
        await until(desk.is_open, "it can be read again", MANY_S)


async def hold(desk: Desk, quantity: str) -> None:
    order = desk.probe.order_factory.market(desk.instrument.id, OrderSide.BUY, desk.quantity(quantity))
    desk.probe.submit_order(order)
    await until(lambda: order.is_closed, "filled")


async def test_a_liquidation_is_taken_in(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as desk:
        await hold(desk, "0.100")
        by_the_venue(venue, "LIQUIDATION")
        await until(lambda: position(desk) == 0, "the position is gone here too", MANY_S)
        await until(desk.is_open, "the gate opens again", MANY_S)


async def test_an_order_to_close_a_whole_position_stops_nothing_and_is_taken_in_when_it_fires(
    venue: Venue, tmp_path: Path
) -> None:
    async with life(venue, tmp_path, interval_seconds=0.3) as desk:
        await hold(desk, "0.500")
        client: Any = desk.reconciliation._reconcilers[0].client
        await client._http_account.new_algo_order(
            symbol=SYMBOLS["futures"],
            side=BinanceOrderSide.SELL,
            order_type=BinanceOrderType.STOP_MARKET,
            close_position="true",
            trigger_price="49000",
            client_algo_id="web_tpsl",
        )
        looks = desk.stats.looks
        await until(lambda: desk.stats.looks >= looks + 3, "looked at while it waits", MANY_S)
        assert desk.is_open()
        venue.futures.set_price(SYMBOLS["futures"], Decimal(48_500))
        venue.futures.take(SYMBOLS["futures"], Side.SELL, Decimal(1))
        await until(lambda: position(desk) == 0, "its fills are taken in", MANY_S)
        await until(desk.is_open, "the gate is open", MANY_S)
