"""Nautilus's own Binance adapter trades USDT futures here, and its cache agrees with the venue's ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from decimal import Decimal

import pytest
import pytest_asyncio
from nautilus_trader.model.enums import OrderSide, OrderStatus, TimeInForce, TriggerType

from tests.venue.agreement import agrees, cached_fills, cached_position, ledger_fills
from tests.venue.core.model import OrderKind, OrderRequest, Side, Status
from tests.venue.nautilus_node import RunningNode, futures_clients, node_config, running, until
from tests.venue.venue import Market, Venue

INSTRUMENT, SYMBOL, DESK = "BTCUSDT-PERP.BINANCE", "BTCUSDT", "desk-a"


def start_node(venue: Venue, *, ed25519: bool = False) -> AbstractAsyncContextManager[RunningNode]:
    return running(node_config(*futures_clients(venue.futures, venue, DESK, ed25519=ed25519)), INSTRUMENT)


@pytest_asyncio.fixture
async def node(venue: Venue) -> AsyncIterator[RunningNode]:
    async with start_node(venue) as started:
        yield started


async def until_agreed(node: RunningNode, market: Market) -> None:
    await until(lambda: agrees(node, market, DESK, SYMBOL), "the cache equals the ledger")


async def test_ed25519_account_trades(venue: Venue) -> None:
    async with start_node(venue, ed25519=True) as node:
        order = node.probe.order_factory.market(node.instrument.id, OrderSide.SELL, node.quantity("0.250"))
        node.probe.submit_order(order)
        await until_agreed(node, venue.futures)
        assert order.status == OrderStatus.FILLED
        assert cached_position(node) == Decimal("-0.250")


async def test_limit_order_lives_its_life(venue: Venue, node: RunningNode) -> None:
    futures, probe = venue.futures, node.probe
    order = probe.order_factory.limit(
        node.instrument.id, OrderSide.BUY, node.quantity("0.300"), node.price("49000.0"), post_only=True
    )
    probe.submit_order(order)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")

    probe.modify_order(order, quantity=node.quantity("0.400"), price=node.price("49100.0"))
    await until(lambda: order.price == node.price("49100.0"), "amended")

    held = futures.exchange.order_by_client_id(DESK, order.client_order_id.value)
    futures.fill(held.id, Decimal("0.150"))
    await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED, "partially filled")
    await until_agreed(node, futures)

    probe.cancel_order(order)
    await until(lambda: order.status == OrderStatus.CANCELED, "canceled")
    assert held.status is Status.CANCELED
    assert cached_position(node) == Decimal("0.150")
    await until_agreed(node, futures)


async def test_round_trip_realises_the_ledgers_profit(venue: Venue, node: RunningNode) -> None:
    futures, probe = venue.futures, node.probe
    for side, price in ((OrderSide.BUY, 50_000), (OrderSide.SELL, 51_000)):
        futures.set_price(SYMBOL, Decimal(price))
        order = probe.order_factory.market(node.instrument.id, side, node.quantity("0.050"))
        probe.submit_order(order)
        await until_agreed(node, futures)
    await until_agreed(node, futures)
    position = node.cache.positions_closed()[0]
    fills = list(futures.exchange.account_fills(DESK))
    expected = sum((fill.realized - fill.fee for fill in fills), Decimal(0))
    assert position.realized_pnl.as_decimal() == expected
    assert futures.exchange.ledger.accounts[DESK].total("USDT") == 100_000 + expected


async def test_stop_triggers_through_the_algo_service(venue: Venue, node: RunningNode) -> None:
    futures, probe = venue.futures, node.probe
    entry = probe.order_factory.market(node.instrument.id, OrderSide.BUY, node.quantity("0.100"))
    probe.submit_order(entry)
    await until(lambda: entry.status == OrderStatus.FILLED, "entered")
    stop = probe.order_factory.stop_market(
        node.instrument.id,
        OrderSide.SELL,
        node.quantity("0.100"),
        node.price("49500.0"),
        trigger_type=TriggerType.MARK_PRICE,
        reduce_only=True,
    )
    probe.submit_order(stop)
    await until(lambda: stop.status == OrderStatus.ACCEPTED, "the stop waits")
    futures.set_price(SYMBOL, Decimal("49400"))
    await until(lambda: stop.status == OrderStatus.FILLED, "the stop fills")
    await until_agreed(node, futures)
    assert cached_position(node) == 0


@pytest.mark.parametrize(
    ("quantity", "price", "tif", "post_only", "reason"),
    [
        ("0.300", "50100.0", TimeInForce.GTC, True, "Post Only"),
        ("90.000", "50100.0", TimeInForce.FOK, False, "FOK"),
        ("900.000", "49000.0", TimeInForce.GTC, False, "Margin is insufficient"),
    ],
)
async def test_refusals_become_rejections(
    venue: Venue, node: RunningNode, *, quantity: str, price: str, tif: TimeInForce, post_only: bool, reason: str
) -> None:
    order = node.probe.order_factory.limit(
        node.instrument.id,
        OrderSide.BUY,
        node.quantity(quantity),
        node.price(price),
        time_in_force=tif,
        post_only=post_only,
    )
    node.probe.submit_order(order)
    await until(lambda: order.status == OrderStatus.REJECTED, "rejected")
    assert reason in order.last_event.reason
    assert order.last_event.due_post_only is post_only
    assert not list(venue.futures.exchange.account_orders(DESK))


async def test_cancel_all_leaves_nothing_open(venue: Venue, node: RunningNode) -> None:
    orders = [
        node.probe.order_factory.limit(
            node.instrument.id, OrderSide.BUY, node.quantity("0.010"), node.price(f"{48000 + step}.0")
        )
        for step in range(5)
    ]
    for order in orders:
        node.probe.submit_order(order)
    await until(lambda: all(order.status == OrderStatus.ACCEPTED for order in orders), "all accepted")
    node.probe.cancel_all_orders(node.instrument.id)
    await until(lambda: all(order.status == OrderStatus.CANCELED for order in orders), "all canceled")
    assert venue.futures.exchange.open_orders(DESK) == []
    await until_agreed(node, venue.futures)


async def test_market_data_arrives(venue: Venue, node: RunningNode) -> None:
    probe = node.probe
    probe.subscribe_quote_ticks(node.instrument.id)
    probe.subscribe_trade_ticks(node.instrument.id)
    probe.subscribe_order_book_deltas(node.instrument.id)
    await until(lambda: len(venue.futures.server.connections) >= 3, "data streams and user stream connect")
    await until(lambda: probe.deltas, "the book's snapshot arrives")
    venue.futures.step(12)
    last = venue.futures.exchange.funds.last[SYMBOL]
    await until(lambda: probe.trades and probe.trades[-1].price.as_decimal() == last, "the last trade arrives")
    await until(lambda: probe.quotes, "quotes arrive")
    book = node.cache.order_book(node.instrument.id)
    best = [venue.futures.exchange.books[SYMBOL].best_price(side) for side in Side]
    await until(
        lambda: [book.best_bid_price().as_decimal(), book.best_ask_price().as_decimal()] == best, "the books agree"
    )


async def test_restart_reconciles_what_happened_meanwhile(venue: Venue) -> None:
    futures = venue.futures
    async with start_node(venue) as first:
        entry = first.probe.order_factory.market(first.instrument.id, OrderSide.BUY, first.quantity("0.200"))
        resting = first.probe.order_factory.limit(
            first.instrument.id, OrderSide.SELL, first.quantity("0.100"), first.price("51000.0")
        )
        for order in (entry, resting):
            first.probe.submit_order(order)
        await until_agreed(first, futures)

    held = futures.exchange.order_by_client_id(DESK, resting.client_order_id.value)
    futures.fill(held.id, Decimal("0.040"))
    outside = futures.place(
        OrderRequest(DESK, SYMBOL, Side.BUY, OrderKind.LIMIT, Decimal("0.500"), Decimal(48_000), client_id="outside")
    )

    async with start_node(venue) as second:
        assert cached_position(second) == Decimal("0.160")
        assert {order.client_order_id.value for order in second.cache.orders_open()} == {
            resting.client_order_id.value,
            outside.client_id,
        }
        assert cached_fills(second) == ledger_fills(futures, DESK)
        futures.fill(held.id)
        await until(lambda: cached_position(second) == Decimal("0.100"), "the fill after the restart counts")
        await until_agreed(second, futures)
