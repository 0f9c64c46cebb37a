"""What a logged-in OKX client may do; REST and WebSocket share these handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from tests.venue.binance.room import NS_PER_MS
from tests.venue.core.model import (
    Conditional,
    ConditionalStatus,
    Fill,
    Instrument,
    Order,
    OrderKind,
    OrderRequest,
    PriceSource,
    Reason,
    RefusalError,
    Side,
    TimeInForce,
    Trigger,
)
from tests.venue.floor import Floor
from tests.venue.okx.errors import Fields, OkxError, bad, from_refusal
from tests.venue.okx.render import OkxRender, type_of
from tests.venue.protocol import Json

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
MODES = {mode: mode for mode in ("cash", "cross", "isolated")}
TARGETS = {"base_ccy": True, "quote_ccy": False}
SOURCES = {"last": PriceSource.LAST, "mark": PriceSource.MARK}
KINDS = {
    "market": (OrderKind.MARKET, TimeInForce.GTC),
    "limit": (OrderKind.LIMIT, TimeInForce.GTC),
    "post_only": (OrderKind.LIMIT, TimeInForce.GTC),
    "ioc": (OrderKind.LIMIT, TimeInForce.IOC),
    "fok": (OrderKind.LIMIT, TimeInForce.FOK),
}
TYPES = {name: name for name in ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")}


@dataclass(frozen=True, slots=True)
class Call:
    account: str
    fields: Fields
    now: int


type Action = Callable[[Call], dict[str, Json]]


class OkxTrading:
    def __init__(self, floor: Floor, render: OkxRender) -> None:
        self._floor = floor
        self._exchange = floor.exchange
        self._conditionals = floor.conditionals
        self._render = render

    def instrument(self, fields: Fields) -> Instrument:
        """Find the instrument by id or, as newer WebSocket clients send it, by numeric code."""
        code = fields.integer("instIdCode")
        symbol = self._render.by_code.get(code, "") if code is not None else fields.required("instId")
        return self._exchange.instrument(symbol)

    def _check_position_side(self, call: Call, instrument: Instrument) -> None:
        two_way = call.account in self._floor.two_way and not instrument.is_spot
        if two_way or call.fields.text("posSide") not in (None, "net"):
            raise bad("posSide")

    # Orders; each returns the `data` item of the reply

    def place(self, call: Call) -> dict[str, Json]:
        fields = call.fields
        instrument = self.instrument(fields)
        side, mode = fields.choice("side", SIDES), fields.choice("tdMode", MODES)
        kind, tif = fields.choice("ordType", KINDS)
        label = fields.required("ordType")
        self._check_position_side(call, instrument)
        size, quote = fields.decimal("sz"), None
        if size is None:
            raise OkxError("50014", "Parameter sz can not be empty.")
        if self._is_quote_size(fields, instrument, kind, side):
            size, quote = None, size
        order = self._exchange.place(
            OrderRequest(
                account=call.account,
                symbol=instrument.symbol,
                side=side,
                kind=kind,
                quantity=size,
                quote_quantity=quote,
                price=fields.decimal("px") if kind is OrderKind.LIMIT else None,
                client_id=fields.client_id("clOrdId"),
                time_in_force=tif,
                post_only=label == "post_only",
                reduce_only=fields.boolean("reduceOnly") and not instrument.is_spot,
                label=f"{label}:{mode}",
            ),
            call.now,
        )
        return self._acknowledge(order, call)

    def _is_quote_size(self, fields: Fields, instrument: Instrument, kind: OrderKind, side: Side) -> bool:
        """Tell what `sz` counts: a spot market buy counts quote unless it says otherwise."""
        if not instrument.is_spot or kind is not OrderKind.MARKET:
            return False
        if fields.text("tgtCcy") is None:
            return side is Side.BUY
        return not fields.choice("tgtCcy", TARGETS)

    def _acknowledge(self, order: Order, call: Call) -> dict[str, Json]:
        return {
            "ordId": str(order.id),
            "clOrdId": call.fields.client_id("clOrdId"),
            "tag": "",
            "ts": str(call.now // NS_PER_MS),
            "sCode": "0",
            "sMsg": "",
        }

    def _find(self, call: Call) -> Order:
        instrument = self.instrument(call.fields)
        number, client_id = call.fields.integer("ordId"), call.fields.text("clOrdId")
        if number is not None:
            order = self._exchange.order(call.account, number)
        elif client_id is not None:
            order = self._exchange.order_by_client_id(call.account, client_id)
        else:
            raise OkxError("50014", "Parameter ordId can not be empty.")
        if order.symbol != instrument.symbol:
            raise RefusalError(Reason.UNKNOWN_ORDER)
        return order

    def cancel(self, call: Call) -> dict[str, Json]:
        order = self._find(call)
        self._exchange.cancel(call.account, order.id, call.now)
        return self._acknowledge(order, call) | {"clOrdId": order.client_id}

    def amend(self, call: Call) -> dict[str, Json]:
        order = self._find(call)
        size, price = call.fields.decimal("newSz"), call.fields.decimal("newPx")
        if size is None and price is None:
            raise OkxError("50014", "Parameter newSz can not be empty.")
        self._exchange.amend(call.account, order.id, size, price, call.now)
        return self._acknowledge(order, call) | {"clOrdId": order.client_id, "reqId": call.fields.text("reqId") or ""}

    def place_algo(self, call: Call) -> dict[str, Json]:
        """Place a `trigger` or `conditional` (stop-loss or take-profit) order."""
        fields = call.fields
        instrument = self.instrument(fields)
        side, mode = fields.choice("side", SIDES), fields.choice("tdMode", MODES)
        label = fields.choice("ordType", {name: name for name in ("trigger", "conditional")})
        self._check_position_side(call, instrument)
        if label == "trigger":
            names = ("triggerPx", "orderPx", "triggerPxType")
        elif fields.text("slTriggerPx") is not None:
            names = ("slTriggerPx", "slOrdPx", "slTriggerPxType")
        else:
            names = ("tpTriggerPx", "tpOrdPx", "tpTriggerPxType")
        at = fields.decimal(names[0])
        if at is None:
            raise OkxError("50014", f"Parameter {names[0]} can not be empty.")
        at_market = fields.text(names[1]) in (None, "-1")
        source = fields.choice(names[2], SOURCES) if fields.text(names[2]) is not None else PriceSource.LAST
        funds = self._exchange.funds
        price = funds.mark(instrument.symbol) if source is PriceSource.MARK else funds.last.get(instrument.symbol)
        conditional = self._conditionals.place(
            OrderRequest(
                account=call.account,
                symbol=instrument.symbol,
                side=side,
                kind=OrderKind.MARKET if at_market else OrderKind.LIMIT,
                quantity=fields.decimal("sz"),
                price=None if at_market else fields.decimal(names[1]),
                client_id=fields.client_id("algoClOrdId"),
                reduce_only=fields.boolean("reduceOnly") and not instrument.is_spot,
                trigger=Trigger(rises=price is None or at > price, price=at, source=source),
                label=f"{label}:{mode}",
            ),
            call.now,
        )
        return {
            "algoId": str(conditional.id),
            "algoClOrdId": fields.client_id("algoClOrdId"),
            "clOrdId": "",
            "sCode": "0",
            "sMsg": "",
            "tag": "",
        }

    def _find_algo(self, call: Call) -> Conditional:
        number, client_id = call.fields.integer("algoId"), call.fields.text("algoClOrdId")
        if number is None and client_id is None:
            raise OkxError("50014", "Parameter algoId can not be empty.")
        if number is not None:
            return self._conditionals.get(call.account, number)
        return self._conditionals.by_client_id(call.account, client_id or "")

    def algo(self, call: Call) -> list[Json]:
        return [self._render.algo(self._find_algo(call))]

    def cancel_algo(self, call: Call) -> dict[str, Json]:
        found = self._find_algo(call)
        self._conditionals.cancel(call.account, found.id, call.now)
        return {"algoId": str(found.id), "algoClOrdId": found.client_id, "sCode": "0", "sMsg": "", "tag": ""}

    def attempt(self, operation: str, action: Action, call: Call) -> tuple[dict[str, Json], bool]:
        """Run one of the actions above; a failure becomes the item that OKX returns for it."""
        try:
            return action(call), True
        except RefusalError as refusal:
            error = from_refusal(refusal, operation)
        except OkxError as refused:
            error = refused
        return self.failure(operation, error, call), False

    def failure(self, operation: str, error: OkxError, call: Call) -> dict[str, Json]:
        """Return the item that OKX gives for what it refuses."""
        ids: dict[str, Json] = {}
        for name in ("clOrdId", "ordId", "algoId", "algoClOrdId"):
            value = call.fields.text(name) if operation != "order" or name == "clOrdId" else None
            ids[name] = value or ""
        return ids | {"sCode": error.code, "sMsg": error.message, "tag": "", "ts": str(call.now // NS_PER_MS)}

    # Questions; each returns the whole `data`

    def order(self, call: Call) -> list[Json]:
        return [self._render.order(self._find(call))]

    def _orders(self, call: Call, *, pending: bool) -> list[Order]:
        wanted_type, symbol = call.fields.text("instType"), call.fields.text("instId")
        return [
            order
            for order in self._exchange.account_orders(call.account)
            if order.status.is_open is pending
            and (symbol is None or order.symbol == symbol)
            and (wanted_type is None or type_of(self._exchange.instruments[order.symbol]) == wanted_type)
        ]

    def _page[T](self, call: Call, items: list[T], number: Callable[[T], int]) -> list[T]:
        """Return the newest first, older than `after` and newer than `before`, at most `limit`."""
        after, before, limit = (call.fields.integer(name) for name in ("after", "before", "limit"))
        chosen = [
            item
            for item in sorted(items, key=number, reverse=True)
            if (after is None or number(item) < after) and (before is None or number(item) > before)
        ]
        return chosen[: min(limit or 100, 100)]

    def pending(self, call: Call) -> list[Json]:
        page = self._page(call, self._orders(call, pending=True), lambda order: order.id)
        return [self._render.order(order) for order in page]

    def history(self, call: Call) -> list[Json]:
        page = self._page(call, self._orders(call, pending=False), lambda order: order.id)
        return [self._render.order(order) for order in page]

    def fills(self, call: Call) -> list[Json]:
        wanted_type, symbol = call.fields.text("instType"), call.fields.text("instId")
        number, begin, end = (call.fields.integer(name) for name in ("ordId", "begin", "end"))
        found: list[Fill] = [
            fill
            for fill in self._exchange.account_fills(call.account, symbol)
            if (number is None or fill.order_id == number)
            and fill.ts_ns >= self._floor.listed_from
            and (wanted_type is None or type_of(self._exchange.instruments[fill.symbol]) == wanted_type)
            and (begin is None or fill.ts_ns // NS_PER_MS >= begin)
            and (end is None or fill.ts_ns // NS_PER_MS <= end)
        ]
        return [self._render.fill(fill) for fill in self._page(call, found, lambda fill: fill.trade_id)]

    def _algos(self, call: Call, *, pending: bool) -> list[Json]:
        wanted_type, kind = call.fields.text("instType"), call.fields.text("ordType")
        found: list[Conditional] = [
            conditional
            for conditional in self._conditionals.history(call.account, call.fields.text("instId"))
            if (conditional.status is ConditionalStatus.WAITING) is pending
            and (kind is None or conditional.request.label.partition(":")[0] in kind.split(","))
            and (wanted_type is None or type_of(self._exchange.instruments[conditional.symbol]) == wanted_type)
        ]
        return [self._render.algo(item) for item in self._page(call, found, lambda item: item.id)]

    def algos_pending(self, call: Call) -> list[Json]:
        return self._algos(call, pending=True)

    def algos_history(self, call: Call) -> list[Json]:
        return self._algos(call, pending=False)

    def balance(self, call: Call) -> list[Json]:
        return [self._render.balance(call.account)]

    def positions(self, call: Call) -> list[Json]:
        book = self._exchange.ledger.accounts[call.account]
        symbol = call.fields.text("instId")
        return [
            self._render.position(call.account, instrument)
            for instrument in self._exchange.instruments.values()
            if book.position(instrument.symbol).quantity and symbol in (None, instrument.symbol)
        ]

    def config(self, call: Call) -> list[Json]:
        return [
            {
                "acctLv": "2",
                "acctStpMode": "cancel_maker",
                "autoLoan": False,
                "ctIsoMode": "automatic",
                "greeksType": "PA",
                "label": call.account,
                "level": "Lv1",
                "levelTmp": "",
                "mainUid": "1",
                "mgnIsoMode": "automatic",
                "perm": "read_only,trade",
                "posMode": "long_short_mode" if call.account in self._floor.two_way else "net_mode",
                "roleType": "0",
                "spotOffsetType": "",
                "type": "0",
                "uid": "1",
            }
        ]

    def trade_fee(self, call: Call) -> list[Json]:
        kind = call.fields.choice("instType", TYPES)
        chosen = [i for i in self._exchange.instruments.values() if type_of(i) == kind]
        maker, taker = (plain_fee(rate) for rate in (chosen[0].maker_fee, chosen[0].taker_fee)) if chosen else ("", "")
        spot = kind == "SPOT"
        return [
            {
                "category": "1",
                "delivery": "",
                "exercise": "",
                "feeGroup": [],
                "instType": kind,
                "level": "Lv1",
                "maker": maker if spot else "",
                "makerU": "" if spot else maker,
                "makerUSDC": "",
                "taker": taker if spot else "",
                "takerU": "" if spot else taker,
                "takerUSDC": "",
                "ts": str(call.now // NS_PER_MS),
                "uly": "",
            }
        ]

    def set_leverage(self, call: Call) -> list[Json]:
        instrument = self.instrument(call.fields)
        leverage = call.fields.integer("lever")
        if leverage is None:
            raise OkxError("50014", "Parameter lever can not be empty.")
        mode = call.fields.choice("mgnMode", MODES)
        self._exchange.set_leverage(call.account, instrument.symbol, leverage)
        return [{"lever": str(leverage), "mgnMode": mode, "instId": instrument.symbol, "posSide": ""}]

    def leverage(self, call: Call) -> list[Json]:
        instrument = self.instrument(call.fields)
        leverage = self._exchange.ledger.accounts[call.account].leverage_of(instrument)
        return [{"instId": instrument.symbol, "mgnMode": "cross", "posSide": "net", "lever": str(leverage)}]

    def set_position_mode(self, call: Call) -> list[Json]:
        mode = call.fields.required("posMode")
        if mode not in ("net_mode", "long_short_mode"):
            raise bad("posMode")
        if not self._floor.set_two_way(call.account, on=mode == "long_short_mode"):
            raise OkxError("59000", "Setting failed. Cancel any open orders and close positions.")
        return [{"posMode": mode}]


def plain_fee(rate: Decimal) -> str:
    """Write a fee rate the way OKX does: what is paid is negative."""
    return f"{-rate:f}"
