"""How the spot API shows orders, fills and balances, over REST and in the user data stream."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.binance.futures_render import EXECUTION, STATUS, self_trade_mode
from tests.venue.binance.room import NS_PER_MS, plain
from tests.venue.core.exchange import Exchange
from tests.venue.core.model import (
    ZERO,
    AccountEvent,
    BalanceEvent,
    BalanceReason,
    Change,
    Conditional,
    ConditionalEvent,
    ConditionalStatus,
    Fill,
    Order,
    OrderEvent,
    Side,
)
from tests.venue.protocol import Json

_CONDITIONAL_STATUS = {
    ConditionalStatus.WAITING: "NEW",
    ConditionalStatus.CANCELED: "CANCELED",
    ConditionalStatus.EXPIRED: "EXPIRED",
    ConditionalStatus.REJECTED: "EXPIRED",
}


class SpotRender:
    """A conditional order that waits looks like an order that is not working yet; it keeps its id when it fires."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def order(self, order: Order | Conditional, *, as_accepted: bool = False) -> dict[str, Json]:
        request = order.request
        working = isinstance(order, Order)
        filled = order.filled if isinstance(order, Order) and not as_accepted else ZERO
        quote = order.filled_quote if isinstance(order, Order) and not as_accepted else ZERO
        quantity = order.quantity if isinstance(order, Order) else request.quantity or ZERO
        price = order.price if isinstance(order, Order) else request.price
        return {
            "symbol": order.symbol,
            "orderId": order.id,
            "orderListId": -1,
            "clientOrderId": order.client_id,
            "price": plain(price or ZERO),
            "origQty": plain(quantity),
            "executedQty": plain(filled),
            "origQuoteOrderQty": plain(request.quote_quantity or ZERO),
            "cummulativeQuoteQty": plain(quote),
            "status": "NEW" if as_accepted else self.status(order),
            "timeInForce": request.time_in_force.value,
            "type": request.label or request.kind.value,
            "side": request.side.value,
            "stopPrice": plain((request.trigger.price if request.trigger else None) or ZERO),
            "icebergQty": plain(ZERO),
            "time": order.created_ns // NS_PER_MS,
            "updateTime": order.updated_ns // NS_PER_MS,
            "isWorking": working,
            "workingTime": order.created_ns // NS_PER_MS if working else -1,
            "selfTradePreventionMode": self_trade_mode(order) if isinstance(order, Order) else "NONE",
        }

    def status(self, order: Order | Conditional) -> str:
        return STATUS[order.status] if isinstance(order, Order) else _CONDITIONAL_STATUS.get(order.status, "NEW")

    def new_order(self, order: Order | Conditional, answer: str) -> dict[str, Json]:
        """Render the reply to a new order: ACK, RESULT or FULL."""
        full = self.order(order)
        ack: dict[str, Json] = {name: full[name] for name in ("symbol", "orderId", "orderListId", "clientOrderId")}
        ack["transactTime"] = order.updated_ns // NS_PER_MS
        if answer == "ACK":
            return ack
        result = {name: value for name, value in full.items() if name not in ("time", "updateTime", "isWorking")} | ack
        if answer == "FULL" and isinstance(order, Order):
            result["fills"] = [
                {
                    "price": plain(fill.price),
                    "qty": plain(fill.quantity),
                    "commission": plain(fill.fee),
                    "commissionAsset": fill.fee_asset,
                    "tradeId": fill.trade_id,
                }
                for fill in self._exchange.order_fills(order.id)
            ]
        return result

    def canceled(self, order: Order | Conditional, cancel_id: str) -> dict[str, Json]:
        body = self.new_order(order, "RESULT")
        return body | {"origClientOrderId": order.client_id, "clientOrderId": cancel_id}

    def my_trade(self, fill: Fill) -> dict[str, Json]:
        return {
            "symbol": fill.symbol,
            "id": fill.trade_id,
            "orderId": fill.order_id,
            "orderListId": -1,
            "price": plain(fill.price),
            "qty": plain(fill.quantity),
            "quoteQty": plain(fill.quote),
            "commission": plain(fill.fee),
            "commissionAsset": fill.fee_asset,
            "time": fill.ts_ns // NS_PER_MS,
            "isBuyer": fill.side is Side.BUY,
            "isMaker": fill.maker,
            "isBestMatch": True,
        }

    def balances(self, account: str) -> list[Json]:
        book = self._exchange.ledger.accounts[account]
        return [
            {
                "asset": asset,
                "free": plain(book.free.get(asset, ZERO)),
                "locked": plain(book.locked.get(asset, ZERO)),
            }
            for asset in book.assets()
        ]

    # User data stream

    def event(self, event: AccountEvent, now_ms: int) -> list[dict[str, Json]]:
        if isinstance(event, OrderEvent):
            # A fired stop was reported as new when it came; it makes no second entrance.
            fired = event.change is Change.ACCEPTED and event.order.conditional_id is not None
            return [] if fired else [self._report(event.order, event, event.ts_ns // NS_PER_MS, now_ms)]
        if isinstance(event, ConditionalEvent):
            if event.conditional.status in (ConditionalStatus.TRIGGERED, ConditionalStatus.FINISHED):
                return []
            return [self._report(event.conditional, None, event.ts_ns // NS_PER_MS, now_ms)]
        return self._balance_events(event, now_ms)

    def _balance_events(self, event: BalanceEvent, now_ms: int) -> list[dict[str, Json]]:
        ts_ms = event.ts_ns // NS_PER_MS
        balances: list[Json] = [
            {"a": asset, "f": plain(free), "l": plain(locked)} for asset, (free, locked) in event.balances.items()
        ]
        position: dict[str, Json] = {"e": "outboundAccountPosition", "E": now_ms, "u": ts_ms, "B": balances}
        if event.reason is BalanceReason.ORDER:
            return [position]
        updates: list[dict[str, Json]] = [
            {"e": "balanceUpdate", "E": now_ms, "a": asset, "d": plain(amount), "T": ts_ms}
            for asset, amount in event.changes.items()
        ]
        return [*updates, position]

    def _report(self, order: Order | Conditional, event: OrderEvent | None, ts_ms: int, now_ms: int) -> dict[str, Json]:
        shown = self.order(order)
        execution = EXECUTION[event.change] if event else self.status(order)
        fill = event.fill if event else None
        canceled = execution == "CANCELED"
        quote = fill.quote if fill else ZERO
        price = fill.price if fill else ZERO
        body: dict[str, Json] = {
            "e": "executionReport",
            "E": now_ms,
            "s": order.symbol,
            # A cancellation is reported under the id of the cancel request; the order's own id is in C.
            "c": f"cancel-{order.id}" if canceled else order.client_id,
            "S": order.request.side.value,
            "o": shown["type"],
            "f": shown["timeInForce"],
            "q": shown["origQty"],
            "p": shown["price"],
            "P": shown["stopPrice"],
            "F": shown["icebergQty"],
            "g": -1,
            "C": order.client_id if canceled else "",
            "x": execution,
            "X": shown["status"],
            "r": "NONE",
            "i": order.id,
            "l": plain(fill.quantity if fill else ZERO),
            "z": shown["executedQty"],
            "L": plain(price),
            "n": plain(fill.fee) if fill else "0",
            "N": fill.fee_asset if fill else None,
            "T": ts_ms,
            "t": fill.trade_id if fill else -1,
            "I": event.seq if event else order.id,
            "w": isinstance(order, Order) and order.status.is_open,
            "m": fill.maker if fill else False,
            "M": False,
            "O": order.created_ns // NS_PER_MS,
            "Z": shown["cummulativeQuoteQty"],
            "Y": plain(Decimal(quote)),
            "Q": shown["origQuoteOrderQty"],
            "V": shown["selfTradePreventionMode"],
        }
        return body | {"W": shown["workingTime"]} if isinstance(order, Order) else body
