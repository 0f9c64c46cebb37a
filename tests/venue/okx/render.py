"""How OKX shows instruments, orders, fills, balances and positions: everything is a string."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.binance.room import NS_PER_MS
from tests.venue.core.exchange import Exchange
from tests.venue.core.model import (
    ZERO,
    Change,
    Conditional,
    ConditionalStatus,
    Fill,
    Instrument,
    Order,
    OrderEvent,
    OrderKind,
    OrderRequest,
    PriceSource,
    Status,
    TimeInForce,
)
from tests.venue.protocol import Json

STATES = {
    Status.NEW: "live",
    Status.PARTIALLY_FILLED: "partially_filled",
    Status.FILLED: "filled",
    Status.CANCELED: "canceled",
    Status.EXPIRED: "canceled",
    Status.PREVENTED: "canceled",
}
ALGO_STATES = {
    ConditionalStatus.WAITING: "live",
    ConditionalStatus.TRIGGERED: "effective",
    ConditionalStatus.FINISHED: "effective",
    ConditionalStatus.CANCELED: "canceled",
    ConditionalStatus.EXPIRED: "canceled",
    ConditionalStatus.REJECTED: "order_failed",
}
CANCEL_SOURCES = {Status.CANCELED: "1", Status.EXPIRED: "14", Status.PREVENTED: "32"}
LISTED_MS = 1_573_557_408_000
FIRST_CODE = 10_000


def plain(value: Decimal) -> str:
    """Write a number without exponent and without needless zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def milliseconds(ns: int) -> str:
    return str(ns // NS_PER_MS)


def type_of(instrument: Instrument) -> str:
    return "SPOT" if instrument.is_spot else "SWAP"


def order_type(request: OrderRequest) -> str:
    """Return OKX's own word; what a trigger fired is a plain order, and so is what came from outside the protocol."""
    if request.kind is OrderKind.MARKET:
        return "market"
    if request.post_only:
        return "post_only"
    return {TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}.get(request.time_in_force, "limit")


class OkxRender:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.codes = {symbol: FIRST_CODE + number for number, symbol in enumerate(exchange.instruments)}
        self.by_code = {code: symbol for symbol, code in self.codes.items()}

    def instrument(self, instrument: Instrument) -> dict[str, Json]:
        spot = instrument.is_spot
        family = f"{instrument.base}-{instrument.quote}"
        largest = plain(instrument.max_quantity)
        return {
            "alias": "",
            "auctionEndTime": "",
            "baseCcy": instrument.base if spot else "",
            "category": "1",
            "contTdSwTime": "",
            "ctMult": "" if spot else "1",
            "ctType": "" if spot else "linear",
            "ctVal": "" if spot else plain(instrument.multiplier),
            "ctValCcy": "" if spot else instrument.base,
            "expTime": "",
            "futureSettlement": False,
            "instFamily": "" if spot else family,
            "instId": instrument.symbol,
            "instIdCode": self.codes[instrument.symbol],
            "instType": type_of(instrument),
            "lever": "10" if spot else str(instrument.max_leverage),
            "listTime": str(LISTED_MS),
            "lotSz": plain(instrument.step),
            "maxIcebergSz": largest,
            "maxLmtAmt": "20000000",
            "maxLmtSz": largest,
            "maxMktAmt": "1000000" if spot else "",
            "maxMktSz": largest,
            "maxStopSz": largest,
            "maxTriggerSz": largest,
            "maxTwapSz": largest,
            "minSz": plain(instrument.min_quantity),
            "openType": "",
            "optType": "",
            "quoteCcy": instrument.quote if spot else "",
            "ruleType": "normal",
            "settleCcy": "" if spot else instrument.settle,
            "state": "live",
            "stk": "",
            "tickSz": plain(instrument.tick),
            "tradeQuoteCcyList": [instrument.quote] if spot else [],
            "uly": "" if spot else family,
        }

    def _fills_so_far(self, order: Order) -> list[Fill]:
        """Return the fills that this copy of the order knows of: fees must not run ahead of it."""
        known: list[Fill] = []
        left = order.filled
        for fill in self._exchange.order_fills(order.id):
            if left > 0:
                known.append(fill)
                left -= fill.quantity
        return known

    def order(self, order: Order) -> dict[str, Json]:
        """Render an order with its last fill inside, as OKX does."""
        request = order.request
        instrument = self._exchange.instruments[order.symbol]
        mode = request.label.partition(":")[2]
        conditional = order.conditional_id
        fills = self._fills_so_far(order)
        last = fills[-1] if fills else None
        fees = sum((fill.fee for fill in fills), ZERO)
        profit = sum((fill.realized for fill in fills), ZERO)
        closed = order.status in CANCEL_SOURCES
        return {
            "accFillSz": plain(order.filled),
            "algoClOrdId": order.client_id if conditional else "",
            "algoId": str(conditional or ""),
            "attachAlgoClOrdId": "",
            "attachAlgoOrds": [],
            "avgPx": plain(round(order.average_price, 10)) if order.filled else "",
            "cTime": milliseconds(order.created_ns),
            "cancelSource": self._cancel_source(order) if closed else "",
            "cancelSourceReason": "",
            "category": "normal",
            "ccy": "",
            "clOrdId": order.client_id,
            "execType": ("M" if last.maker else "T") if last else "",
            "fee": plain(-fees),
            "feeCcy": last.fee_asset if last else instrument.quote,
            "fillFee": plain(-last.fee) if last else "0",
            "fillFeeCcy": last.fee_asset if last else "",
            "fillPx": plain(last.price) if last else "",
            "fillSz": plain(last.quantity) if last else "0",
            "fillTime": milliseconds(last.ts_ns) if last else "",
            "instId": order.symbol,
            "instType": type_of(instrument),
            "isTpLimit": "false",
            "lever": "" if instrument.is_spot else str(self._leverage(order.account, instrument)),
            "linkedAlgoOrd": {"algoId": ""},
            "notionalUsd": plain(instrument.notional(order.quantity, order.price or order.average_price)),
            "ordId": str(order.id),
            "ordType": order_type(request),
            "pnl": plain(profit),
            "posSide": "" if instrument.is_spot else "net",
            "px": plain(order.price) if order.price is not None else "",
            "pxType": "",
            "pxUsd": "",
            "pxVol": "",
            "quickMgnType": "",
            "rebate": "0",
            "rebateCcy": instrument.quote,
            "reduceOnly": "true" if request.reduce_only else "false",
            "reqId": "",
            "side": request.side.value.lower(),
            "slOrdPx": "",
            "slTriggerPx": "",
            "slTriggerPxType": "",
            "source": "",
            "state": STATES[order.status],
            "stpId": "",
            "stpMode": "cancel_maker",
            "sz": plain(order.quantity),
            "tag": "",
            "tdMode": mode or "cross",
            "tgtCcy": "base_ccy" if instrument.is_spot and order.price is None else "",
            "tpOrdPx": "",
            "tpTriggerPx": "",
            "tpTriggerPxType": "",
            "tradeId": str(last.trade_id) if last else "",
            "uTime": milliseconds(order.updated_ns),
        }

    def _cancel_source(self, order: Order) -> str:
        return "31" if self._failed_post_only(order) else CANCEL_SOURCES[order.status]

    def _failed_post_only(self, order: Order) -> bool:
        is_closed = order.status is Status.CANCELED
        return is_closed and order.request.post_only and order.updated_ns == order.created_ns

    def is_stillborn(self, event: OrderEvent) -> bool:
        """Tell whether this is the birth of a post-only order that would have taken: only its end is pushed."""
        order = self._exchange.orders.get(event.order.id)
        return event.change is Change.ACCEPTED and order is not None and self._failed_post_only(order)

    def order_event(self, event: OrderEvent) -> dict[str, Json]:
        """Render what the orders channel pushes: without a new fill the fill fields are empty."""
        body = self.order(event.order)
        if event.fill is None:
            body |= {"fillPx": "", "fillSz": "0", "tradeId": "", "fillTime": "", "execType": "", "fillFee": "0"}
        return body | {"amendResult": "0" if event.change is Change.AMENDED else "", "code": "0", "msg": ""}

    def algo(self, conditional: Conditional) -> dict[str, Json]:
        request = conditional.request
        instrument = self._exchange.instruments[request.symbol]
        trigger = request.trigger
        by_mark = trigger is not None and trigger.source is PriceSource.MARK
        order = self._exchange.orders.get(conditional.order_id or 0)
        kind, _, mode = request.label.partition(":")
        price = trigger.price if trigger else None
        return {
            "actualPx": plain(order.average_price) if order else "",
            "actualSz": plain(order.filled) if order else "0",
            "algoClOrdId": conditional.client_id,
            "algoId": str(conditional.id),
            "cTime": milliseconds(conditional.created_ns),
            "clOrdId": order.client_id if order else "",
            "instId": request.symbol,
            "instType": type_of(instrument),
            "lever": "" if instrument.is_spot else str(self._leverage(conditional.account, instrument)),
            "notionalUsd": "",
            "ordId": str(conditional.order_id or ""),
            "ordPx": plain(request.price) if request.price is not None else "-1",
            "ordType": kind,
            "posSide": "" if instrument.is_spot else "net",
            "reduceOnly": "true" if request.reduce_only else "false",
            "side": request.side.value.lower(),
            "state": ALGO_STATES[conditional.status],
            "sz": plain(request.quantity or ZERO),
            "tag": "",
            "tdMode": mode or "cross",
            "triggerPx": plain(price) if price is not None else "",
            "triggerPxType": "mark" if by_mark else "last",
            "triggerTime": milliseconds(conditional.triggered_ns) if conditional.triggered_ns else "",
            "uTime": milliseconds(conditional.updated_ns),
        }

    def fill(self, fill: Fill) -> dict[str, Json]:
        instrument = self._exchange.instruments[fill.symbol]
        return {
            "billId": str(fill.trade_id),
            "clOrdId": fill.client_id,
            "execType": "M" if fill.maker else "T",
            "fee": plain(-fill.fee),
            "feeCcy": fill.fee_asset,
            "fillIdxPx": "",
            "fillMarkPx": "",
            "fillPnl": plain(fill.realized),
            "fillPx": plain(fill.price),
            "fillSz": plain(fill.quantity),
            "fillTime": milliseconds(fill.ts_ns),
            "instId": fill.symbol,
            "instType": type_of(instrument),
            "ordId": str(fill.order_id),
            "posSide": "net",
            "side": fill.side.value.lower(),
            "subType": "1",
            "tag": "",
            "tradeId": str(fill.trade_id),
            "ts": milliseconds(fill.ts_ns),
        }

    def _leverage(self, account: str, instrument: Instrument) -> int:
        return self._exchange.ledger.accounts[account].leverage_of(instrument)

    def balance(self, account: str) -> dict[str, Json]:
        book = self._exchange.ledger.accounts[account]
        moment = milliseconds(book.updated_ns)
        details: list[Json] = [self._detail(account, asset, moment) for asset in book.assets()]
        empty = ("adjEq", "borrowFroz", "imr", "mgnRatio", "mmr", "notionalUsd", "notionalUsdForBorrow")
        more = ("notionalUsdForFutures", "notionalUsdForOption", "notionalUsdForSwap", "ordFroz", "upl")
        body: dict[str, Json] = dict.fromkeys((*empty, *more), "")
        total = sum((self._equity(account, asset) for asset in book.assets()), ZERO)
        return body | {"details": details, "isoEq": "0", "totalEq": plain(total), "uTime": moment}

    def _unrealized(self, account: str, asset: str) -> Decimal:
        funds = self._exchange.funds
        swaps = [i for i in self._exchange.instruments.values() if not i.is_spot and i.settle == asset]
        return sum((funds.unrealized(account, swap.symbol) for swap in swaps), ZERO)

    def _equity(self, account: str, asset: str) -> Decimal:
        return self._exchange.ledger.accounts[account].total(asset) + self._unrealized(account, asset)

    def _detail(self, account: str, asset: str, moment: str) -> Json:
        cash = self._exchange.ledger.accounts[account].total(asset)
        equity = self._equity(account, asset)
        available = max(ZERO, min(self._exchange.funds.available(account, asset), equity))
        blank: tuple[str, ...] = ("accAvgPx", "borrowFroz", "clSpotInUseAmt", "crossLiab", "interest", "isoLiab")
        blank += ("liab", "maxLoan")
        blank += ("maxSpotInUseAmt", "mgnRatio", "openAvgPx", "spotBal", "spotInUseAmt", "spotUpl", "spotUplRatio")
        blank += ("totalPnl", "totalPnlRatio", "uplLiab")
        zero: tuple[str, ...] = ("fixedBal", "imr", "isoEq", "isoUpl", "mmr", "notionalLever", "rewardBal", "smtSyncEq")
        zero += ("spotCopyTradingEq", "spotIsoBal", "stgyEq", "twap")
        return {
            **dict.fromkeys(blank, ""),
            **dict.fromkeys(zero, "0"),
            "availBal": plain(available),
            "availEq": plain(available),
            "cashBal": plain(cash),
            "ccy": asset,
            "collateralEnabled": False,
            "disEq": plain(equity),
            "eq": plain(equity),
            "eqUsd": plain(equity),
            "frozenBal": plain(equity - available),
            "ordFrozen": plain(self._exchange.ledger.accounts[account].locked.get(asset, ZERO)),
            "uTime": moment,
            "upl": plain(self._unrealized(account, asset)),
        }

    def position(self, account: str, instrument: Instrument) -> dict[str, Json]:
        exchange, symbol = self._exchange, instrument.symbol
        held = exchange.ledger.accounts[account].position(symbol)
        mark = exchange.funds.mark(symbol)
        fees = sum((fill.fee for fill in exchange.account_fills(account, symbol)), ZERO)
        trades = [fill.trade_id for fill in exchange.account_fills(account, symbol)]
        blank: tuple[str, ...] = ("baseBal", "bePx", "idxPx", "interest", "liqPx", "margin", "optVal")
        blank += ("pendingCloseOrdLiabVal",)
        blank += ("posCcy", "quoteBal", "quoteBorrowed", "quoteInterest", "spotInUseAmt", "spotInUseCcy", "mgnRatio")
        moment = milliseconds(held.updated_ns)
        unrealized = plain(exchange.funds.unrealized(account, symbol))
        return {
            **dict.fromkeys(blank, ""),
            "adl": "1",
            "availPos": "",
            "avgPx": plain(round(held.entry_price(instrument.multiplier), 10)) if held.quantity else "",
            "cTime": moment,
            "ccy": instrument.settle,
            "fee": plain(-fees),
            "fundingFee": "0",
            "imr": plain(exchange.funds.margin(account, symbol).position),
            "instId": symbol,
            "instType": "SWAP",
            "last": plain(exchange.funds.last.get(symbol, mark)),
            "lever": str(self._leverage(account, instrument)),
            "liqPenalty": "0",
            "markPx": plain(mark),
            "mgnMode": "cross",
            "mmr": plain(abs(instrument.notional(held.quantity, mark)) * instrument.maintenance_rate),
            "notionalUsd": plain(abs(instrument.notional(held.quantity, mark))),
            "pnl": plain(held.realized),
            "pos": plain(held.quantity),
            "posId": str(self.codes[symbol]),
            "posSide": "net",
            "realizedPnl": plain(held.realized - fees),
            "tradeId": str(trades[-1]) if trades else "",
            "uTime": moment,
            "upl": unrealized,
            "uplLastPx": unrealized,
            "uplRatio": "0",
            "uplRatioLastPx": "0",
            "usdPx": "1",
        }
