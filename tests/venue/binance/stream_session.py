"""Connections to the stream server, single or combined."""

from __future__ import annotations

import json

from tests.venue.binance.market_streams import MarketStreams
from tests.venue.protocol import Batch, Json, Message, Session, to_text


class StreamSession(Session):
    """A connection to the stream server: market streams by name, and the user data of a listen key."""

    def __init__(self, streams: MarketStreams, *, combined: bool) -> None:
        self._streams = streams
        self._combined = combined

    def start(self, names: list[str], now: int) -> None:
        for name in names:
            self._streams.subscribe(name, now)

    def receive(self, text: str, now: int) -> list[Message]:
        reply = self._answer(text, now)
        return [Message("control", to_text(reply))]

    def _answer(self, text: str, now: int) -> Json:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return {"error": {"code": 3, "msg": "Invalid JSON: expected value"}}
        if not isinstance(message, dict):
            return {"error": {"code": 2, "msg": "Invalid request: request must be a JSON object"}}
        names = message.get("params", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            failure: Json = {"code": 2, "msg": "Invalid request: params must be a list of stream names"}
            return {"error": failure, "id": message.get("id")}
        return self._command(message.get("method"), names, now) | {"id": message.get("id")}

    def _command(self, method: object, names: list[str], now: int) -> dict[str, Json]:
        match method:
            case "SUBSCRIBE":
                self.start(names, now)
                return {"result": None}
            case "UNSUBSCRIBE":
                for name in names:
                    self._streams.unsubscribe(name)
                return {"result": None}
            case "LIST_SUBSCRIPTIONS":
                return {"result": list(self._streams.names)}
            case _:
                return {"error": {"code": 2, "msg": "Invalid request: unknown method"}}

    def feed(self, batch: Batch, now: int) -> list[Message]:
        return [self.wrap(name, payload) for name, payload in self._streams.feed(batch, now)]

    def tick(self, now: int) -> list[Message]:
        return [self.wrap(name, payload) for name, payload in self._streams.tick(now)]

    def wrap(self, name: str, payload: Json, account: str = "") -> Message:
        text = to_text({"stream": name, "data": payload}) if self._combined else to_text(payload)
        return Message(name, text, account)
