"""Orders of USDT-margined futures: regular ones, and conditional ones through the algo service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

from tests.venue.binance.errors import FUTURES_REFUSALS, BinanceError, from_refusal, invalid, missing
from tests.venue.binance.futures_render import FuturesRender
from tests.venue.binance.history import page
from tests.venue.binance.params import Params
from tests.venue.binance.room import NS_PER_MS, Call
from tests.venue.core.model import (
    Conditional,
    Order,
    OrderKind,
    OrderRequest,
    PriceSource,
    Reason,
    RefusalError,
    SelfTrade,
    Side,
    TimeInForce,
    Trigger,
)
from tests.venue.floor import Floor
from tests.venue.protocol import Json

BAD_SIDE = BinanceError(-1117, "Invalid side.")
BAD_TYPE = BinanceError(-1116, "Invalid orderType.")
BAD_TIF = BinanceError(-1115, "Invalid timeInForce.")
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
TIMES_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTX": TimeInForce.GTC,
    "GTD": TimeInForce.GTD,
}
KINDS = {"LIMIT": OrderKind.LIMIT, "MARKET": OrderKind.MARKET}
ALGO_KINDS = {
    "STOP": OrderKind.LIMIT,
    "TAKE_PROFIT": OrderKind.LIMIT,
    "STOP_MARKET": OrderKind.MARKET,
    "TAKE_PROFIT_MARKET": OrderKind.MARKET,
    "TRAILING_STOP_MARKET": OrderKind.MARKET,
}
SELF_TRADE = {
    "NONE": SelfTrade.ALLOWED,
    "EXPIRE_TAKER": SelfTrade.EXPIRE_TAKER,
    "EXPIRE_MAKER": SelfTrade.EXPIRE_MAKER,
    "EXPIRE_BOTH": SelfTrade.EXPIRE_BOTH,
}
SOURCES = {"CONTRACT_PRICE": PriceSource.LAST, "MARK_PRICE": PriceSource.MARK}
RESPONSE_TYPES = {"ACK": "ACK", "RESULT": "RESULT"}
MIN_GTD_S = 600
BATCH_SIZE = 10


def self_trade_of(params: Params) -> SelfTrade | None:
    if params.text("selfTradePreventionMode") is None:
        return None
    return params.choice("selfTradePreventionMode", SELF_TRADE, invalid("selfTradePreventionMode"))


class FuturesOrders:
    """Handlers of the order and algo order endpoints."""

    def __init__(self, floor: Floor, render: FuturesRender) -> None:
        self._floor = floor
        self._exchange = floor.exchange
        self._conditionals = floor.conditionals
        self._render = render

    # Regular orders

    def new(self, call: Call) -> Json:
        params = call.params
        answer = "ACK"
        if params.text("newOrderRespType") is not None:
            answer = params.choice("newOrderRespType", RESPONSE_TYPES, BinanceError(-1136, "Invalid newOrderRespType."))
        request = self._request(call)
        order = self._exchange.place(request, call.now)
        return self._render.order(order, as_accepted=answer == "ACK")

    def _request(self, call: Call) -> OrderRequest:
        params = call.params
        symbol = self._exchange.instrument(params.required("symbol")).symbol
        side = params.choice("side", SIDES, BAD_SIDE)
        label = params.required("type")
        if label in ALGO_KINDS:
            # Since the algo service took them over, Binance refuses conditional types here.
            raise BinanceError(-4120, "Order type not supported for this endpoint. Please use the Algo Order API.")
        kind = params.choice("type", KINDS, BAD_TYPE)
        self._check_position_side(call)
        tif, post_only, expire_ns = self._time_in_force(call, needed=kind is OrderKind.LIMIT)
        return OrderRequest(
            account=call.account,
            symbol=symbol,
            side=side,
            kind=kind,
            quantity=_needed(params, "quantity"),
            price=_needed(params, "price") if kind is OrderKind.LIMIT else None,
            client_id=params.client_id("newClientOrderId"),
            time_in_force=tif,
            post_only=post_only,
            reduce_only=params.boolean("reduceOnly"),
            expire_ns=expire_ns,
            self_trade=self_trade_of(params),
            label=label,
        )

    def _check_position_side(self, call: Call) -> None:
        side = call.params.text("positionSide")
        if side not in (None, "BOTH") or call.account in self._floor.two_way:
            raise BinanceError(-4061, "Order's position side does not match user's setting.")

    def _time_in_force(self, call: Call, *, needed: bool) -> tuple[TimeInForce, bool, int]:
        """Return the time in force, whether it is post-only, and when it expires."""
        params = call.params
        if params.text("timeInForce") is None:
            if needed:
                raise missing("timeInForce")
            return TimeInForce.GTC, False, 0
        tif = params.choice("timeInForce", TIMES_IN_FORCE, BAD_TIF)
        if tif is not TimeInForce.GTD:
            return tif, params.required("timeInForce") == "GTX", 0
        until = params.integer("goodTillDate")
        if until is None:
            raise missing("goodTillDate")
        if until < call.now_ms + MIN_GTD_S * 1_000:
            raise BinanceError(-4185, "goodTillDate is smaller than the minimum: now plus 600 seconds.")
        return tif, False, until * NS_PER_MS

    def _find(self, call: Call) -> Order:
        params = call.params
        symbol = self._exchange.instrument(params.required("symbol")).symbol
        number, client_id = params.integer("orderId"), params.text("origClientOrderId")
        if number is not None:
            order = self._exchange.order(call.account, number)
        elif client_id is not None:
            order = self._exchange.order_by_client_id(call.account, client_id)
        else:
            raise missing("orderId")
        if order.symbol != symbol:
            raise RefusalError(Reason.UNKNOWN_ORDER)
        return order

    def query(self, call: Call) -> Json:
        return self._render.order(self._find(call))

    def query_open(self, call: Call) -> Json:
        order = self._find(call)
        if not order.status.is_open:
            raise RefusalError(Reason.UNKNOWN_ORDER)
        return self._render.order(order)

    def cancel(self, call: Call) -> Json:
        order = self._find(call)
        return self._render.order(self._exchange.cancel(call.account, order.id, call.now))

    def amend(self, call: Call) -> Json:
        order = self._find(call)
        if call.params.choice("side", SIDES, BAD_SIDE) is not order.side:
            raise BinanceError(-4206, "Side is not matched with the order.")
        quantity, price = _needed(call.params, "quantity"), _needed(call.params, "price")
        return self._render.order(self._exchange.amend(call.account, order.id, quantity, price, call.now))

    def open_orders(self, call: Call) -> Json:
        symbol = self._symbol_if_given(call)
        return [self._render.order(order) for order in self._exchange.open_orders(call.account, symbol)]

    def all_orders(self, call: Call) -> Json:
        symbol = self._exchange.instrument(call.params.required("symbol")).symbol
        orders = self._exchange.account_orders(call.account, symbol)
        chosen = page(orders, call.params, first="orderId", number=lambda o: o.id, time_ns=lambda o: o.created_ns)
        return [self._render.order(order) for order in chosen]

    def cancel_all(self, call: Call) -> Json:
        symbol = self._exchange.instrument(call.params.required("symbol")).symbol
        for order in self._exchange.open_orders(call.account, symbol):
            self._exchange.cancel(call.account, order.id, call.now)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def cancel_batch(self, call: Call) -> Json:
        items: list[Json] = []
        for name, value in self._batch_ids(call.params):
            params = Params({"symbol": call.params.required("symbol"), name: value})
            try:
                items.append(self.cancel(Call("DELETE", params, call.account, call.now)))
            except RefusalError as refusal:
                error = from_refusal(refusal, FUTURES_REFUSALS, "DELETE")
                items.append({"code": error.code, "msg": error.message})
        return items

    def _batch_ids(self, params: Params) -> Iterator[tuple[str, str]]:
        for listed, single in (("orderIdList", "orderId"), ("origClientOrderIdList", "origClientOrderId")):
            if listed in params:
                for value in _json_list(params, listed):
                    yield single, str(value)

    def new_batch(self, call: Call) -> Json:
        items: list[Json] = []
        for value in _json_list(call.params, "batchOrders"):
            if not isinstance(value, dict):
                raise invalid("batchOrders")
            params = Params({str(name): str(each) for name, each in value.items()})
            try:
                items.append(self.new(Call("POST", params, call.account, call.now)))
            except RefusalError as refusal:
                error = from_refusal(refusal, FUTURES_REFUSALS, "POST")
                items.append({"code": error.code, "msg": error.message})
            except BinanceError as error:
                items.append({"code": error.code, "msg": error.message})
        return items

    def user_trades(self, call: Call) -> Json:
        symbol = self._exchange.instrument(call.params.required("symbol")).symbol
        params = call.params
        number = params.integer("orderId")
        fills = (
            fill
            for fill in self._exchange.account_fills(call.account, symbol)
            if number in (None, fill.order_id) and fill.ts_ns >= self._floor.listed_from
        )
        chosen = page(fills, params, first="fromId", number=lambda f: f.trade_id, time_ns=lambda f: f.ts_ns)
        return [self._render.user_trade(fill) for fill in chosen]

    def _symbol_if_given(self, call: Call) -> str | None:
        symbol = call.params.text("symbol")
        return None if symbol is None else self._exchange.instrument(symbol).symbol

    # The algo service

    def new_algo(self, call: Call) -> Json:
        params = call.params
        if params.required("algoType") != "CONDITIONAL":
            raise invalid("algoType")
        symbol = self._exchange.instrument(params.required("symbol")).symbol
        side = params.choice("side", SIDES, BAD_SIDE)
        kind = params.choice("type", ALGO_KINDS, BAD_TYPE)
        label = params.required("type")
        self._check_position_side(call)
        tif, post_only, expire_ns = self._time_in_force(call, needed=False)
        close = params.boolean("closePosition")
        if close and ("quantity" in params or params.boolean("reduceOnly")):
            raise BinanceError(-4138, "Target strategy invalid: closePosition excludes quantity and reduceOnly.")
        request = OrderRequest(
            account=call.account,
            symbol=symbol,
            side=side,
            kind=kind,
            quantity=None if close else _needed(params, "quantity"),
            price=_needed(params, "price") if kind is OrderKind.LIMIT else None,
            client_id=params.client_id("clientAlgoId"),
            time_in_force=tif,
            post_only=post_only,
            reduce_only=params.boolean("reduceOnly"),
            close_position=close,
            expire_ns=expire_ns,
            self_trade=self_trade_of(params),
            trigger=self._trigger(params, label, side),
            label=label,
        )
        return self._render.algo_order(self._conditionals.place(request, call.now))

    def _trigger(self, params: Params, label: str, side: Side) -> Trigger:
        source = PriceSource.LAST
        if params.text("workingType") is not None:
            source = params.choice("workingType", SOURCES, BinanceError(-4119, "Invalid working type."))
        buys = side is Side.BUY
        if label == "TRAILING_STOP_MARKET":
            rate = _needed(params, "callbackRate")
            if not Decimal("0.1") <= rate <= 10:
                raise BinanceError(-2007, "Invalid callBack rate.")
            return Trigger(rises=buys, source=source, callback=rate / 100, activation=params.decimal("activatePrice"))
        price = _needed(params, "triggerPrice")
        is_stop = label.startswith("STOP")
        return Trigger(rises=buys is is_stop, price=price, source=source)

    def _find_algo(self, call: Call) -> Conditional:
        number, client_id = call.params.integer("algoId"), call.params.text("clientAlgoId")
        if number is not None:
            return self._conditionals.get(call.account, number)
        if client_id is not None:
            return self._conditionals.by_client_id(call.account, client_id)
        raise missing("algoId")

    def query_algo(self, call: Call) -> Json:
        return self._render.algo_order(self._find_algo(call))

    def cancel_algo(self, call: Call) -> Json:
        conditional = self._conditionals.cancel(call.account, self._find_algo(call).id, call.now)
        return {
            "algoId": conditional.id,
            "clientAlgoId": conditional.client_id,
            "code": "200",
            "msg": "success",
        }

    def open_algos(self, call: Call) -> Json:
        symbol = self._symbol_if_given(call)
        return [self._render.algo_order(c) for c in self._conditionals.waiting(call.account, symbol)]

    def all_algos(self, call: Call) -> Json:
        symbol = self._exchange.instrument(call.params.required("symbol")).symbol
        start, end = call.params.integer("startTime"), call.params.integer("endTime")
        found = [
            conditional
            for conditional in self._conditionals.history(call.account, symbol)
            if (start is None or conditional.created_ns // NS_PER_MS >= start)
            and (end is None or conditional.created_ns // NS_PER_MS <= end)
        ]
        return [self._render.algo_order(c) for c in found[-call.params.limit(500, 1_000) :]]

    def cancel_all_algos(self, call: Call) -> Json:
        symbol = self._exchange.instrument(call.params.required("symbol")).symbol
        for conditional in self._conditionals.waiting(call.account, symbol):
            self._conditionals.cancel(call.account, conditional.id, call.now)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}


def _needed(params: Params, name: str) -> Decimal:
    value = params.decimal(name)
    if value is None:
        raise missing(name)
    return value


def _json_list(params: Params, name: str) -> list[Json]:
    try:
        values = json.loads(params.required(name))
    except (ValueError, RecursionError) as error:
        raise invalid(name) from error
    if not isinstance(values, list) or not 0 < len(values) <= BATCH_SIZE:
        raise invalid(name)
    return values
