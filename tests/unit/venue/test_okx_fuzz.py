"""Whatever a client sends, the OKX room answers with OKX's own codes: no exception, no HTTP 500, sound books."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.venue.accounts import hmac_base64
from tests.venue.protocol import HttpRequest
from tests.venue.venue import Venue, VenueConfig

NOW = time.time_ns()
STAMP = datetime.fromtimestamp(NOW / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
VENUE = Venue(VenueConfig(seed=3, accounts=("desk-a",)))
ROOM = VENUE.okx.server.room
DESK = VENUE.credentials("desk-a")
TEXT = st.text(max_size=10)
WORTHY: dict[str, Any] = {
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "tdMode": "cross",
    "side": "buy",
    "ordType": "limit",
    "sz": "2",
    "px": "49000",
    "ordId": "1000050",
    "triggerPx": "51000",
}
PLAUSIBLE: dict[str, list[Any]] = {
    "instId": ["BTC-USDT", "ETH-USDT-SWAP", "NOPE"],
    "instIdCode": [10000, 10002, 7],
    "ordType": ["market", "post_only", "ioc", "fok", "trigger", "conditional"],
    "sz": ["0.001", "0", "-1", "1e9", 5],
    "px": ["51000", "x", "49000.123"],
    "tgtCcy": ["base_ccy", "quote_ccy"],
    "clOrdId": ["a", "with-hyphen"],
    "reduceOnly": [True, "true", "yes"],
    "newSz": ["1"],
    "newPx": ["48000"],
    "algoId": ["1000050"],
    "slTriggerPx": ["45000"],
    "lever": ["5", "1000"],
    "mgnMode": ["cross"],
    "bar": ["1m", "9m"],
    "limit": ["5", "x"],
    "posSide": ["long", "net"],
}


def parameters() -> st.SearchStrategy[dict[str, Any]]:
    known = st.sampled_from(sorted(PLAUSIBLE)).flatmap(
        lambda name: st.tuples(st.just(name), st.one_of(st.sampled_from(PLAUSIBLE[name]), TEXT, st.none()))
    )
    return st.lists(st.one_of(known, known, st.tuples(TEXT, TEXT)), max_size=6).map(dict)


def signed(method: str, path: str, query: str, body: str) -> HttpRequest:
    payload = f"{STAMP}{method}{path}{'?' + query if query else ''}{body}"
    headers = {
        "ok-access-key": DESK.api_key,
        "ok-access-passphrase": DESK.passphrase,
        "ok-access-timestamp": STAMP,
        "ok-access-sign": hmac_base64(DESK.api_secret, payload),
    }
    return HttpRequest(method, path, query, body, headers)


@examples(20)
@given(data=st.data())
def test_signed_requests_get_the_venues_answers(data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from(sorted(ROOM.routes)))  # type: ignore[attr-defined]
    values = (WORTHY if data.draw(st.booleans()) else {}) | data.draw(parameters())
    if method == "GET":
        request = signed(method, path, urlencode(values), "")
    else:
        items = [values] * data.draw(st.integers(1, 3)) if data.draw(st.booleans()) else values
        request = signed(method, path, "", json.dumps(items))
    reply = ROOM.handle(request, NOW)
    assert reply.status < 500
    assert isinstance(reply.body, dict)
    assert reply.body["code"].isdigit()
    assert reply.body["code"] == "0" or reply.body["msg"]
    json.dumps(reply.body)
    VENUE.okx.server.floor.settle(NOW)
    assert VENUE.okx.exchange.ledger.imbalance(VENUE.okx.exchange.instruments) == {}


@examples(10)
@given(
    text=st.one_of(
        TEXT,
        st.fixed_dictionaries(
            {"op": st.one_of(st.sampled_from(["login", "subscribe", "unsubscribe", "order", "cancel-order"]), TEXT)},
            optional={"args": st.one_of(TEXT, st.lists(st.one_of(parameters(), TEXT), max_size=2)), "id": TEXT},
        ).map(json.dumps),
    )
)
def test_websocket_noise_is_answered(text: str) -> None:
    session = ROOM.open_session("/ws/v5/private", {}, NOW)
    assert session is not None
    session.operation(text)
    for message in session.receive(text, NOW):
        answer = json.loads(message.text) if message.text != "pong" else {"event": "pong"}
        assert "event" in answer or answer["code"].isdigit()
    session.tick(NOW)
