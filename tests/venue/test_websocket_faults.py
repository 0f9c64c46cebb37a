"""Faults of requests that travel over WebSocket: they get the venue's own kind of answer, and do what they say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.venue.faults import Action, Fault
from tests.venue.venue import Venue

DESK = "desk-b"
ORDER = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "49000", "sz": "1"}


@asynccontextmanager
async def okx(venue: Venue) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Give a connection that is logged in."""
    keys, stamp = venue.credentials(DESK), str(int(time.time()))
    signed = hmac.new(keys.api_secret.encode(), f"{stamp}GET/users/self/verify".encode(), hashlib.sha256).digest()
    login = {
        "apiKey": keys.api_key,
        "passphrase": keys.passphrase,
        "timestamp": stamp,
        "sign": base64.b64encode(signed).decode(),
    }
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{venue.okx.ws_url}/ws/v5/private") as socket:
        assert (await ask(socket, {"op": "login", "args": [login]}))["code"] == "0"
        yield socket


async def ask(socket: aiohttp.ClientWebSocketResponse, request: Any) -> Any:
    """Send a request and return its answer."""
    await socket.send_json(request)
    return json.loads(await socket.receive_str(timeout=5))


def placed(venue: Venue) -> list[str]:
    return [order.client_id for order in venue.okx.exchange.account_orders(DESK)]


@pytest.mark.parametrize(
    ("fault", "code", "kept"),
    [
        (Fault(Action.REJECT, endpoint="WS order"), "51008", False),
        (Fault(Action.RATE_LIMIT, endpoint="WS order"), "50011", False),
        (Fault(Action.BAN, endpoint="WS order"), "50035", False),
        (Fault(Action.SERVER_ERROR, endpoint="WS order"), "50026", False),
        (Fault(Action.SERVER_ERROR, endpoint="WS order", executed=True), "50026", True),
    ],
    ids=lambda value: f"{value.action}-{value.executed}" if isinstance(value, Fault) else None,
)
async def test_okx_refuses_item_by_item(venue: Venue, fault: Fault, code: str, *, kept: bool) -> None:
    async with okx(venue) as socket:
        number = venue.faults.add(fault)
        reply = await ask(socket, {"id": "7", "op": "order", "args": [ORDER | {"clOrdId": "one"}]})
        assert venue.faults.hits(number) == 1
        assert (reply["id"], reply["op"], reply["code"]) == ("7", "order", "1")
        (item,) = reply["data"]
        assert (item["clOrdId"], item["ordId"], item["sCode"]) == ("one", "", code)
        assert item["sMsg"]
        assert placed(venue) == (["one"] if kept else [])
        await ask(socket, {"id": "8", "op": "order", "args": [ORDER | {"clOrdId": "two"}]})
        assert placed(venue)[-1] == "two"


async def test_okx_refuses_every_item_of_a_batch(venue: Venue) -> None:
    async with okx(venue) as socket:
        venue.faults.add(Fault(Action.REJECT, endpoint="WS batch-orders", message="No."))
        orders = [ORDER | {"clOrdId": name} for name in ("one", "two")]
        reply = await ask(socket, {"id": "7", "op": "batch-orders", "args": orders})
        assert [(item["clOrdId"], item["sMsg"]) for item in reply["data"]] == [("one", "No."), ("two", "No.")]


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        (Action.REJECT, 400, -2010),
        (Action.RATE_LIMIT, 429, -1003),
        (Action.BAN, 418, -1003),
        (Action.SERVER_ERROR, 503, -1000),
    ],
)
@pytest.mark.parametrize(("room", "path"), [("spot", "/ws-api/v3"), ("futures", "/ws-fapi/v1")])
async def test_binance_answers_with_an_error_frame(
    venue: Venue, room: str, path: str, *, action: Action, status: int, code: int
) -> None:
    market = {"spot": venue.spot, "futures": venue.futures}[room]
    venue.faults.add(Fault(action, endpoint="WS order.place", retry_after_s=7))
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{market.ws_url}{path}") as socket:
        before_ms = time.time_ns() // 1_000_000
        reply = await ask(socket, {"id": "a1", "method": "order.place", "params": {"symbol": "BTCUSDT"}})
    assert (reply["id"], reply["status"], reply["error"]["code"]) == ("a1", status, code)
    if action in (Action.RATE_LIMIT, Action.BAN):
        assert 7_000 <= reply["error"]["data"]["retryAfter"] - before_ms <= 8_000
    if action is Action.BAN:
        assert f"banned until {reply['error']['data']['retryAfter']}" in reply["error"]["msg"]
