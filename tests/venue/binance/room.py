"""What Binance's spot and futures APIs share: routing, signatures, time windows, limits, listen keys."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from tests.venue.accounts import Identity, KeyRing
from tests.venue.binance.errors import BinanceError, from_refusal, missing
from tests.venue.binance.limits import Limits, RateLimiter
from tests.venue.binance.params import Params
from tests.venue.core.model import Reason, RefusalError
from tests.venue.floor import Floor
from tests.venue.protocol import HttpReply, HttpRequest, Json, Room

NS_PER_MS = 1_000_000
DEFAULT_RECV_WINDOW_MS = 5_000
MAX_RECV_WINDOW_MS = 60_000
AHEAD_MS = 1_000


class Security(Enum):
    """What a route asks of its caller: nothing, a known key, or a signature."""

    NONE = auto()
    KEY = auto()
    SIGNED = auto()


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed the checks. `account` is "" on public routes."""

    method: str
    params: Params
    account: str
    now: int

    @property
    def now_ms(self) -> int:
        return self.now // NS_PER_MS


type Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Route:
    handler: Handler
    security: Security = Security.NONE
    weight: int = 1
    is_order: bool = False


def plain(value: Decimal, places: int = 8) -> str:
    """Write a number the way Binance does: plain digits, this many of them after the point."""
    return f"{value:.{places}f}"


def places(step: Decimal) -> int:
    """Count the digits after the point that a tick or step size implies."""
    exponent = step.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


class BinanceRoom(Room):
    """Base of both APIs. Subclasses fill `routes`, `refusals` and the WebSocket side."""

    refusals: Mapping[Reason, tuple[int, str]]

    def __init__(self, floor: Floor, keys: KeyRing, limits: Limits) -> None:
        self.floor = floor
        self.exchange = floor.exchange
        self.keys = keys
        self.limiter = RateLimiter(limits)
        self.routes: dict[tuple[str, str], Route] = {}

    def handle(self, request: HttpRequest, now: int) -> HttpReply:
        headers: dict[str, str] = {}
        try:
            route = self.routes.get((request.method, request.path))
            if route is None:
                known = any(path == request.path for _, path in self.routes)
                raise BinanceError(-1000, "Request method not supported.", 405) if known else _not_found(request)
            headers |= self.limiter.charge(request.peer, route.weight, now)
            params = Params.parse(request.query, request.body)
            account = self._check_security(route.security, request, params, now)
            if route.is_order:
                headers |= self.limiter.charge_order(account, now)
            body = self.invoke(route.handler, Call(request.method, params, account, now))
        except BinanceError as error:
            return HttpReply(error.status, {"code": error.code, "msg": error.message}, headers | error.headers)
        return HttpReply(200, body, headers)

    def invoke(self, handler: Handler, call: Call) -> Json:
        """Run a handler and translate what the exchange refuses."""
        try:
            return handler(call)
        except RefusalError as refusal:
            raise from_refusal(refusal, dict(self.refusals), call.method) from refusal

    def account_of(self, request: HttpRequest) -> str:
        identity = self.keys.identify(request.headers.get("x-mbx-apikey", ""))
        return identity.account if identity else ""

    def error_reply(self, kind: str, message: str = "", *, now: int, retry_after: int = 0) -> HttpReply:
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        known = {
            "reject": (400, -2010, "Order rejected."),
            "rate_limit": (429, -1003, "Too many requests."),
            "ban": (418, -1003, f"Way too many requests; IP banned until {now // NS_PER_MS + 1_000 * retry_after}."),
            "server_error": (503, -1000, "Unknown error, please check your request or try again later."),
        }
        status, code, words = known[kind]
        return HttpReply(status, {"code": code, "msg": message or words}, headers)

    # Security

    def _check_security(self, security: Security, request: HttpRequest, params: Params, now: int) -> str:
        if security is Security.NONE:
            return ""
        identity = self.check_key(request.headers.get("x-mbx-apikey", ""))
        if security is Security.SIGNED:
            payload = unsigned(request.query) + unsigned(request.body)
            self.check_signature(identity, payload, params, now)
        return identity.account

    def check_key(self, api_key: str) -> Identity:
        if not api_key:
            raise BinanceError(-2014, "API-key format invalid.", 401)
        identity = self.keys.identify(api_key)
        if identity is None:
            raise BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return identity

    def check_signature(self, identity: Identity, payload: str, params: Params, now: int) -> None:
        """Check the time window first, as Binance does, then the signature over the parameters as they were sent."""
        timestamp = params.integer("timestamp")
        if timestamp is None:
            raise missing("timestamp")
        window = params.decimal("recvWindow")
        window_ms = Decimal(DEFAULT_RECV_WINDOW_MS) if window is None else window
        if window_ms > MAX_RECV_WINDOW_MS:
            raise BinanceError(-1131, "'recvWindow' must be less than 60000.")
        now_ms = now // NS_PER_MS
        if timestamp > now_ms + AHEAD_MS:
            raise BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if timestamp < now_ms - window_ms:
            raise BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")
        signature = params.required("signature")
        if not self.keys.verify(identity, payload, signature):
            raise BinanceError(-1022, "Signature for this request is not valid.")

    # Shared by both APIs

    @abstractmethod
    def format_price(self, symbol: str, value: Decimal) -> str:
        """Write a price of this symbol."""

    @abstractmethod
    def format_quantity(self, symbol: str, value: Decimal) -> str:
        """Write a quantity of this symbol."""


def unsigned(payload: str) -> str:
    """Return the request's parameters, as sent, without the signature: what was signed."""
    return "&".join(pair for pair in payload.split("&") if not pair.startswith("signature="))


def _not_found(request: HttpRequest) -> BinanceError:
    return BinanceError(-5000, f"Path {request.path}, Method {request.method} is invalid", 404)
