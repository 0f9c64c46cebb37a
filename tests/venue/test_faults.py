"""Each fault does what it says, to whom it says, as often as it says; seen through real clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest
import pytest_asyncio

from tests.venue.ccxt_client import futures_client
from tests.venue.core.model import Status
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue

PAIR, SYMBOL, DESK = "BTC/USDT:USDT", "BTCUSDT", "desk-b"
ORDER = "POST /fapi/v1/order"


@pytest_asyncio.fixture
async def client(venue: Venue) -> AsyncIterator[Any]:
    async with futures_client(venue, DESK) as made:
        yield made


async def buy(client: Any, name: str = "one", price: int = 49_000) -> Any:
    return await client.create_order(PAIR, "limit", "buy", 0.1, price, {"clientOrderId": name})


def names(venue: Venue) -> list[str]:
    return [order.client_id for order in venue.futures.exchange.account_orders(DESK)]


async def test_lost_response_leaves_an_order_behind(venue: Venue, client: Any) -> None:
    venue.faults.add(Fault(Action.LOSE_RESPONSE, endpoint=ORDER))
    with pytest.raises(ccxt.NetworkError):
        await buy(client)
    assert names(venue) == ["one"]
    with pytest.raises(ccxt.ExchangeError, match="-4116"):
        await buy(client)
    assert names(venue) == ["one"]


async def test_lost_request_leaves_nothing(venue: Venue, client: Any) -> None:
    venue.faults.add(Fault(Action.LOSE_REQUEST, endpoint=ORDER))
    with pytest.raises(ccxt.NetworkError):
        await buy(client)
    assert names(venue) == []
    await buy(client)
    assert names(venue) == ["one"]


@pytest.mark.parametrize("executed", [False, True])
async def test_server_error_before_and_after_execution(venue: Venue, client: Any, *, executed: bool) -> None:
    venue.faults.add(Fault(Action.SERVER_ERROR, endpoint=ORDER, executed=executed))
    with pytest.raises(ccxt.OperationFailed, match="-1000"):
        await buy(client)
    assert names(venue) == (["one"] if executed else [])


@pytest.mark.parametrize(("action", "status"), [(Action.RATE_LIMIT, 429), (Action.BAN, 418)])
async def test_rate_limits_say_when_to_come_back(venue: Venue, client: Any, action: Action, status: int) -> None:
    venue.faults.add(Fault(action, endpoint=ORDER, retry_after_s=7))
    with pytest.raises(ccxt.DDoSProtection, match=str(status)):
        await buy(client)
    assert client.last_response_headers["Retry-After"] == "7"
    assert names(venue) == []


async def test_faults_are_scoped_counted_and_removable(venue: Venue, client: Any) -> None:
    other = venue.faults.add(Fault(Action.REJECT, endpoint=ORDER, account="desk-a", count=None))
    second = venue.faults.add(Fault(Action.REJECT, endpoint=ORDER, account=DESK, skip=1, count=1))
    await buy(client, "first")
    with pytest.raises(ccxt.ExchangeError, match="-2010"):
        await buy(client, "second")
    await buy(client, "third")
    assert names(venue) == ["first", "third"]
    assert (venue.faults.hits(other), venue.faults.hits(second)) == (0, 1)
    venue.faults.remove(second)
    assert [active.id for active in venue.faults] == [other]


async def test_delay_holds_the_request_back(venue: Venue, client: Any) -> None:
    venue.faults.add(Fault(Action.DELAY, endpoint=ORDER, delay_ms=60))
    task = asyncio.create_task(buy(client))
    await until(lambda: venue.futures.server.requests.get(ORDER), "the request arrives")
    assert names(venue) == []
    await task
    assert names(venue) == ["one"]


async def test_duplicated_request_is_stopped_by_its_client_id(venue: Venue, client: Any) -> None:
    venue.faults.add(Fault(Action.DUPLICATE, endpoint=ORDER))
    placed = await buy(client)
    assert names(venue) == ["one"]
    assert placed["status"] == "open"


async def test_partial_fill_of_a_taker_and_of_a_maker(venue: Venue, client: Any) -> None:
    venue.faults.add(Fault(Action.PARTIAL_FILL, endpoint=ORDER, fraction="0.3", count=2))
    await buy(client, "taker", 50_100)
    await buy(client, "maker", 49_000)
    taker, maker = venue.futures.exchange.account_orders(DESK)
    assert (taker.status, taker.filled) == (Status.EXPIRED, Decimal("0.03"))
    assert (maker.status, maker.filled) == (Status.PARTIALLY_FILLED, Decimal("0.03"))
    assert venue.futures.exchange.ledger.imbalance(venue.futures.exchange.instruments) == {}


async def test_clock_skew_refuses_signed_requests_until_removed(venue: Venue, client: Any) -> None:
    fault = venue.faults.add(Fault(Action.CLOCK_SKEW, room="binance-futures", skew_ms=60_000, count=None))
    with pytest.raises(ccxt.InvalidNonce):
        await buy(client)
    venue.faults.remove(fault)
    await buy(client)
    assert names(venue) == ["one"]


@asynccontextmanager
async def user_stream(venue: Venue) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    url, key = venue.futures.url, venue.credentials(DESK).api_key
    async with aiohttp.ClientSession(headers={"X-MBX-APIKEY": key}) as session:
        async with session.post(f"{url}/fapi/v1/listenKey") as reply:
            listen_key = (await reply.json())["listenKey"]
        async with session.ws_connect(f"{url}/ws/{listen_key}") as socket:
            yield socket


async def updates(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[str]:
    """Return the next messages: the order's client id, or the event's name."""
    out = []
    for _ in range(count):
        message = json.loads(await asyncio.wait_for(socket.receive_str(), 5))
        out.append(message["o"]["c"] if message["e"] == "ORDER_TRADE_UPDATE" else message["e"])
    return out


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Action.DROP, ["two", "three"]),
        (Action.DUPLICATE, ["one", "one", "two", "three"]),
        (Action.REORDER, ["two", "one", "three"]),
    ],
)
async def test_messages_are_lost_doubled_and_swapped(
    venue: Venue, client: Any, action: Action, expected: list[str]
) -> None:
    async with user_stream(venue) as socket:
        venue.faults.add(Fault(action, stream="user", account=DESK))
        for name in ("one", "two", "three"):
            await buy(client, name)
        assert await updates(socket, len(expected)) == expected


async def test_delayed_message_holds_up_those_behind_it(venue: Venue, client: Any) -> None:
    async with user_stream(venue) as socket:
        venue.faults.add(Fault(Action.DELAY, stream="user", delay_ms=50))
        await buy(client, "one")
        await buy(client, "two")
        assert await updates(socket, 2) == ["one", "two"]


async def test_disconnect_breaks_the_stream(venue: Venue, client: Any) -> None:
    async with user_stream(venue) as socket:
        venue.faults.add(Fault(Action.DISCONNECT, stream="user"))
        await buy(client)
        message = await asyncio.wait_for(socket.receive(), 5)
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE)


async def test_silent_stream_stays_connected(venue: Venue, client: Any) -> None:
    async with user_stream(venue) as socket:
        fault = venue.faults.add(Fault(Action.SILENCE, stream="user", count=None))
        await buy(client, "one")
        await until(lambda: venue.faults.hits(fault), "the message is swallowed")
        venue.faults.remove(fault)
        await buy(client, "two")
        assert await updates(socket, 1) == ["two"]
