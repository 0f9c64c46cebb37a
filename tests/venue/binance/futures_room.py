"""The USDT-margined futures API: `fapi` over REST, streams and user data, and the WebSocket API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tests.venue.accounts import KeyRing
from tests.venue.binance.errors import FUTURES_REFUSALS, BinanceError
from tests.venue.binance.futures_account import FuturesAccount
from tests.venue.binance.futures_orders import FuturesOrders
from tests.venue.binance.futures_render import FuturesRender
from tests.venue.binance.limits import UNLIMITED, Limits
from tests.venue.binance.listen_keys import ListenKeys
from tests.venue.binance.market_data import MarketData
from tests.venue.binance.market_streams import MarketStreams
from tests.venue.binance.room import NS_PER_MS, BinanceRoom, Call, Route, Security
from tests.venue.binance.stream_session import StreamSession
from tests.venue.binance.ws_api import ApiSession, Methods
from tests.venue.floor import Floor
from tests.venue.protocol import Batch, Json, Message, Session

LIMITS = Limits(weight_per_minute=2_400, orders_per_10s=300, orders_per_minute=1_200)
STREAM_PATHS = ("", "/market", "/public", "/private")


class FuturesRoom(BinanceRoom):
    name = "binance-futures"
    refusals = FUTURES_REFUSALS

    def __init__(self, floor: Floor, keys: KeyRing, rate_limits: bool = True) -> None:
        super().__init__(floor, keys, LIMITS if rate_limits else UNLIMITED)
        self.render = FuturesRender(self.exchange)
        self.listen_keys = ListenKeys()
        self._orders = FuturesOrders(floor, self.render)
        self._account = FuturesAccount(floor, self.render)
        self._data = MarketData(self, spot=False)
        self.routes = self._data.routes("/fapi/v1/") | self._public_routes() | self._private_routes()
        self._methods = self._api_methods()

    def format_price(self, symbol: str, value: Decimal) -> str:
        return self.render.price(symbol, value)

    def format_quantity(self, symbol: str, value: Decimal) -> str:
        return self.render.quantity(symbol, value)

    def _public_routes(self) -> dict[tuple[str, str], Route]:
        return {
            ("GET", "/fapi/v1/exchangeInfo"): Route(self._account.exchange_info),
            ("GET", "/fapi/v1/premiumIndex"): Route(self._account.premium_index),
            ("GET", "/fapi/v2/ticker/price"): Route(self._data.ticker_price),
        }

    def _private_routes(self) -> dict[tuple[str, str], Route]:
        orders, account = self._orders, self._account
        signed = {
            ("GET", "/fapi/v1/order"): orders.query,
            ("DELETE", "/fapi/v1/order"): orders.cancel,
            ("GET", "/fapi/v1/openOrder"): orders.query_open,
            ("GET", "/fapi/v1/openOrders"): orders.open_orders,
            ("GET", "/fapi/v1/allOrders"): orders.all_orders,
            ("DELETE", "/fapi/v1/allOpenOrders"): orders.cancel_all,
            ("DELETE", "/fapi/v1/batchOrders"): orders.cancel_batch,
            ("GET", "/fapi/v1/userTrades"): orders.user_trades,
            ("GET", "/fapi/v1/algoOrder"): orders.query_algo,
            ("DELETE", "/fapi/v1/algoOrder"): orders.cancel_algo,
            ("GET", "/fapi/v1/openAlgoOrders"): orders.open_algos,
            ("GET", "/fapi/v1/allAlgoOrders"): orders.all_algos,
            ("DELETE", "/fapi/v1/algoOpenOrders"): orders.cancel_all_algos,
            ("GET", "/fapi/v2/account"): account.account,
            ("GET", "/fapi/v3/account"): account.account,
            ("GET", "/fapi/v2/balance"): account.balance,
            ("GET", "/fapi/v3/balance"): account.balance,
            ("GET", "/fapi/v2/positionRisk"): account.position_risk_v2,
            ("GET", "/fapi/v3/positionRisk"): account.position_risk,
            ("GET", "/fapi/v1/symbolConfig"): account.symbol_config,
            ("POST", "/fapi/v1/leverage"): account.set_leverage,
            ("POST", "/fapi/v1/marginType"): account.set_margin_type,
            ("GET", "/fapi/v1/positionSide/dual"): account.position_mode,
            ("POST", "/fapi/v1/positionSide/dual"): account.set_position_mode,
            ("GET", "/fapi/v1/multiAssetsMargin"): account.multi_assets_mode,
            ("GET", "/fapi/v1/commissionRate"): account.commission_rate,
            ("GET", "/fapi/v1/leverageBracket"): account.leverage_brackets,
        }
        placing = {
            ("POST", "/fapi/v1/order"): orders.new,
            ("PUT", "/fapi/v1/order"): orders.amend,
            ("POST", "/fapi/v1/batchOrders"): orders.new_batch,
            ("POST", "/fapi/v1/algoOrder"): orders.new_algo,
        }
        listen = {"POST": self._new_listen_key, "PUT": self._keep_listen_key, "DELETE": self._close_listen_key}
        return (
            {key: Route(handler, Security.SIGNED) for key, handler in signed.items()}
            | {key: Route(handler, Security.SIGNED, weight=0, is_order=True) for key, handler in placing.items()}
            | {(verb, "/fapi/v1/listenKey"): Route(handler, Security.KEY) for verb, handler in listen.items()}
        )

    def _api_methods(self) -> Methods:
        orders, account = self._orders, self._account
        return {
            "ping": ("GET", self._data.ping, Security.NONE),
            "time": ("GET", self._data.time, Security.NONE),
            "depth": ("GET", self._data.depth, Security.NONE),
            "ticker.price": ("GET", self._data.ticker_price, Security.NONE),
            "ticker.book": ("GET", self._data.book_ticker, Security.NONE),
            "order.place": ("POST", orders.new, Security.SIGNED),
            "order.modify": ("PUT", orders.amend, Security.SIGNED),
            "order.cancel": ("DELETE", orders.cancel, Security.SIGNED),
            "order.status": ("GET", orders.query, Security.SIGNED),
            "algoOrder.place": ("POST", orders.new_algo, Security.SIGNED),
            "algoOrder.cancel": ("DELETE", orders.cancel_algo, Security.SIGNED),
            "account.status": ("GET", account.account, Security.SIGNED),
            "v2/account.status": ("GET", account.account, Security.SIGNED),
            "account.balance": ("GET", account.balance, Security.SIGNED),
            "v2/account.balance": ("GET", account.balance, Security.SIGNED),
            "account.position": ("GET", account.position_risk_v2, Security.SIGNED),
            "v2/account.position": ("GET", account.position_risk, Security.SIGNED),
            "userDataStream.start": ("POST", self._new_listen_key, Security.KEY),
            "userDataStream.ping": ("PUT", self._keep_listen_key, Security.KEY),
            "userDataStream.stop": ("DELETE", self._close_listen_key, Security.KEY),
        }

    # Listen keys

    def _new_listen_key(self, call: Call) -> Json:
        return {"listenKey": self.listen_keys.create(call.account, call.now)}

    def _keep_listen_key(self, call: Call) -> Json:
        key = self.listen_keys.keep(call.account, call.now)
        if key is None:
            raise BinanceError(-1125, "This listenKey does not exist.")
        return {"listenKey": key}

    def _close_listen_key(self, call: Call) -> Json:
        self.listen_keys.close(call.account)
        return {}

    # WebSocket

    def open_session(self, path: str, query: Mapping[str, str], now: int) -> Session | None:
        if path == "/ws-fapi/v1":
            return ApiSession(self, self._methods, now)
        root, _, rest = path.partition("/ws")
        combined = path.endswith("/stream")
        if combined:
            root, rest = path.removesuffix("/stream"), ""
        elif "/ws" not in path:
            return None
        if root not in STREAM_PATHS:
            return None
        session = FuturesSession(self, MarketStreams(self, self._data, spot=False), combined=combined)
        names = [name for name in (*query.get("streams", "").split("/"), rest.strip("/")) if name]
        if "listenKey" in query:
            names.append(query["listenKey"])
        session.start(names, now)
        return session


class FuturesSession(StreamSession):
    """A stream connection that may also read user data, one listen key for each account."""

    def __init__(self, room: FuturesRoom, streams: MarketStreams, *, combined: bool) -> None:
        super().__init__(streams, combined=combined)
        self._room = room
        self._accounts: dict[str, str] = {}

    def start(self, names: list[str], now: int) -> None:
        for name in names:
            account = self._room.listen_keys.account(name, now)
            if account is not None:
                self._accounts[name] = account
        super().start([name for name in names if name not in self._accounts], now)

    def feed(self, batch: Batch, now: int) -> list[Message]:
        out = super().feed(batch, now)
        for key, account in self._accounts.items():
            if not self._room.listen_keys.is_valid(key, now):
                continue
            for event in batch.account_events:
                if event.account == account:
                    rendered = self._room.render.event(event, now // NS_PER_MS)
                    out += [self.wrap(key, payload, account) for payload in rendered]
        return [Message("user" if m.stream in self._accounts else m.stream, m.text, m.account) for m in out]

    def tick(self, now: int) -> list[Message]:
        out = super().tick(now)
        for key, account in list(self._accounts.items()):
            if self._room.listen_keys.is_valid(key, now):
                continue
            del self._accounts[key]
            if self._room.listen_keys.is_known(key):
                expired: Json = {"e": "listenKeyExpired", "E": now // NS_PER_MS, "listenKey": key}
                message = self.wrap(key, expired, account)
                out.append(Message("user", message.text, account))
            else:
                # Somebody closed the key: the venue ends the connection.
                self.closed = True
        return out
