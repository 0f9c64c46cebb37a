"""Orders of the spot API."""

from __future__ import annotations

from tests.venue.binance.errors import SPOT_REFUSALS, BinanceError, from_refusal, invalid, missing
from tests.venue.binance.futures_orders import BAD_SIDE, BAD_TIF, BAD_TYPE, SIDES, self_trade_of
from tests.venue.binance.history import page
from tests.venue.binance.params import Params
from tests.venue.binance.room import Call
from tests.venue.binance.spot_render import SpotRender
from tests.venue.core.model import (
    Conditional,
    ConditionalStatus,
    Order,
    OrderKind,
    OrderRequest,
    Reason,
    RefusalError,
    Side,
    TimeInForce,
    Trigger,
)
from tests.venue.floor import Floor
from tests.venue.protocol import Json

KINDS = {
    "LIMIT": OrderKind.LIMIT,
    "LIMIT_MAKER": OrderKind.LIMIT,
    "MARKET": OrderKind.MARKET,
    "STOP_LOSS": OrderKind.MARKET,
    "STOP_LOSS_LIMIT": OrderKind.LIMIT,
    "TAKE_PROFIT": OrderKind.MARKET,
    "TAKE_PROFIT_LIMIT": OrderKind.LIMIT,
}
CONDITIONAL = {"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"}
TIMES_IN_FORCE = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
RESPONSE_TYPES = {name: name for name in ("ACK", "RESULT", "FULL")}
CANCEL_REPLACE_MODES = {"STOP_ON_FAILURE": True, "ALLOW_FAILURE": False}


class SpotOrders:
    def __init__(self, floor: Floor, render: SpotRender) -> None:
        self._exchange = floor.exchange
        self._conditionals = floor.conditionals
        self._render = render

    def new(self, call: Call) -> Json:
        request, answer = self._request(call), self._answer(call.params)
        return self._render.new_order(self._place(request, call.now), answer)

    def test(self, call: Call) -> Json:
        """Check an order without placing it."""
        self._request(call)
        return {}

    def _place(self, request: OrderRequest, now: int) -> Order | Conditional:
        if request.trigger is not None:
            return self._conditionals.place(request, now)
        return self._exchange.place(request, now)

    def _answer(self, params: Params) -> str:
        if params.text("newOrderRespType") is None:
            return "FULL" if params.required("type") in ("MARKET", "LIMIT") else "ACK"
        return params.choice("newOrderRespType", RESPONSE_TYPES, BinanceError(-1136, "Invalid newOrderRespType."))

    def _request(self, call: Call) -> OrderRequest:
        params = call.params
        symbol = self._exchange.instrument(params.required("symbol")).symbol
        side = params.choice("side", SIDES, BAD_SIDE)
        kind = params.choice("type", KINDS, BAD_TYPE)
        label = params.required("type")
        quantity, quote = params.decimal("quantity"), params.decimal("quoteOrderQty")
        price, tif = params.decimal("price"), TimeInForce.GTC
        if quote is not None and (label != "MARKET" or quantity is not None):
            raise BinanceError(-1106, "Parameter 'quoteOrderQty' sent when not required.")
        if quantity is None and quote is None:
            raise missing("quantity")
        if kind is OrderKind.LIMIT:
            if price is None:
                raise missing("price")
            if label != "LIMIT_MAKER":
                tif = params.choice("timeInForce", TIMES_IN_FORCE, BAD_TIF)
        elif price is not None:
            raise BinanceError(-1106, "Parameter 'price' sent when not required.")
        return OrderRequest(
            account=call.account,
            symbol=symbol,
            side=side,
            kind=kind,
            quantity=quantity,
            price=price,
            quote_quantity=quote,
            client_id=params.client_id("newClientOrderId"),
            time_in_force=tif,
            post_only=label == "LIMIT_MAKER",
            self_trade=self_trade_of(params),
            trigger=self._trigger(params, label, side) if label in CONDITIONAL else None,
            label=label,
        )

    def _trigger(self, params: Params, label: str, side: Side) -> Trigger:
        price = params.decimal("stopPrice")
        if price is None:
            raise missing("stopPrice")
        is_stop = label.startswith("STOP")
        return Trigger(rises=(side is Side.BUY) is is_stop, price=price)

    # Finding

    def _find(self, call: Call) -> Order | Conditional:
        params = call.params
        symbol = self._exchange.instrument(params.required("symbol")).symbol
        number, client_id = params.integer("orderId"), params.text("origClientOrderId")
        if number is None and client_id is None:
            raise BinanceError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        found = self._lookup(call.account, number, client_id)
        if found.symbol != symbol:
            raise RefusalError(Reason.UNKNOWN_ORDER)
        return found

    def _lookup(self, account: str, number: int | None, client_id: str | None) -> Order | Conditional:
        """Prefer the order: a stop that fired has the same ids as its order."""
        try:
            if number is not None:
                return self._exchange.order(account, number)
            return self._exchange.order_by_client_id(account, client_id or "")
        except RefusalError:
            if number is not None:
                return self._conditionals.get(account, number)
            return self._conditionals.by_client_id(account, client_id or "")

    def query(self, call: Call) -> Json:
        return self._render.order(self._find(call))

    def cancel(self, call: Call) -> Json:
        return self._cancel(self._find(call), call)

    def _cancel(self, found: Order | Conditional, call: Call) -> dict[str, Json]:
        if isinstance(found, Order):
            self._exchange.cancel(call.account, found.id, call.now)
        else:
            self._conditionals.cancel(call.account, found.id, call.now)
        return self._render.canceled(found, call.params.client_id("newClientOrderId") or f"cancel-{found.id}")

    def _open(self, account: str, symbol: str | None) -> list[Order | Conditional]:
        both: list[Order | Conditional] = [*self._exchange.open_orders(account, symbol)]
        both += self._conditionals.waiting(account, symbol)
        return sorted(both, key=lambda order: order.id)

    def open_orders(self, call: Call) -> Json:
        text = call.params.text("symbol")
        symbol = None if text is None else self._exchange.instrument(text).symbol
        return [self._render.order(order) for order in self._open(call.account, symbol)]

    def cancel_all(self, call: Call) -> Json:
        symbol = self._exchange.instrument(call.params.required("symbol")).symbol
        found = self._open(call.account, symbol)
        if not found:
            raise RefusalError(Reason.UNKNOWN_ORDER)
        return [self._cancel(order, call) for order in found]

    def all_orders(self, call: Call) -> Json:
        params = call.params
        symbol = self._exchange.instrument(params.required("symbol")).symbol
        # What fired is listed as the order that it became.
        unfired = [
            c
            for c in self._conditionals.history(call.account, symbol)
            if c.status not in (ConditionalStatus.TRIGGERED, ConditionalStatus.FINISHED)
        ]
        both: list[Order | Conditional] = [*self._exchange.account_orders(call.account, symbol), *unfired]
        by_id = sorted(both, key=lambda order: order.id)
        chosen = page(by_id, params, first="orderId", number=lambda o: o.id, time_ns=lambda o: o.created_ns)
        return [self._render.order(order) for order in chosen]

    def my_trades(self, call: Call) -> Json:
        params = call.params
        symbol = self._exchange.instrument(params.required("symbol")).symbol
        number = params.integer("orderId")
        fills = (f for f in self._exchange.account_fills(call.account, symbol) if number in (None, f.order_id))
        chosen = page(fills, params, first="fromId", number=lambda f: f.trade_id, time_ns=lambda f: f.ts_ns)
        return [self._render.my_trade(fill) for fill in chosen]

    # Changing

    def amend(self, call: Call) -> Json:
        """Shrink an order without losing its turn."""
        order = self._find(call)
        quantity = call.params.decimal("newQty")
        if quantity is None:
            raise missing("newQty")
        if not isinstance(order, Order) or quantity >= order.quantity:
            raise BinanceError(-2038, "The requested quantity must be less than the order's quantity.")
        self._exchange.amend(call.account, order.id, quantity, None, call.now)
        return {"transactTime": call.now_ms, "executionId": order.id, "amendedOrder": self._render.order(order)}

    def cancel_replace(self, call: Call) -> Json:
        """Cancel an order and place another; with STOP_ON_FAILURE only if the cancellation worked."""
        params = call.params
        stop = params.choice("cancelReplaceMode", CANCEL_REPLACE_MODES, invalid("cancelReplaceMode"))
        renamed = {"cancelOrderId": "orderId", "cancelOrigClientOrderId": "origClientOrderId"}
        wanted = {name: params.required(given) for given, name in renamed.items() if given in params}
        find = Call("DELETE", Params({"symbol": params.required("symbol")} | wanted), call.account, call.now)
        request, answer = self._request(call), self._answer(params)
        body: dict[str, Json] = {}
        try:
            body |= {"cancelResult": "SUCCESS", "cancelResponse": self._cancel(self._find(find), find)}
        except RefusalError as refusal:
            error = from_refusal(refusal, SPOT_REFUSALS, "DELETE")
            if stop:
                raise BinanceError(-2022, error.message) from refusal
            body |= {"cancelResult": "FAILURE", "cancelResponse": {"code": error.code, "msg": error.message}}
        try:
            placed = self._place(request, call.now)
        except RefusalError as refusal:
            error = from_refusal(refusal, SPOT_REFUSALS, "POST")
            raise BinanceError(-2021, error.message, 409) from refusal
        return body | {"newOrderResult": "SUCCESS", "newOrderResponse": self._render.new_order(placed, answer)}
