"""Nautilus's own Binance adapter trades spot here, and its cache agrees with the venue's ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from decimal import Decimal

import pytest
import pytest_asyncio
from nautilus_trader.model.enums import OrderSide, OrderStatus, TimeInForce

from tests.venue.agreement import spot_agrees
from tests.venue.core.model import Side
from tests.venue.nautilus_node import RunningNode, node_config, running, spot_clients, until
from tests.venue.venue import Market, Venue

INSTRUMENT, SYMBOL, DESK = "BTCUSDT.BINANCE", "BTCUSDT", "desk-a"


def start_node(venue: Venue) -> AbstractAsyncContextManager[RunningNode]:
    return running(node_config(*spot_clients(venue.spot, venue, DESK)), INSTRUMENT)


@pytest_asyncio.fixture
async def node(venue: Venue) -> AsyncIterator[RunningNode]:
    async with start_node(venue) as started:
        yield started


async def until_agreed(node: RunningNode, market: Market) -> None:
    await until(lambda: spot_agrees(node, market, DESK), "the cache equals the ledger")


async def test_market_orders_pay_fees_in_what_they_receive(venue: Venue, node: RunningNode) -> None:
    for side in (OrderSide.BUY, OrderSide.SELL):
        order = node.probe.order_factory.market(node.instrument.id, side, node.quantity("0.25"))
        node.probe.submit_order(order)
        await until_agreed(node, venue.spot)
        assert order.status == OrderStatus.FILLED
    assert [fill.fee_asset for fill in venue.spot.exchange.account_fills(DESK)] == ["BTC", "USDT"]


async def test_market_order_by_quote_quantity(venue: Venue, node: RunningNode) -> None:
    amount = node.instrument.make_qty(Decimal(1000))
    order = node.probe.order_factory.market(node.instrument.id, OrderSide.BUY, amount, quote_quantity=True)
    node.probe.submit_order(order)
    await until(lambda: list(venue.spot.exchange.account_fills(DESK)), "filled")
    (fill,) = venue.spot.exchange.account_fills(DESK)
    assert 0 <= 1000 - fill.quote < fill.price * venue.spot.exchange.instrument(SYMBOL).step


async def test_limit_order_locks_and_releases(venue: Venue, node: RunningNode) -> None:
    ledger = venue.spot.exchange.ledger.accounts[DESK]
    order = node.probe.order_factory.limit(
        node.instrument.id, OrderSide.BUY, node.quantity("0.3"), node.price("49000"), post_only=True
    )
    node.probe.submit_order(order)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
    assert ledger.locked["USDT"] == Decimal("0.3") * 49_000
    held = venue.spot.exchange.order_by_client_id(DESK, order.client_order_id.value)
    venue.spot.fill(held.id, Decimal("0.1"))
    await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED, "partially filled")
    node.probe.cancel_order(order)
    await until(lambda: order.status == OrderStatus.CANCELED, "canceled")
    assert ledger.locked["USDT"] == 0
    await until_agreed(node, venue.spot)


async def test_stop_limit_waits_and_fires(venue: Venue, node: RunningNode) -> None:
    stop = node.probe.order_factory.stop_limit(
        node.instrument.id, OrderSide.SELL, node.quantity("0.1"), node.price("49000"), node.price("49500")
    )
    venue.spot.step(3)
    venue.spot.set_price(SYMBOL, Decimal(50_000))
    node.probe.submit_order(stop)
    await until(lambda: stop.status == OrderStatus.ACCEPTED, "accepted")
    venue.spot.set_price(SYMBOL, Decimal(49_400))
    venue.spot.take(SYMBOL, Side.SELL, Decimal("0.01"))
    await until(lambda: stop.status == OrderStatus.FILLED, "filled")
    await until_agreed(node, venue.spot)


@pytest.mark.parametrize(
    ("quantity", "price", "post_only", "reason"),
    [("0.01", "50100", True, "immediately match"), ("1.9", "49000", False, "insufficient balance")],
)
async def test_refusals_become_rejections(
    venue: Venue, node: RunningNode, *, quantity: str, price: str, post_only: bool, reason: str
) -> None:
    # The node is not told: its own risk check passes what the venue refuses.
    venue.spot.exchange.deposit(DESK, "USDT", Decimal(-99_000), venue.spot.server.now())
    venue.spot.server.floor.settle(venue.spot.server.now())
    order = node.probe.order_factory.limit(
        node.instrument.id, OrderSide.BUY, node.quantity(quantity), node.price(price), post_only=post_only
    )
    node.probe.submit_order(order)
    await until(lambda: order.status == OrderStatus.REJECTED, "rejected")
    assert reason in order.last_event.reason
    assert not list(venue.spot.exchange.account_orders(DESK))


async def test_unfillable_fok_expires(venue: Venue, node: RunningNode) -> None:
    order = node.probe.order_factory.limit(
        node.instrument.id,
        OrderSide.SELL,
        node.quantity("1.5"),
        node.price("49999"),
        time_in_force=TimeInForce.FOK,
    )
    node.probe.submit_order(order)
    await until(lambda: order.status == OrderStatus.EXPIRED, "expired")
    await until_agreed(node, venue.spot)


async def test_market_data_arrives(venue: Venue, node: RunningNode) -> None:
    probe = node.probe
    probe.subscribe_quote_ticks(node.instrument.id)
    probe.subscribe_trade_ticks(node.instrument.id)
    probe.subscribe_order_book_deltas(node.instrument.id)
    await until(lambda: len(venue.spot.server.connections) >= 3, "data streams and user stream connect")
    await until(lambda: probe.deltas, "the book's snapshot arrives")
    venue.spot.step(12)
    last = venue.spot.exchange.funds.last[SYMBOL]
    await until(lambda: probe.trades and probe.trades[-1].price.as_decimal() == last, "the last trade arrives")
    book = node.cache.order_book(node.instrument.id)
    best = [venue.spot.exchange.books[SYMBOL].best_price(side) for side in Side]
    await until(
        lambda: [book.best_bid_price().as_decimal(), book.best_ask_price().as_decimal()] == best, "the books agree"
    )


async def test_restart_recovers_open_orders(venue: Venue) -> None:
    async with start_node(venue) as first:
        resting = first.probe.order_factory.limit(
            first.instrument.id, OrderSide.SELL, first.quantity("0.2"), first.price("51000")
        )
        first.probe.submit_order(resting)
        await until_agreed(first, venue.spot)
    held = venue.spot.exchange.order_by_client_id(DESK, resting.client_order_id.value)
    venue.spot.fill(held.id, Decimal("0.05"))
    async with start_node(venue) as second:
        (order,) = second.cache.orders_open()
        assert order.client_order_id == resting.client_order_id
        assert order.filled_qty.as_decimal() == Decimal("0.05")
        venue.spot.fill(held.id)
        await until(lambda: order.status == OrderStatus.FILLED, "filled after the restart")


async def test_hmac_key_cannot_log_on(venue: Venue) -> None:
    """Binance takes Ed25519 keys only for `session.logon`; the adapter tries with any key and never trades."""
    config = node_config(*spot_clients(venue.spot, venue, DESK, ed25519=False), connect_s=0.3)
    with pytest.raises(AssertionError, match=r"the node trades|ended before"):
        async with running(config, INSTRUMENT, start_s=1.0):
            pass
