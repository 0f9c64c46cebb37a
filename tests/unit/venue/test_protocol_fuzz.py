"""Whatever a client sends, the rooms answer with the venue's own codes: no exception, no HTTP 500, sound books."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.venue.accounts import Credentials, hmac_hex
from tests.venue.binance.room import BinanceRoom
from tests.venue.protocol import HttpReply, HttpRequest
from tests.venue.venue import Venue, VenueConfig

NOW = time.time_ns()
DESK = "desk-a"
PLAUSIBLE = {
    "symbol": ["BTCUSDT", "ETHUSDT", "NOPE"],
    "side": ["BUY", "SELL"],
    "type": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TRAILING_STOP_MARKET", "LIMIT_MAKER", "STOP_LOSS_LIMIT"],
    "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    "quantity": ["0.1", "0.0001", "0", "1e5", "99999999"],
    "quoteOrderQty": ["1000", "0.1"],
    "price": ["49000", "51000", "0.001", "-1", "49000.123"],
    "triggerPrice": ["51000", "49000"],
    "stopPrice": ["51000", "49000"],
    "callbackRate": ["1", "50"],
    "algoType": ["CONDITIONAL"],
    "reduceOnly": ["true", "false", "yes"],
    "closePosition": ["true"],
    "newClientOrderId": ["a", "b", "not allowed!"],
    "clientAlgoId": ["a"],
    "orderId": ["1000001", "1000020", "x"],
    "origClientOrderId": ["a", "b"],
    "cancelReplaceMode": ["STOP_ON_FAILURE", "ALLOW_FAILURE"],
    "cancelOrigClientOrderId": ["a"],
    "newQty": ["0.05"],
    "limit": ["5", "0", "100000"],
    "interval": ["1m", "1h", "2y"],
    "leverage": ["10", "1000"],
    "orderIdList": ["[1000001]", "[", "{}", "[[]]"],
    "batchOrders": ['[{"symbol":"BTCUSDT"}]', "[1]", "["],
    "goodTillDate": ["1", "9999999999999"],
    "recvWindow": ["5000", "99999", "x"],
}
WORTHY = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "algoType": "CONDITIONAL",
    "timeInForce": "GTC",
    "quantity": "0.1",
    "price": "49000",
    "triggerPrice": "51000",
    "interval": "1m",
    "orderId": "1000020",
}
"""Enough for most endpoints to do their work, so that the fuzz reaches what lies behind the parameter checks."""
TEXT = st.text(max_size=8)


def parameters() -> st.SearchStrategy[dict[str, str]]:
    known = st.sampled_from(sorted(PLAUSIBLE)).flatmap(
        lambda name: st.tuples(st.just(name), st.one_of(st.sampled_from(PLAUSIBLE[name]), TEXT))
    )
    return st.lists(st.one_of(known, known, known, st.tuples(TEXT, TEXT)), max_size=9).map(dict)


def make_room(name: str) -> tuple[BinanceRoom, Credentials]:
    venue = Venue(VenueConfig(seed=3, accounts=(DESK,), rate_limits=False))
    room = venue.markets[name].server.room
    assert isinstance(room, BinanceRoom)
    return room, venue.credentials(DESK)


ROOMS = {name: make_room(name) for name in ("binance-spot", "binance-futures")}


def signed(credentials: Credentials, values: dict[str, str]) -> tuple[str, dict[str, str]]:
    query = urlencode(values | {"timestamp": str(NOW // 1_000_000)})
    return f"{query}&signature={hmac_hex(credentials.api_secret, query)}", {"x-mbx-apikey": credentials.api_key}


def assert_spoken_like_the_venue(reply: HttpReply) -> None:
    json.dumps(reply.body)
    assert reply.status < 500
    if reply.status != 200:
        assert isinstance(reply.body, dict)
        assert isinstance(reply.body["code"], int)
        assert reply.body["code"] < 0
        assert reply.body["msg"]
        # -1000 is what nobody thought of.
        assert reply.body["code"] != -1000 or reply.status in (405, 410), reply.body


@pytest.mark.parametrize("name", sorted(ROOMS))
@examples(20)
@given(data=st.data())
def test_signed_requests_get_the_venues_answers(name: str, data: st.DataObject) -> None:
    room, credentials = ROOMS[name]
    method, path = data.draw(st.sampled_from(sorted(room.routes)))
    sound = WORTHY if data.draw(st.booleans()) else {}
    query, headers = signed(credentials, sound | data.draw(parameters()))
    in_body = data.draw(st.booleans()) and method in ("POST", "PUT")
    request = HttpRequest(method, path, "" if in_body else query, query if in_body else "", headers)
    assert_spoken_like_the_venue(room.handle(request, NOW))
    room.floor.settle(NOW)
    assert room.exchange.ledger.imbalance(room.exchange.instruments) == {}


@pytest.mark.parametrize("name", sorted(ROOMS))
@examples(10)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    path=st.one_of(st.sampled_from(["/fapi/v1/order", "/api/v3/order", "/api/v3/account"]), TEXT),
    noise=st.tuples(TEXT, TEXT, TEXT),
)
def test_unsigned_noise_is_refused(name: str, method: str, path: str, noise: tuple[str, str, str]) -> None:
    room, _ = ROOMS[name]
    query, body, key = noise
    reply = room.handle(HttpRequest(method, path, query, body, {"x-mbx-apikey": key}), NOW)
    assert_spoken_like_the_venue(reply)
    assert reply.status != 200


def json_values() -> st.SearchStrategy[Any]:
    leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT)

    def grow(each: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(each, max_size=3) | st.dictionaries(TEXT, each, max_size=2)

    return st.recursive(leaves, grow, max_leaves=4)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("binance-spot", "/ws-api/v3"),
        ("binance-spot", "/ws"),
        ("binance-futures", "/ws-fapi/v1"),
        ("binance-futures", "/stream"),
    ],
)
@examples(8)
@given(data=st.data())
def test_websocket_noise_is_answered(name: str, path: str, data: st.DataObject) -> None:
    room, _ = ROOMS[name]
    session = room.open_session(path, {}, NOW)
    assert session is not None
    methods = ["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "session.logon", "order.place", "order.status"]
    envelope = st.fixed_dictionaries(
        {"method": st.one_of(st.sampled_from(methods), TEXT)},
        optional={"id": json_values(), "params": st.one_of(json_values(), parameters(), st.lists(TEXT, max_size=3))},
    )
    text = data.draw(st.one_of(TEXT, json_values().map(json.dumps), envelope.map(json.dumps)))
    for message in session.receive(text, NOW):
        answer = json.loads(message.text)
        assert "result" in answer or answer["error"]["code"] != -1000
    session.tick(NOW)
