"""What Nautilus's adapter makes of a venue that misbehaves: the behaviour that a node has to live with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest_asyncio
from nautilus_trader.model.enums import OrderSide, OrderStatus

from tests.venue.agreement import agrees, cached_position
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import RunningNode, futures_clients, node_config, running, until
from tests.venue.venue import Venue

INSTRUMENT, SYMBOL, DESK = "BTCUSDT-PERP.BINANCE", "BTCUSDT", "desk-a"
ORDER = "POST /fapi/v1/order"


@pytest_asyncio.fixture
async def node(venue: Venue) -> AsyncIterator[RunningNode]:
    config = node_config(*futures_clients(venue.futures, venue, DESK, ed25519=False))
    async with running(config, INSTRUMENT) as started:
        yield started


def rest(node: RunningNode, quantity: str = "0.100") -> Any:
    order = node.probe.order_factory.limit(
        node.instrument.id, OrderSide.BUY, node.quantity(quantity), node.price("49000.0")
    )
    node.probe.submit_order(order)
    return order


async def test_doubled_messages_change_nothing(venue: Venue, node: RunningNode) -> None:
    venue.faults.add(Fault(Action.DUPLICATE, stream="user", count=None))
    order = node.probe.order_factory.market(node.instrument.id, OrderSide.BUY, node.quantity("0.200"))
    node.probe.submit_order(order)
    await until(lambda: agrees(node, venue.futures, DESK, SYMBOL), "the cache equals the ledger")
    assert cached_position(node) == Decimal("0.200")


async def lose_stream_during(venue: Venue, action: Callable[[], object]) -> None:
    """Do something that the node's user stream does not tell, then break all connections."""
    drop = venue.faults.add(Fault(Action.DROP, stream="user", count=None))
    action()
    await until(lambda: venue.faults.hits(drop) >= 1, "the message is lost")
    venue.faults.remove(drop)
    venue.futures.server.disconnect_all()


async def test_missed_cancel_is_found_after_a_reconnect(venue: Venue, node: RunningNode) -> None:
    order = rest(node)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
    held = venue.futures.exchange.order_by_client_id(DESK, order.client_order_id.value)
    await lose_stream_during(venue, lambda: venue.futures.cancel(DESK, held.id))
    await until(lambda: order.status == OrderStatus.CANCELED, "the reconnected node learns of it")
    await until(lambda: agrees(node, venue.futures, DESK, SYMBOL), "the cache equals the ledger")


async def test_bare_nautilus_counts_a_missed_fill_twice(venue: Venue, node: RunningNode) -> None:
    """A defect of the adapter in 1.231, shown so that a node can be shown to be free of it.

    After a reconnect it asks for the trades of `BTCUSDT-PERP` (from the open order in its cache) and of `BTCUSDT`
    (from the venue's position): the same trades, twice. The doubled fill does not explain the position, so it
    invents a sale that never was.
    """
    order = rest(node)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
    held = venue.futures.exchange.order_by_client_id(DESK, order.client_order_id.value)
    await lose_stream_during(venue, lambda: venue.futures.fill(held.id))
    await until(lambda: order.status == OrderStatus.FILLED, "the reconnected node learns of the fill")
    assert venue.futures.exchange.ledger.accounts[DESK].position(SYMBOL).quantity == Decimal("0.100")
    assert len(list(venue.futures.exchange.account_fills(DESK))) == 1
    assert len(node.cache.orders()) == 2
    assert cached_position(node) == 0


async def test_lost_response_is_healed_by_the_stream(venue: Venue, node: RunningNode) -> None:
    venue.faults.add(Fault(Action.LOSE_RESPONSE, endpoint=ORDER))
    order = rest(node)
    await until(lambda: order.status == OrderStatus.ACCEPTED, "the user stream tells of the order")
    assert agrees(node, venue.futures, DESK, SYMBOL)


async def test_lost_request_is_unknown_until_the_venue_is_asked(venue: Venue) -> None:
    clients = futures_clients(venue.futures, venue, DESK, ed25519=False)
    config = node_config(
        *clients, inflight_check_interval_ms=50, inflight_check_threshold_ms=100, inflight_check_retries=2
    )
    async with running(config, INSTRUMENT) as node:
        venue.faults.add(Fault(Action.LOSE_REQUEST, endpoint=ORDER))
        order = rest(node)
        await until(lambda: venue.futures.server.requests.get(ORDER), "the request leaves")
        assert order.status == OrderStatus.SUBMITTED
        await until(lambda: order.status == OrderStatus.REJECTED, "the in-flight check gives up")
        assert venue.futures.server.requests["GET /fapi/v1/order"] >= 1
        assert not list(venue.futures.exchange.account_orders(DESK))


async def test_response_lost_in_silence_is_found_by_the_in_flight_check(venue: Venue) -> None:
    clients = futures_clients(venue.futures, venue, DESK, ed25519=False)
    config = node_config(
        *clients, inflight_check_interval_ms=50, inflight_check_threshold_ms=100, inflight_check_retries=5
    )
    async with running(config, INSTRUMENT) as node:
        venue.faults.add(Fault(Action.LOSE_RESPONSE, endpoint=ORDER))
        venue.faults.add(Fault(Action.SILENCE, stream="user", count=None))
        order = rest(node)
        await until(lambda: order.status == OrderStatus.ACCEPTED, "the in-flight check finds the order")
        assert agrees(node, venue.futures, DESK, SYMBOL)


async def test_bare_nautilus_rejects_an_order_that_lives_when_the_venue_does_not_answer(venue: Venue) -> None:
    """The in-flight check takes questions that met errors for a venue that does not know the order.

    What ours makes of the same: tests/node/reconciliation/test_while_trading.py.
    """
    clients = futures_clients(venue.futures, venue, DESK, ed25519=False)
    config = node_config(
        *clients, inflight_check_interval_ms=50, inflight_check_threshold_ms=100, inflight_check_retries=2
    )
    async with running(config, INSTRUMENT) as node:
        venue.faults.add(Fault(Action.SILENCE, stream="user", count=None))
        venue.faults.add(Fault(Action.LOSE_RESPONSE, endpoint=ORDER))
        questions = venue.faults.add(Fault(Action.SERVER_ERROR, endpoint="GET /fapi/v1/order", count=None))
        order = rest(node)
        await until(lambda: order.status == OrderStatus.REJECTED, "the in-flight check gives up")
        assert venue.faults.hits(questions) >= 1
        assert len(venue.futures.exchange.open_orders(DESK)) == 1
