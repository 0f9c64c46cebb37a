"""The OKX v5 API: routing, signatures and the envelope around every answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from tests.venue.accounts import KeyRing, hmac_base64
from tests.venue.core.model import RefusalError
from tests.venue.floor import Floor
from tests.venue.okx.errors import Fields, OkxError, fault_error, from_refusal
from tests.venue.okx.market import OkxMarket
from tests.venue.okx.render import OkxRender
from tests.venue.okx.session import OkxSession
from tests.venue.okx.trading import Action, Call, OkxTrading
from tests.venue.protocol import HttpReply, HttpRequest, Json, Room, Session

WINDOW_S = 30
BATCH_SIZE = 20
SOCKETS = {"/ws/v5/public", "/ws/v5/private", "/ws/v5/business"}

type Question = Callable[[Call], list[Json]]


@dataclass(frozen=True, slots=True)
class Route:
    """A question returns `data`; an operation is tried for each item of the body and reports item by item."""

    question: Question | None = None
    operation: str = ""
    action: Action | None = None
    private: bool = True
    batch: bool = False


class OkxRoom(Room):
    name = "okx"

    def __init__(self, floor: Floor, keys: KeyRing, rate_limits: bool = True) -> None:  # noqa: ARG002
        self.floor = floor
        self.exchange = floor.exchange
        self.keys = keys
        self.render = OkxRender(self.exchange)
        self.trading = OkxTrading(floor, self.render)
        self.market = OkxMarket(floor, self.render)
        self.routes = self._routes()

    def _routes(self) -> dict[tuple[str, str], Route]:
        trading, market = self.trading, self.market
        public: dict[str, Question] = {
            "public/time": market.time,
            "public/instruments": market.instruments,
            "public/mark-price": market.mark_prices,
            "market/books": market.books,
            "market/trades": market.trades,
            "market/history-trades": market.trades,
            "market/candles": market.candles,
            "market/history-candles": market.candles,
            "market/ticker": market.ticker,
            "market/tickers": market.tickers,
        }
        private: dict[str, Question] = {
            "account/instruments": market.instruments,
            "account/balance": trading.balance,
            "account/positions": trading.positions,
            "account/config": trading.config,
            "account/trade-fee": trading.trade_fee,
            "account/leverage-info": trading.leverage,
            "trade/order": trading.order,
            "trade/orders-pending": trading.pending,
            "trade/orders-history": trading.history,
            "trade/orders-history-archive": trading.history,
            "trade/fills": trading.fills,
            "trade/fills-history": trading.fills,
            "trade/order-algo": trading.algo,
            "trade/orders-algo-pending": trading.algos_pending,
            "trade/orders-algo-history": trading.algos_history,
        }
        posts: dict[str, Question] = {
            "account/set-leverage": trading.set_leverage,
            "account/set-position-mode": trading.set_position_mode,
        }
        operations: dict[str, tuple[str, Action, bool]] = {
            "trade/order": ("order", trading.place, False),
            "trade/batch-orders": ("order", trading.place, True),
            "trade/cancel-order": ("cancel", trading.cancel, False),
            "trade/cancel-batch-orders": ("cancel", trading.cancel, True),
            "trade/amend-order": ("amend", trading.amend, False),
            "trade/amend-batch-orders": ("amend", trading.amend, True),
            "trade/order-algo": ("order", trading.place_algo, False),
            "trade/cancel-algos": ("cancel", trading.cancel_algo, True),
        }
        base = "/api/v5/"
        return (
            {("GET", base + path): Route(question, private=False) for path, question in public.items()}
            | {("GET", base + path): Route(question) for path, question in private.items()}
            | {("POST", base + path): Route(question) for path, question in posts.items()}
            | {
                ("POST", base + path): Route(operation=name, action=action, batch=batch)
                for path, (name, action, batch) in operations.items()
            }
        )

    def handle(self, request: HttpRequest, now: int) -> HttpReply:
        try:
            route = self.routes.get((request.method, request.path))
            if route is None:
                raise OkxError("404", "Not Found", 404)
            account = self._authenticate(request, now) if route.private else ""
            if route.action is not None:
                return self._operate(route, route.action, account, request, now)
            values = _query(request) if request.method == "GET" else _body(request, batch=False)[0]
            data = self._ask(route, Call(account, Fields(values), now))
        except OkxError as error:
            return HttpReply(error.status, {"code": error.code, "data": [], "msg": error.message})
        return HttpReply(200, {"code": "0", "data": data, "msg": ""})

    def _ask(self, route: Route, call: Call) -> list[Json]:
        if route.question is None:
            raise OkxError("404", "Not Found", 404)
        try:
            return route.question(call)
        except RefusalError as refusal:
            raise from_refusal(refusal, "query") from refusal

    def _operate(self, route: Route, action: Action, account: str, request: HttpRequest, now: int) -> HttpReply:
        items = _body(request, batch=route.batch)
        outcomes = [self.trading.attempt(route.operation, action, Call(account, Fields(item), now)) for item in items]
        return HttpReply(200, {**envelope(outcomes), "inTime": str(now // 1_000), "outTime": str(now // 1_000)})

    def account_of(self, request: HttpRequest) -> str:
        identity = self.keys.identify(request.headers.get("ok-access-key", ""))
        return identity.account if identity else ""

    def error_reply(self, kind: str, message: str = "", *, now: int, retry_after: int = 0) -> HttpReply:  # noqa: ARG002
        error = fault_error(kind, message)
        return HttpReply(error.status, {"code": error.code, "data": [], "msg": error.message})

    def open_session(self, path: str, query: Mapping[str, str], now: int) -> Session | None:  # noqa: ARG002
        return OkxSession(self.floor, self.render, self.trading, self.market, self.log_in) if path in SOCKETS else None

    # Security

    def _authenticate(self, request: HttpRequest, now: int) -> str:
        headers = request.headers
        for name, code in (("key", "50103"), ("sign", "50104"), ("passphrase", "50105"), ("timestamp", "50107")):
            if not headers.get(f"ok-access-{name}"):
                raise OkxError(code, f'Request header "OK-ACCESS-{name.upper()}" can not be empty.', 401)
        stamp = headers["ok-access-timestamp"]
        try:
            moment = datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
        except (ValueError, OverflowError) as error:
            raise OkxError("50112", "Invalid OK-ACCESS-TIMESTAMP", 401) from error
        if abs(now / 1e9 - moment) > WINDOW_S:
            raise OkxError("50102", "Timestamp request expired", 401)
        query = f"?{request.query}" if request.query else ""
        payload = f"{stamp}{request.method}{request.path}{query}{request.body}"
        key, passphrase, sign = (headers[f"ok-access-{name}"] for name in ("key", "passphrase", "sign"))
        return self._verify(key, passphrase, payload, sign)

    def _verify(self, api_key: str, passphrase: str, payload: str, signature: str) -> str:
        identity = self.keys.identify(api_key)
        if identity is None or identity.is_ed25519:
            raise OkxError("50111", "Invalid OK-ACCESS-KEY", 401)
        credentials = self.keys.credentials(identity.account)
        if passphrase != credentials.passphrase:
            raise OkxError("50105", "Request header OK-ACCESS-PASSPHRASE incorrect", 401)
        if signature != hmac_base64(credentials.api_secret, payload):
            raise OkxError("50113", "Invalid Sign", 401)
        return identity.account

    def log_in(self, fields: Fields, now: int) -> str:
        """Check a WebSocket log-in; its errors have codes of their own."""
        try:
            stamp = fields.required("timestamp")
            if abs(now / 1e9 - float(stamp)) > WINDOW_S:
                raise OkxError("60006", "Timestamp request expired")
            payload = f"{stamp}GET/users/self/verify"
            names = ("apiKey", "passphrase", "sign")
            api_key, passphrase, signature = (fields.required(name) for name in names)
            return self._verify(api_key, passphrase, payload, signature)
        except ValueError as error:
            raise OkxError("60004", "Invalid timestamp") from error
        except OkxError as error:
            codes = {"50111": "60005", "50105": "60024", "50113": "60007"}
            raise OkxError(codes.get(error.code, "60009"), error.message) from error


def envelope(outcomes: list[tuple[dict[str, Json], bool]]) -> dict[str, Json]:
    """Wrap item results: code 0 when all worked, 1 when all failed, 2 when some did."""
    good = sum(1 for _, worked in outcomes if worked)
    code = "0" if good == len(outcomes) else "2" if good else "1"
    message = "" if code == "0" else "Bulk operation partially succeeded." if code == "2" else "All operations failed"
    return {"code": code, "data": [item for item, _ in outcomes], "msg": message}


def _query(request: HttpRequest) -> dict[str, Any]:
    return dict(parse_qsl(request.query, keep_blank_values=True))


def _body(request: HttpRequest, *, batch: bool) -> list[dict[str, Any]]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise OkxError("50002", "JSON syntax error", 400) from error
    items = body if isinstance(body, list) else [body]
    if not all(isinstance(item, dict) for item in items) or not 0 < len(items) <= (BATCH_SIZE if batch else 1):
        raise OkxError("50002", "JSON syntax error", 400)
    return items
