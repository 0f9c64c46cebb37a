"""Binance's WebSocket API: requests with an id over one connection, signed one by one or after a log-on."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.venue.binance.errors import BinanceError
from tests.venue.binance.params import Params
from tests.venue.binance.room import NS_PER_MS, BinanceRoom, Call, Handler, Security
from tests.venue.protocol import Batch, Json, Message, Session, to_text

type Methods = Mapping[str, tuple[str, Handler, Security]]


class ApiSession(Session):
    """One connection. `methods` maps a name to the REST verb whose words it uses, its handler and its security."""

    def __init__(self, room: BinanceRoom, methods: Methods, now: int) -> None:
        self._room = room
        self._methods = methods
        self._connected_ms = now // NS_PER_MS
        self._api_key: str | None = None
        self._since_ms: int | None = None
        self.account = ""

    def operation(self, text: str) -> str:
        try:
            return self._parse(text)[1]
        except BinanceError:
            return ""

    def receive(self, text: str, now: int) -> list[Message]:
        number: Json = None
        try:
            number, method, params = self._parse(text)
            result = self._dispatch(method, params, now)
        except BinanceError as error:
            failure: dict[str, Json] = {"code": error.code, "msg": error.message}
            reply: dict[str, Json] = {"id": number, "status": error.status, "error": failure, "rateLimits": []}
            return [Message("api", to_text(reply), self.account)]
        reply = {"id": number, "status": 200, "result": result, "rateLimits": []}
        return [Message("api", to_text(reply), self.account), *self.after(method, now)]

    def refusal(self, text: str, kind: str, message: str, now: int, *, retry_after: int) -> list[Message]:
        number, _, _ = self._parse(text)
        said = self._room.error_reply(kind, message, now=now, retry_after=retry_after)
        error: dict[str, Json] = dict(said.body) if isinstance(said.body, dict) else {}
        if retry_after:
            now_ms = now // NS_PER_MS
            error["data"] = {"serverTime": now_ms, "retryAfter": now_ms + 1_000 * retry_after}
        reply: dict[str, Json] = {"id": number, "status": said.status, "error": error, "rateLimits": []}
        return [Message("api", to_text(reply), self.account)]

    def after(self, method: str, now: int) -> list[Message]:  # noqa: ARG002
        """Add messages that follow a reply."""
        return []

    def feed(self, batch: Batch, now: int) -> list[Message]:  # noqa: ARG002
        return []

    def tick(self, now: int) -> list[Message]:  # noqa: ARG002
        return []

    def _parse(self, text: str) -> tuple[Json, str, Params]:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BinanceError(-1135, "JSON error: the request is no valid JSON.") from error
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            raise BinanceError(-1135, "JSON error: the request needs 'id' and 'method'.")
        params = message.get("params") or {}
        if not isinstance(params, dict):
            raise BinanceError(-1135, "JSON error: 'params' must be an object.")
        return message.get("id"), message["method"], Params({str(k): _text(v) for k, v in params.items()})

    def _dispatch(self, method: str, params: Params, now: int) -> Json:
        match method:
            case "session.logon":
                return self._log_on(params, now)
            case "session.status":
                return self._status(now)
            case "session.logout":
                self._api_key, self._since_ms, self.account = None, None, ""
                return self._status(now)
        known = self._methods.get(method)
        if known is None:
            raise BinanceError(-5000, f"Method {method} is invalid", 400)
        verb, handler, security = known
        account = "" if security is Security.NONE else self._authorize(security, params, now)
        return self._room.invoke(handler, Call(verb, params, account, now))

    def _log_on(self, params: Params, now: int) -> Json:
        identity = self._room.check_key(params.required("apiKey"))
        if not identity.is_ed25519:
            raise BinanceError(-4056, "HMAC_SHA256 API key is not supported.")
        self._room.check_signature(identity, signed_text(params), params, now)
        self._api_key, self._since_ms = params.required("apiKey"), now // NS_PER_MS
        self.account = identity.account
        return self._status(now)

    def _status(self, now: int) -> Json:
        return {
            "apiKey": self._api_key,
            "authorizedSince": self._since_ms,
            "connectedSince": self._connected_ms,
            "returnRateLimits": False,
            "serverTime": now // NS_PER_MS,
            "userDataStream": False,
        }

    def _authorize(self, security: Security, params: Params, now: int) -> str:
        if "apiKey" not in params and self.account:
            return self.account
        identity = self._room.check_key(params.text("apiKey") or "")
        if security is Security.SIGNED:
            self._room.check_signature(identity, signed_text(params), params, now)
        return identity.account


def signed_text(params: Params) -> str:
    """Return what a WebSocket request signs: its parameters by name, without the signature."""
    return "&".join(f"{name}={value}" for name, value in sorted(params.raw().items()) if name != "signature")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
