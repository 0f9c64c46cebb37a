"""Ways past a halt that only a live node has: each is shown in bare Nautilus, and closed with the gate."""

import math
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from nautilus_trader.adapters.binance import BINANCE
from nautilus_trader.adapters.okx import OKX
from nautilus_trader.core.nautilus_pyo3 import OKXInstrumentType
from nautilus_trader.model.enums import OrderSide, OrderStatus, TradingState, TriggerType

from tests.node.reconciliation.desk import ACCOUNT, INSTRUMENTS, life
from tests.node.venues.venues import client
from tests.node.venues.venues import venue as adapter_venue
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import RunningNode, futures_clients, node_config, okx_clients, running, until
from tests.venue.venue import Venue, VenueConfig
from trading_api.adapters import Adapter
from trading_node.pacing import BINANCE_QUOTAS
from trading_node.risk.standing import Admission

MANY = 80
PACE = BINANCE_QUOTAS["binance:futures:orders:10s"]


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Venue]:
    async with Venue(VenueConfig(seed=7)) as running_venue:
        yield running_venue


def came(venue: Venue) -> int:
    """Return how many conditional orders have come to the venue."""
    return venue.futures.server.requests.get("POST /fapi/v1/algoOrder", 0)


def burst(node: RunningNode) -> list[Any]:
    """Send many conditional orders at once, of which the adapter's limiter lets through thirty a second."""
    factory, orders = node.probe.order_factory, []
    for number in range(MANY):
        orders.append(
            factory.stop_market(
                node.instrument.id, OrderSide.BUY, node.quantity("0.010"), node.price(f"{60000 + number}.0"),
                trigger_type=TriggerType.LAST_PRICE,
            )
        )  # fmt: skip
        node.probe.submit_order(orders[-1])
    return orders


async def test_bare_a_burst_waits_in_the_http_client_and_leaves_after_a_halt(venue: Venue) -> None:
    config = node_config(*futures_clients(venue.futures, venue, ACCOUNT, ed25519=False), name=BINANCE)
    async with running(config, INSTRUMENTS["futures"]) as node:
        node.instrument = node.cache.instrument(node.probe.config.instrument_id)
        orders = burst(node)
        await until(lambda: came(venue) >= PACE.burst, "the first have come")
        node.node.kernel.risk_engine.set_trading_state(TradingState.HALTED)
        assert came(venue) < MANY
        await until(lambda: came(venue) == MANY, "the others come all the same")
        await until(lambda: all(order.is_open for order in orders), "answered")


async def test_a_burst_waits_where_a_halt_reaches_it(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as desk:
        began = time.monotonic()
        orders = burst(desk)
        await until(lambda: came(venue) >= PACE.burst, "the first have come")
        desk.gate.set_admission(Admission.HALT)
        passed = PACE.burst + math.ceil((time.monotonic() - began) / PACE.seconds)
        assert passed < MANY
        await until(lambda: all(order.is_open or order.is_closed for order in orders), "all are answered")
        held_back = [order for order in orders if order.status in {OrderStatus.REJECTED, OrderStatus.DENIED}]
        assert len(orders) - len(held_back) == came(venue) <= passed
        assert all("Halted" in order.last_event.reason for order in held_back)
        assert sum(desk.gate.denials.values()) == len(held_back)


async def test_what_waited_longer_than_the_receive_window_is_signed_again(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as desk:  # its window is half a second
        orders = burst(desk)
        await until(lambda: all(order.is_open or order.is_closed for order in orders), "all are answered")
        assert {order.status for order in orders} == {OrderStatus.ACCEPTED}


RETRIED = "POST /api/v5/trade/order-algo"


@pytest.mark.parametrize("retries", [None, client(adapter_venue(Adapter.OKX), "execution").config.max_retries])
async def test_a_request_that_failed_is_sent_again_after_a_halt_only_where_a_client_may(
    venue: Venue, retries: int | None
) -> None:
    """Retries are made inside the native client, past all questions; ours may make none."""
    data, execution = okx_clients(venue.okx, venue, ACCOUNT, OKXInstrumentType.SWAP)
    bare = retries is None
    if not bare:
        execution = msgspec.structs.replace(execution, max_retries=retries)
    venue.faults.add(Fault(Action.SERVER_ERROR, endpoint=RETRIED, count=None))
    async with running(node_config(data, execution, name=OKX), INSTRUMENTS["okx"]) as node:
        node.instrument = node.cache.instrument(node.probe.config.instrument_id)
        order = node.probe.order_factory.stop_market(
            node.instrument.id, OrderSide.BUY, node.quantity("1"), node.price("60000.0"),
            trigger_type=TriggerType.LAST_PRICE,
        )  # fmt: skip
        node.probe.submit_order(order)
        await until(lambda: venue.okx.server.requests.get(RETRIED), "it came once")
        node.node.kernel.risk_engine.set_trading_state(TradingState.HALTED)
        await until(lambda: order.is_closed, "given up", 30)
        assert (venue.okx.server.requests[RETRIED] > 1) is bare
