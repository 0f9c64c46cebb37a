"""How USDT-margined futures show orders, fills, balances and positions, over REST and in the user data stream."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.binance.room import NS_PER_MS, places, plain
from tests.venue.core.exchange import Exchange
from tests.venue.core.ledger import AccountLedger
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
    Holding,
    Instrument,
    Order,
    OrderEvent,
    OrderRequest,
    PriceSource,
    Side,
    Status,
)
from tests.venue.protocol import Json

STATUS = {status: status.value for status in Status} | {Status.PREVENTED: "EXPIRED_IN_MATCH"}
EXECUTION = {
    Change.ACCEPTED: "NEW",
    Change.FILLED: "TRADE",
    Change.CANCELED: "CANCELED",
    Change.EXPIRED: "EXPIRED",
    Change.AMENDED: "AMENDMENT",
    Change.PREVENTED: "EXPIRED",
}
ALGO_STATUS = {status: status.value for status in ConditionalStatus} | {ConditionalStatus.WAITING: "NEW"}
VENUES_OWN = {"LIQUIDATION", "ADL", "INSURANCE_FUND"}
"""Types of orders that Binance itself makes: labels of orders that a test places for it."""
BALANCE_REASON = {BalanceReason.FUNDING: "FUNDING_FEE"}


class FuturesRender:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def price(self, symbol: str, value: Decimal | None) -> str:
        return plain(value or ZERO, places(self._exchange.instruments[symbol].tick))

    def quantity(self, symbol: str, value: Decimal) -> str:
        return plain(value, places(self._exchange.instruments[symbol].step))

    # Orders

    def order(self, order: Order, *, as_accepted: bool = False) -> dict[str, Json]:
        """Render an order; `as_accepted` is the ACK reply: what was true before anything matched."""
        request = order.request
        filled = ZERO if as_accepted else order.filled
        symbol = order.symbol
        return {
            "orderId": order.id,
            "symbol": symbol,
            "status": "NEW" if as_accepted else STATUS[order.status],
            "clientOrderId": order.client_id,
            "price": self.price(symbol, order.price),
            "avgPrice": plain(order.average_price if filled else ZERO, 5),
            "origQty": self.quantity(symbol, order.quantity),
            "executedQty": self.quantity(symbol, filled),
            "cumQty": self.quantity(symbol, filled),
            "cumQuote": plain(order.filled_quote if filled else ZERO),
            "timeInForce": time_in_force(request),
            "type": request.label if request.label in VENUES_OWN else request.kind.value,
            "reduceOnly": request.reduce_only or request.close_position,
            "closePosition": request.close_position,
            "side": request.side.value,
            "positionSide": "BOTH",
            "stopPrice": self.price(symbol, request.trigger.price if request.trigger else None),
            "workingType": working_type(request),
            "priceProtect": False,
            "origType": request.label or request.kind.value,
            "priceMatch": "NONE",
            "selfTradePreventionMode": self_trade_mode(order),
            "goodTillDate": request.expire_ns // NS_PER_MS,
            "time": order.created_ns // NS_PER_MS,
            "updateTime": order.updated_ns // NS_PER_MS,
        }

    def algo_order(self, conditional: Conditional) -> dict[str, Json]:
        request = conditional.request
        trigger = request.trigger
        body: dict[str, Json] = {
            "algoId": conditional.id,
            "clientAlgoId": conditional.client_id,
            "algoType": "CONDITIONAL",
            "orderType": request.label,
            "symbol": request.symbol,
            "side": request.side.value,
            "positionSide": "BOTH",
            "timeInForce": time_in_force(request),
            "quantity": self.quantity(request.symbol, request.quantity or ZERO),
            "algoStatus": ALGO_STATUS[conditional.status],
            "triggerPrice": self.price(request.symbol, trigger.price if trigger else None),
            "price": self.price(request.symbol, request.price),
            "icebergQuantity": None,
            "selfTradePreventionMode": "NONE",
            "workingType": working_type(request),
            "priceMatch": "NONE",
            "closePosition": request.close_position,
            "priceProtect": False,
            "reduceOnly": request.reduce_only,
            "createTime": conditional.created_ns // NS_PER_MS,
            "updateTime": conditional.updated_ns // NS_PER_MS,
            "triggerTime": conditional.triggered_ns // NS_PER_MS,
            "goodTillDate": request.expire_ns // NS_PER_MS,
            "actualOrderId": str(conditional.order_id or ""),
        }
        if trigger is not None and trigger.callback is not None:
            body["callbackRate"] = f"{trigger.callback * 100:f}"
            body["activatePrice"] = self.price(request.symbol, trigger.activation)
        return body

    def user_trade(self, fill: Fill) -> dict[str, Json]:
        return {
            "symbol": fill.symbol,
            "id": fill.trade_id,
            "orderId": fill.order_id,
            "side": fill.side.value,
            "price": self.price(fill.symbol, fill.price),
            "qty": self.quantity(fill.symbol, fill.quantity),
            "realizedPnl": plain(fill.realized),
            "quoteQty": plain(fill.quote),
            "commission": plain(fill.fee),
            "commissionAsset": fill.fee_asset,
            "time": fill.ts_ns // NS_PER_MS,
            "positionSide": "BOTH",
            "buyer": fill.side is Side.BUY,
            "maker": fill.maker,
        }

    # Money

    def balance(self, account: str, asset: str, now_ms: int) -> dict[str, Json]:
        exchange = self._exchange
        wallet = exchange.ledger.accounts[account].total(asset)
        perpetuals = [i for i in exchange.instruments.values() if not i.is_spot and i.settle == asset]
        unrealized = sum((exchange.funds.unrealized(account, i.symbol) for i in perpetuals), ZERO)
        margins = [exchange.funds.margin(account, i.symbol) for i in perpetuals]
        position = sum((margin.position for margin in margins), ZERO)
        total = sum((margin.total for margin in margins), ZERO)
        maintenance = sum((self._maintenance(account, i) for i in perpetuals), ZERO)
        available = max(ZERO, exchange.funds.available(account, asset))
        return {
            "asset": asset,
            "walletBalance": plain(wallet),
            "unrealizedProfit": plain(unrealized),
            "marginBalance": plain(wallet + unrealized),
            "maintMargin": plain(maintenance),
            "initialMargin": plain(total),
            "positionInitialMargin": plain(position),
            "openOrderInitialMargin": plain(total - position),
            "crossWalletBalance": plain(wallet),
            "crossUnPnl": plain(unrealized),
            "availableBalance": plain(available),
            "maxWithdrawAmount": plain(min(available, wallet)),
            "marginAvailable": True,
            "updateTime": now_ms,
        }

    def _maintenance(self, account: str, instrument: Instrument) -> Decimal:
        held = self._exchange.ledger.accounts[account].position(instrument.symbol).quantity
        mark = self._exchange.funds.mark(instrument.symbol)
        return abs(instrument.notional(held, mark)) * instrument.maintenance_rate

    def position(self, account: str, instrument: Instrument) -> dict[str, Json]:
        """Render a position in the fields of v2 and v3 together."""
        exchange, symbol = self._exchange, instrument.symbol
        book: AccountLedger = exchange.ledger.accounts[account]
        held = book.position(symbol)
        mark = exchange.funds.mark(symbol)
        margin = exchange.funds.margin(account, symbol)
        notional = instrument.notional(held.quantity, mark)
        unrealized = plain(exchange.funds.unrealized(account, symbol))
        entry = plain(held.entry_price(instrument.multiplier))
        return {
            "symbol": symbol,
            "positionSide": "BOTH",
            "positionAmt": self.quantity(symbol, held.quantity),
            "entryPrice": entry,
            "breakEvenPrice": entry,
            "markPrice": plain(mark),
            "unRealizedProfit": unrealized,
            "unrealizedProfit": unrealized,
            "liquidationPrice": "0",
            "isolatedMargin": "0",
            "isolatedWallet": "0",
            "isolated": False,
            "marginType": "cross",
            "isAutoAddMargin": "false",
            "leverage": str(book.leverage_of(instrument)),
            "maxNotionalValue": "100000000",
            "notional": plain(notional),
            "marginAsset": instrument.settle,
            "initialMargin": plain(margin.total),
            "maintMargin": plain(self._maintenance(account, instrument)),
            "positionInitialMargin": plain(margin.position),
            "openOrderInitialMargin": plain(margin.total - margin.position),
            "adl": 0,
            "bidNotional": "0",
            "askNotional": "0",
            "updateTime": held.updated_ns // NS_PER_MS,
        }

    # User data stream

    def event(self, event: AccountEvent, now_ms: int) -> list[dict[str, Json]]:
        if isinstance(event, OrderEvent):
            return [*self._trade_lite(event, now_ms), self._order_update(event, now_ms)]
        if isinstance(event, ConditionalEvent):
            return [self._algo_update(event, now_ms)]
        return [self._account_update(event, now_ms)]

    def _order_update(self, event: OrderEvent, now_ms: int) -> dict[str, Json]:
        order, fill, symbol = event.order, event.fill, event.order.symbol
        request = order.request
        ts_ms = event.ts_ns // NS_PER_MS
        body: dict[str, Json] = {
            "s": symbol,
            "c": order.client_id,
            "S": order.side.value,
            "o": request.label if request.label in VENUES_OWN else request.kind.value,
            "f": time_in_force(request),
            "q": self.quantity(symbol, order.quantity),
            "p": self.price(symbol, order.price),
            "ap": plain(order.average_price, 5),
            "sp": self.price(symbol, request.trigger.price if request.trigger else None),
            "x": EXECUTION[event.change],
            "X": STATUS[order.status],
            "i": order.id,
            "l": self.quantity(symbol, fill.quantity if fill else ZERO),
            "z": self.quantity(symbol, order.filled),
            "L": self.price(symbol, fill.price if fill else ZERO),
            "T": ts_ms,
            "t": fill.trade_id if fill else 0,
            "b": "0",
            "a": "0",
            "m": fill.maker if fill else False,
            "R": request.reduce_only or request.close_position,
            "wt": working_type(request),
            "ot": request.label or request.kind.value,
            "ps": "BOTH",
            "cp": request.close_position,
            "rp": plain(fill.realized if fill else ZERO),
            "pP": False,
            "si": 0,
            "ss": 0,
            "V": self_trade_mode(order),
            "pm": "NONE",
            "gtd": request.expire_ns // NS_PER_MS,
        }
        if fill is not None:
            body |= {"N": fill.fee_asset, "n": plain(fill.fee)}
        return {"e": "ORDER_TRADE_UPDATE", "E": now_ms, "T": ts_ms, "o": body}

    def _trade_lite(self, event: OrderEvent, now_ms: int) -> list[dict[str, Json]]:
        fill, order = event.fill, event.order
        if fill is None:
            return []
        return [
            {
                "e": "TRADE_LITE",
                "E": now_ms,
                "T": event.ts_ns // NS_PER_MS,
                "s": order.symbol,
                "q": self.quantity(order.symbol, order.quantity),
                "p": self.price(order.symbol, order.price),
                "m": fill.maker,
                "c": order.client_id,
                "S": order.side.value,
                "L": self.price(order.symbol, fill.price),
                "l": self.quantity(order.symbol, fill.quantity),
                "t": fill.trade_id,
                "i": order.id,
            }
        ]

    def _algo_update(self, event: ConditionalEvent, now_ms: int) -> dict[str, Json]:
        conditional = event.conditional
        request = conditional.request
        finished = conditional.status is ConditionalStatus.FINISHED
        order = self._exchange.orders.get(conditional.order_id or 0) if finished else None
        body: dict[str, Json] = {
            "caid": conditional.client_id,
            "aid": conditional.id,
            "at": "CONDITIONAL",
            "o": request.label,
            "s": request.symbol,
            "S": request.side.value,
            "ps": "BOTH",
            "f": time_in_force(request),
            "q": self.quantity(request.symbol, request.quantity or ZERO),
            "X": ALGO_STATUS[conditional.status],
            "ai": str(conditional.order_id or ""),
            "ap": plain(order.average_price if order else ZERO, 5),
            "aq": self.quantity(request.symbol, order.filled if order else ZERO),
            "act": request.kind.value if conditional.order_id else "0",
            "tp": self.price(request.symbol, request.trigger.price if request.trigger else None),
            "p": self.price(request.symbol, request.price),
            "V": "NONE",
            "wt": working_type(request),
            "pm": "NONE",
            "cp": request.close_position,
            "pP": False,
            "R": request.reduce_only,
            "tt": conditional.triggered_ns // NS_PER_MS,
            "gtd": request.expire_ns // NS_PER_MS,
            "rm": conditional.reject_reason,
        }
        return {"e": "ALGO_UPDATE", "T": event.ts_ns // NS_PER_MS, "E": now_ms, "o": body}

    def _account_update(self, event: BalanceEvent, now_ms: int) -> dict[str, Json]:
        balances: list[Json] = []
        for asset, (free, locked) in event.balances.items():
            wallet = plain(free + locked)
            balances.append({"a": asset, "wb": wallet, "cw": wallet, "bc": plain(event.changes.get(asset, ZERO))})
        positions: list[Json] = [self._position_update(event.holding)] if event.holding else []
        return {
            "e": "ACCOUNT_UPDATE",
            "E": now_ms,
            "T": event.ts_ns // NS_PER_MS,
            "a": {"m": BALANCE_REASON.get(event.reason, event.reason.value), "B": balances, "P": positions},
        }

    def _position_update(self, held: Holding) -> Json:
        return {
            "s": held.symbol,
            "pa": self.quantity(held.symbol, held.quantity),
            "ep": plain(held.entry_price),
            "bep": plain(held.entry_price),
            "cr": plain(held.realized),
            "up": plain(held.unrealized),
            "mt": "cross",
            "iw": "0",
            "ps": "BOTH",
            "ma": self._exchange.instruments[held.symbol].settle,
        }


def time_in_force(request: OrderRequest) -> str:
    return "GTX" if request.post_only else request.time_in_force.value


def working_type(request: OrderRequest) -> str:
    by_mark = request.trigger is not None and request.trigger.source is PriceSource.MARK
    return "MARK_PRICE" if by_mark else "CONTRACT_PRICE"


def self_trade_mode(order: Order) -> str:
    return "NONE" if order.self_trade.value == "ALLOWED" else order.self_trade.value
