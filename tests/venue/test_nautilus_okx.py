"""Nautilus's own OKX adapter trades spot and swaps here, and its cache agrees with the venue's ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from decimal import Decimal

import pytest_asyncio
from nautilus_trader.core.nautilus_pyo3 import OKXInstrumentType
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import GenerateOrderStatusReport
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import ClientId

from tests.venue.agreement import agrees, cached_position, spot_agrees
from tests.venue.core.model import Side
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import RunningNode, node_config, okx_clients, running, until
from tests.venue.venue import Market, Venue

SWAP, SYMBOL, DESK = "BTC-USDT-SWAP.OKX", "BTC-USDT-SWAP", "desk-a"


def start_node(venue: Venue) -> AbstractAsyncContextManager[RunningNode]:
    clients = okx_clients(venue.okx, venue, DESK, OKXInstrumentType.SWAP)
    return running(node_config(*clients, name="OKX"), SWAP)


@pytest_asyncio.fixture
async def node(venue: Venue) -> AsyncIterator[RunningNode]:
    async with start_node(venue) as started:
        yield started


async def until_agreed(node: RunningNode, market: Market) -> None:
    await until(lambda: agrees(node, market, DESK, SYMBOL), "the cache equals the ledger")


async def test_swap_round_trip(venue: Venue, node: RunningNode) -> None:
    for side, count in ((OrderSide.BUY, 1), (OrderSide.SELL, 2)):
        node.probe.submit_order(node.probe.order_factory.market(node.instrument.id, side, node.quantity("12.50")))
        await until_agreed(node, venue.okx)
        assert len(list(venue.okx.exchange.account_orders(DESK))) == count
    assert cached_position(node) == 0


async def test_limit_order_lives_its_life(venue: Venue, node: RunningNode) -> None:
    order = node.probe.order_factory.limit(
        node.instrument.id, OrderSide.BUY, node.quantity("3.00"), node.price("49000.0"), post_only=True
    )
    node.probe.submit_order(order)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
    node.probe.modify_order(order, quantity=node.quantity("4.00"), price=node.price("49100.0"))
    await until(lambda: order.price == node.price("49100.0"), "amended")
    held = venue.okx.exchange.order_by_client_id(DESK, order.client_order_id.value)
    venue.okx.fill(held.id, Decimal("1.5"))
    await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED, "partially filled")
    node.probe.cancel_order(order)
    await until(lambda: order.status == OrderStatus.CANCELED, "canceled")
    await until_agreed(node, venue.okx)
    assert cached_position(node) == Decimal("1.50")


async def test_stop_fires(venue: Venue, node: RunningNode) -> None:
    venue.okx.take(SYMBOL, Side.BUY, Decimal(1))
    stop = node.probe.order_factory.stop_market(
        node.instrument.id, OrderSide.SELL, node.quantity("2.00"), node.price("49500.0")
    )
    node.probe.submit_order(stop)
    await until(lambda: stop.status == OrderStatus.ACCEPTED, "the stop waits")
    venue.okx.set_price(SYMBOL, Decimal(49_400))
    venue.okx.take(SYMBOL, Side.SELL, Decimal(1))
    await until(lambda: stop.status == OrderStatus.FILLED, "the stop fills")
    assert cached_position(node) == venue.okx.exchange.ledger.accounts[DESK].position(SYMBOL).quantity == -2


async def test_a_stop_is_found_by_its_client_id_as_long_as_it_waits_and_after(venue: Venue, node: RunningNode) -> None:
    stop = node.probe.order_factory.stop_market(
        node.instrument.id, OrderSide.SELL, node.quantity("2.00"), node.price("49500.0")
    )
    node.probe.submit_order(stop)
    await until(lambda: stop.status == OrderStatus.ACCEPTED, "the stop waits")
    client = node.node.kernel.exec_engine._clients[ClientId("OKX")]
    # Without any plain order the adapter does not look among the others.
    node.probe.submit_order(
        node.probe.order_factory.limit(node.instrument.id, OrderSide.BUY, node.quantity("1.00"), node.price("40000.0"))
    )
    await until(lambda: len(list(venue.okx.exchange.account_orders(DESK))) == 1, "a plain order rests")

    async def found() -> OrderStatus:
        report = await client.generate_order_status_report(
            GenerateOrderStatusReport(node.instrument.id, stop.client_order_id, None, UUID4(), 0)
        )
        return report.order_status

    assert await found() == OrderStatus.ACCEPTED
    node.probe.cancel_order(stop)
    await until(lambda: stop.status == OrderStatus.CANCELED, "canceled")
    assert await found() == OrderStatus.CANCELED


async def test_order_beyond_the_margin_is_rejected(venue: Venue, node: RunningNode) -> None:
    order = node.probe.order_factory.limit(
        node.instrument.id, OrderSide.BUY, node.quantity("9000.00"), node.price("49000.0")
    )
    node.probe.submit_order(order)
    await until(lambda: order.status == OrderStatus.REJECTED, "rejected")
    assert "Insufficient" in order.last_event.reason
    assert not list(venue.okx.exchange.account_orders(DESK))


async def test_post_only_that_would_take_is_accepted_and_cancelled(venue: Venue, node: RunningNode) -> None:
    """OKX reports it as cancelled, not as rejected, and so does the adapter: `due_post_only` never comes."""
    order = node.probe.order_factory.limit(
        node.instrument.id, OrderSide.BUY, node.quantity("3.00"), node.price("50100.0"), post_only=True
    )
    node.probe.submit_order(order)
    await until(lambda: order.status == OrderStatus.CANCELED, "canceled")
    assert not list(venue.okx.exchange.account_fills(DESK))


async def test_market_data_arrives(venue: Venue, node: RunningNode) -> None:
    probe = node.probe
    probe.subscribe_quote_ticks(node.instrument.id)
    probe.subscribe_trade_ticks(node.instrument.id)
    probe.subscribe_order_book_deltas(node.instrument.id)
    await until(lambda: probe.deltas and probe.quotes, "the book's snapshot and a quote arrive")
    venue.okx.step(12)
    last = venue.okx.exchange.funds.last[SYMBOL]
    await until(lambda: probe.trades and probe.trades[-1].price.as_decimal() == last, "the last trade arrives")
    book = node.cache.order_book(node.instrument.id)
    best = [venue.okx.exchange.books[SYMBOL].best_price(side) for side in Side]
    await until(
        lambda: [book.best_bid_price().as_decimal(), book.best_ask_price().as_decimal()] == best, "the books agree"
    )


async def test_restart_reconciles_what_happened_meanwhile(venue: Venue) -> None:
    async with start_node(venue) as first:
        resting = first.probe.order_factory.limit(
            first.instrument.id, OrderSide.SELL, first.quantity("10.00"), first.price("51000.0")
        )
        first.probe.submit_order(resting)
        await until_agreed(first, venue.okx)
    held = venue.okx.exchange.order_by_client_id(DESK, resting.client_order_id.value)
    venue.okx.fill(held.id, Decimal(4))
    async with start_node(venue) as second:
        assert cached_position(second) == -4
        venue.okx.fill(held.id)
        await until(lambda: cached_position(second) == -10, "the fill after the restart counts")
        await until(lambda: not second.cache.orders_open(), "the order is closed")


async def test_spot_round_trip(venue: Venue) -> None:
    clients = okx_clients(venue.okx, venue, DESK, OKXInstrumentType.SPOT)
    async with running(node_config(*clients, name="OKX"), "BTC-USDT.OKX") as node:
        for side in (OrderSide.BUY, OrderSide.SELL):
            node.probe.submit_order(node.probe.order_factory.market(node.instrument.id, side, node.quantity("0.25")))
            await until(lambda: spot_agrees(node, venue.okx, DESK), "the cache equals the ledger")
        assert len(list(venue.okx.exchange.account_fills(DESK))) >= 2


async def test_lost_reply_over_websocket_is_healed_by_the_channel(venue: Venue, node: RunningNode) -> None:
    venue.faults.add(Fault(Action.LOSE_RESPONSE, endpoint="WS order", account=DESK))
    order = node.probe.order_factory.limit(
        node.instrument.id, OrderSide.BUY, node.quantity("1.00"), node.price("49000.0")
    )
    node.probe.submit_order(order)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "the orders channel tells of it")
    await until_agreed(node, venue.okx)


async def test_partial_fill_over_websocket(venue: Venue, node: RunningNode) -> None:
    venue.faults.add(Fault(Action.PARTIAL_FILL, endpoint="WS order", fraction="0.25"))
    order = node.probe.order_factory.limit(
        node.instrument.id, OrderSide.BUY, node.quantity("4.00"), node.price("49000.0")
    )
    node.probe.submit_order(order)
    await until(lambda: order.status == OrderStatus.PARTIALLY_FILLED, "partially filled")
    await until_agreed(node, venue.okx)
    assert cached_position(node) == 1
