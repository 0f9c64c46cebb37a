"""The spot API: `api/v3` over REST, market streams, and the WebSocket API that carries the user data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from tests.venue.accounts import KeyRing
from tests.venue.binance.errors import SPOT_REFUSALS, BinanceError, invalid
from tests.venue.binance.limits import UNLIMITED, Limits
from tests.venue.binance.market_data import MarketData
from tests.venue.binance.market_streams import MarketStreams
from tests.venue.binance.room import NS_PER_MS, BinanceRoom, Call, Route, Security, plain
from tests.venue.binance.spot_orders import SpotOrders
from tests.venue.binance.spot_render import SpotRender
from tests.venue.binance.stream_session import StreamSession
from tests.venue.binance.ws_api import ApiSession, Methods
from tests.venue.core.model import Instrument
from tests.venue.floor import Floor
from tests.venue.protocol import Batch, Json, Message, Session, to_text

LIMITS = Limits(weight_per_minute=6_000, orders_per_10s=100, orders_per_minute=None)
ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]


class SpotRoom(BinanceRoom):
    name = "binance-spot"
    refusals = SPOT_REFUSALS

    def __init__(self, floor: Floor, keys: KeyRing, rate_limits: bool = True) -> None:
        super().__init__(floor, keys, LIMITS if rate_limits else UNLIMITED)
        self.render = SpotRender(self.exchange)
        self._orders = SpotOrders(floor, self.render)
        self._data = MarketData(self, spot=True)
        self.routes = self._data.routes("/api/v3/") | self._own_routes()
        self._methods = self._api_methods()

    def format_price(self, symbol: str, value: Decimal) -> str:  # noqa: ARG002
        return plain(value)

    def format_quantity(self, symbol: str, value: Decimal) -> str:  # noqa: ARG002
        return plain(value)

    def _own_routes(self) -> dict[tuple[str, str], Route]:
        orders = self._orders
        signed = {
            ("GET", "/api/v3/order"): orders.query,
            ("DELETE", "/api/v3/order"): orders.cancel,
            ("POST", "/api/v3/order/test"): orders.test,
            ("GET", "/api/v3/openOrders"): orders.open_orders,
            ("DELETE", "/api/v3/openOrders"): orders.cancel_all,
            ("GET", "/api/v3/allOrders"): orders.all_orders,
            ("GET", "/api/v3/account"): self._account,
            ("GET", "/api/v3/openOrderList"): self._nothing,
            ("GET", "/api/v3/allOrderList"): self._nothing,
            ("GET", "/sapi/v1/asset/tradeFee"): self._trade_fees,
            ("GET", "/sapi/v1/margin/allPairs"): self._nothing,
            ("GET", "/sapi/v1/margin/isolated/allPairs"): self._nothing,
        }
        placing = {
            ("POST", "/api/v3/order"): orders.new,
            ("POST", "/api/v3/order/cancelReplace"): orders.cancel_replace,
            ("PUT", "/api/v3/order/amend/keepPriority"): orders.amend,
        }
        return (
            {key: Route(handler, Security.SIGNED) for key, handler in signed.items()}
            | {key: Route(handler, Security.SIGNED, is_order=True) for key, handler in placing.items()}
            | {(verb, "/api/v3/userDataStream"): Route(self._gone) for verb in ("POST", "PUT", "DELETE")}
            | {
                # 5 with an order's id: then one answer has all there is.
                ("GET", "/api/v3/myTrades"): Route(orders.my_trades, Security.SIGNED, weight=20),
                ("GET", "/api/v3/exchangeInfo"): Route(self._exchange_info),
                ("GET", "/api/v3/avgPrice"): Route(self._average_price),
            }
        )

    def _api_methods(self) -> Methods:
        orders, data = self._orders, self._data
        signed = {
            "order.place": ("POST", orders.new),
            "order.test": ("POST", orders.test),
            "order.cancel": ("DELETE", orders.cancel),
            "order.cancelReplace": ("POST", orders.cancel_replace),
            "order.amend.keepPriority": ("PUT", orders.amend),
            "order.status": ("GET", orders.query),
            "openOrders.status": ("GET", orders.open_orders),
            "openOrders.cancelAll": ("DELETE", orders.cancel_all),
            "allOrders": ("GET", orders.all_orders),
            "myTrades": ("GET", orders.my_trades),
            "account.status": ("GET", self._account),
        }
        public = {
            "ping": data.ping,
            "time": data.time,
            "exchangeInfo": self._exchange_info,
            "depth": data.depth,
            "trades.recent": data.trades,
            "klines": data.klines,
            "ticker.price": data.ticker_price,
            "ticker.book": data.book_ticker,
        }
        return {name: (verb, handler, Security.SIGNED) for name, (verb, handler) in signed.items()} | {
            name: ("GET", handler, Security.NONE) for name, handler in public.items()
        }

    def _account(self, call: Call) -> Json:
        instrument = next(iter(self.exchange.instruments.values()))
        maker, taker = instrument.maker_fee, instrument.taker_fee
        return {
            "makerCommission": int(maker * 10_000),
            "takerCommission": int(taker * 10_000),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": plain(maker),
                "taker": plain(taker),
                "buyer": plain(Decimal(0)),
                "seller": plain(Decimal(0)),
            },
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": self.exchange.ledger.accounts[call.account].updated_ns // NS_PER_MS,
            "accountType": "SPOT",
            "balances": self.render.balances(call.account),
            "permissions": ["SPOT"],
            "uid": 1,
        }

    def _nothing(self, _call: Call) -> Json:
        """Answer for what is not simulated: there are no order lists and no margin pairs."""
        return []

    def _trade_fees(self, call: Call) -> Json:
        symbol = call.params.text("symbol")
        chosen = [self.exchange.instrument(symbol)] if symbol else list(self.exchange.instruments.values())
        return [
            {"symbol": i.symbol, "makerCommission": f"{i.maker_fee:f}", "takerCommission": f"{i.taker_fee:f}"}
            for i in chosen
        ]

    def _average_price(self, call: Call) -> Json:
        symbol = self._data.symbol(call)
        return {"mins": 5, "price": plain(self.exchange.funds.mark(symbol)), "closeTime": call.now_ms}

    def _gone(self, _call: Call) -> Json:
        raise BinanceError(-1000, "Listen keys are gone: subscribe to user data over the WebSocket API.", 410)

    def _exchange_info(self, call: Call) -> Json:
        return {
            "timezone": "UTC",
            "serverTime": call.now_ms,
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
            ],
            "exchangeFilters": [],
            "symbols": [_symbol_info(instrument) for instrument in self._chosen(call)],
        }

    def _chosen(self, call: Call) -> list[Instrument]:
        if "symbol" in call.params:
            return [self.exchange.instrument(call.params.required("symbol"))]
        if "symbols" not in call.params:
            return list(self.exchange.instruments.values())
        try:
            names = json.loads(call.params.required("symbols"))
        except (ValueError, RecursionError) as error:
            raise invalid("symbols") from error
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise invalid("symbols")
        return [self.exchange.instrument(name) for name in names]

    # WebSocket

    def open_session(self, path: str, query: Mapping[str, str], now: int) -> Session | None:
        if path == "/ws-api/v3":
            return SpotApiSession(self, self._methods, now)
        if path not in ("/stream", "/ws") and not path.startswith("/ws/"):
            return None
        session = StreamSession(MarketStreams(self, self._data, spot=True), combined=path == "/stream")
        names = [*query.get("streams", "").split("/"), path.removeprefix("/ws").removeprefix("/stream").strip("/")]
        session.start([name for name in names if name], now)
        return session


class SpotApiSession(ApiSession):
    """The WebSocket API with user data subscriptions, which arrive on the same connection."""

    def __init__(self, room: SpotRoom, methods: Methods, now: int) -> None:
        own: Methods = {
            "userDataStream.subscribe": ("POST", self._subscribe, Security.KEY),
            "userDataStream.subscribe.signature": ("POST", self._subscribe, Security.SIGNED),
            "userDataStream.unsubscribe": ("POST", self._unsubscribe, Security.NONE),
        }
        super().__init__(room, {**methods, **own}, now)
        self._render = room.render
        self._subscriptions: dict[int, str] = {}
        self._next = 0

    def _subscribe(self, call: Call) -> Json:
        number = self._next
        self._next += 1
        self._subscriptions[number] = call.account
        return {"subscriptionId": number}

    def _unsubscribe(self, call: Call) -> Json:
        number = call.params.integer("subscriptionId")
        if number is None:
            self._subscriptions.clear()
        else:
            self._subscriptions.pop(number, None)
        return {}

    def feed(self, batch: Batch, now: int) -> list[Message]:
        return [
            Message("user", to_text({"subscriptionId": number, "event": payload}), account)
            for number, account in self._subscriptions.items()
            for event in batch.account_events
            if event.account == account
            for payload in self._render.event(event, now // NS_PER_MS)
        ]


def _symbol_info(instrument: Instrument) -> Json:
    lots: dict[str, Json] = {
        "minQty": plain(instrument.min_quantity),
        "maxQty": plain(instrument.max_quantity),
        "stepSize": plain(instrument.step),
    }
    notional: dict[str, Json] = {
        "filterType": "NOTIONAL",
        "minNotional": plain(instrument.min_notional),
        "applyMinToMarket": True,
        "maxNotional": "9000000.00000000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    }
    return {
        "symbol": instrument.symbol,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": plain(instrument.tick),
                "maxPrice": plain(instrument.max_price),
                "tickSize": plain(instrument.tick),
            },
            {"filterType": "LOT_SIZE"} | lots,
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
            notional,
        ],
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }
