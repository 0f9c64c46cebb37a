"""OKX's WebSocket: channels, log-in, and orders over the same connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.venue.core.model import (
    BalanceEvent,
    ConditionalEvent,
    LevelChange,
    MarkChange,
    OrderEvent,
    Side,
    Trade,
)
from tests.venue.floor import Floor
from tests.venue.okx.errors import Fields, OkxError, fault_error
from tests.venue.okx.market import BARS, OkxMarket
from tests.venue.okx.render import OkxRender, plain, type_of
from tests.venue.okx.trading import Action, Call, OkxTrading
from tests.venue.protocol import Batch, Json, Message, Session, to_text

NS_PER_MS = 1_000_000
CONNECTION = "a4d3ae55"
PRIVATE = {"orders", "orders-algo", "algo-advance", "account", "positions", "fills", "balance_and_position"}
QUIET = {"instruments", "index-tickers", "funding-rate", "status", "liquidation-warning"}
BOOKS = {"books", "books5", "books-l2-tbt", "books50-l2-tbt", "bbo-tbt"}

type LogIn = Callable[[Fields, int], str]


@dataclass(slots=True)
class _Subscription:
    arg: dict[str, str]
    sent_id: int = 0
    changes: dict[tuple[Side, Decimal], Decimal] = field(default_factory=dict)

    @property
    def channel(self) -> str:
        return self.arg["channel"]

    @property
    def symbol(self) -> str:
        return self.arg.get("instId", "")


class OkxSession(Session):
    def __init__(self, floor: Floor, render: OkxRender, trading: OkxTrading, market: OkxMarket, log_in: LogIn) -> None:
        self._exchange = floor.exchange
        self._history = floor.history
        self._render = render
        self._market = market
        self._trading = trading
        self._log_in = log_in
        self._subscriptions: dict[str, _Subscription] = {}
        self._operations: dict[str, tuple[str, Action]] = {
            "order": ("order", trading.place),
            "batch-orders": ("order", trading.place),
            "cancel-order": ("cancel", trading.cancel),
            "batch-cancel-orders": ("cancel", trading.cancel),
            "amend-order": ("amend", trading.amend),
            "batch-amend-orders": ("amend", trading.amend),
        }

    # What the client says

    def operation(self, text: str) -> str:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return ""
        named = message.get("op") if isinstance(message, dict) else None
        return str(named) if named in self._operations else ""

    def receive(self, text: str, now: int) -> list[Message]:
        if text == "ping":
            return [Message("control", "pong")]
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return [self._error("60012", f"Invalid request: {text[:100]}")]
        args = message.get("args") if isinstance(message, dict) else None
        if not isinstance(args, list) or not args or not all(isinstance(arg, dict) for arg in args):
            return [self._error("60012", f"Invalid request: {text[:100]}")]
        return self._dispatch(message, args, now)

    def _dispatch(self, message: dict[str, Any], args: list[dict[str, Any]], now: int) -> list[Message]:
        operation = message.get("op")
        if operation == "login":
            return [self._on_log_in(Fields(args[0]), now)]
        if operation == "subscribe":
            return [reply for arg in args for reply in self._subscribe(arg, message.get("id"), now)]
        if operation == "unsubscribe":
            return [self._unsubscribe(arg, message.get("id")) for arg in args]
        if operation in self._operations:
            return [self._operate(str(operation), message.get("id"), args, now)]
        return [self._error("60012", f"Invalid request: unknown op {operation!r}"[:100])]

    def _error(self, code: str, message: str) -> Message:
        body: Json = {"event": "error", "code": code, "msg": message, "connId": CONNECTION}
        return Message("control", to_text(body), self.account)

    def _on_log_in(self, fields: Fields, now: int) -> Message:
        try:
            self.account = self._log_in(fields, now)
        except OkxError as error:
            return self._error(error.code, error.message)
        return Message("control", to_text({"event": "login", "code": "0", "msg": "", "connId": CONNECTION}))

    def _subscribe(self, arg: dict[str, Any], number: Any, now: int) -> list[Message]:
        clean = {str(name): str(value) for name, value in arg.items() if value is not None}
        channel = clean.get("channel", "")
        problem = self._problem(channel, clean.get("instId"))
        if problem is not None:
            return [problem]
        subscription = _Subscription(clean)
        self._subscriptions[_key(clean)] = subscription
        reply: dict[str, Json] = {"event": "subscribe", "arg": dict(clean), "connId": CONNECTION}
        if number is not None:
            reply["id"] = str(number)
        return [Message("control", to_text(reply), self.account), *self._first(subscription, now)]

    def _problem(self, channel: str, symbol: str | None) -> Message | None:
        if channel in PRIVATE:
            return None if self.account else self._error("60011", "Please log in")
        is_candle = channel.startswith("candle") and channel.removeprefix("candle") in BARS
        if channel not in BOOKS | QUIET | {"trades", "trades-all", "tickers", "mark-price"} and not is_candle:
            return self._error("60018", f"Wrong URL or channel:{channel[:40]},instId:{symbol} doesn't exist.")
        if channel not in QUIET and symbol not in self._exchange.instruments:
            return self._error("60018", f"Wrong URL or channel:{channel[:40]},instId:{symbol} doesn't exist.")
        return None

    def _unsubscribe(self, arg: dict[str, Any], number: Any) -> Message:
        clean = {str(name): str(value) for name, value in arg.items() if value is not None}
        self._subscriptions.pop(_key(clean), None)
        reply: dict[str, Json] = {"event": "unsubscribe", "arg": dict(clean), "connId": CONNECTION}
        if number is not None:
            reply["id"] = str(number)
        return Message("control", to_text(reply), self.account)

    def _operate(self, operation: str, number: Any, args: list[dict[str, Any]], now: int) -> Message:
        body: dict[str, Json] = {"id": str(number), "op": operation}
        if not self.account:
            body |= {"code": "60011", "msg": "Please log in", "data": []}
            return Message("api", to_text(body))
        name, action = self._operations[operation]
        results = [self._trading.attempt(name, action, Call(self.account, Fields(arg), now)) for arg in args[:20]]
        failed = sum(1 for _, worked in results if not worked)
        code = "0" if not failed else "1" if failed == len(results) else "2"
        body |= {"code": code, "msg": "", "data": [item for item, _ in results]}
        body |= {"inTime": str(now // 1_000), "outTime": str(now // 1_000)}
        return Message("api", to_text(body), self.account)

    def refusal(self, text: str, kind: str, message: str, now: int, *, retry_after: int) -> list[Message]:  # noqa: ARG002
        asked = json.loads(text)
        error, operation = fault_error(kind, message), str(asked["op"])
        name, _ = self._operations[operation]
        args = asked.get("args")
        calls = [Call(self.account, Fields(arg), now) for arg in args or () if isinstance(arg, dict)]
        items: list[Json] = [self._trading.failure(name, error, call) for call in calls]
        body: Json = {"id": str(asked.get("id")), "op": operation, "code": "1", "msg": "", "data": items}
        return [Message("api", to_text(body), self.account)]

    # What the venue says

    def _push(self, subscription: _Subscription, data: list[Json], action: str = "") -> Message:
        arg: dict[str, Json] = dict(subscription.arg)
        private = subscription.channel in PRIVATE
        if private:
            arg["uid"] = "1"
        body: dict[str, Json] = {"arg": arg, "action": action} if action else {"arg": arg}
        stream = "user" if private else f"{subscription.channel}:{subscription.symbol}"
        return Message(stream, to_text(body | {"data": data}), self.account if private else "")

    def _first(self, subscription: _Subscription, now: int) -> list[Message]:
        """Return what a subscription starts with: the state that later messages change."""
        match subscription.channel:
            case "account":
                return [self._push(subscription, [self._render.balance(self.account)])]
            case "positions":
                positions = self._trading.positions(Call(self.account, Fields({}), now))
                return [self._push(subscription, positions)]
            case "tickers":
                return [self._push(subscription, [self._market.day(subscription.symbol, now)])]
            case "mark-price":
                return [self._push(subscription, [self._market.mark(subscription.symbol, now)])]
            case channel if channel in BOOKS:
                return [self._snapshot(subscription, now)]
        return []

    def _snapshot(self, subscription: _Subscription, now: int) -> Message:
        depth = {"bbo-tbt": 1, "books5": 5, "books50-l2-tbt": 50}.get(subscription.channel, 400)
        book = self._market.book(subscription.symbol, depth, now)
        subscription.sent_id = self._exchange.journal.update_ids[subscription.symbol]
        subscription.changes.clear()
        if depth <= 5:
            return self._push(subscription, [book])
        return self._push(subscription, [book | {"prevSeqId": -1, "checksum": 0}], "snapshot")

    def _update(self, subscription: _Subscription, now: int) -> Message:
        sides: dict[str, Json] = {
            name: [[plain(p), plain(q), "0", "1"] for (s, p), q in subscription.changes.items() if s is side]
            for name, side in (("asks", Side.SELL), ("bids", Side.BUY))
        }
        final = self._exchange.journal.update_ids[subscription.symbol]
        body: dict[str, Json] = {**sides, "ts": str(now // NS_PER_MS), "checksum": 0}
        body |= {"prevSeqId": subscription.sent_id, "seqId": final}
        subscription.sent_id = final
        subscription.changes.clear()
        return self._push(subscription, [body], "update")

    def feed(self, batch: Batch, now: int) -> list[Message]:
        out: list[Message] = []
        for subscription in self._subscriptions.values():
            if subscription.channel in PRIVATE:
                out += self._feed_private(subscription, batch)
            else:
                out += self._feed_public(subscription, batch, now)
        return out

    def _feed_private(self, subscription: _Subscription, batch: Batch) -> list[Message]:
        mine = [event for event in batch.account_events if event.account == self.account]
        data: list[Json] = []
        match subscription.channel:
            case "orders":
                data = [
                    self._render.order_event(event)
                    for event in mine
                    if isinstance(event, OrderEvent)
                    and self._wanted(subscription, event.order.symbol)
                    and not self._render.is_stillborn(event)
                ]
            case "orders-algo":
                data = [
                    self._render.algo(event.conditional)
                    for event in mine
                    if isinstance(event, ConditionalEvent) and self._wanted(subscription, event.conditional.symbol)
                ]
            case "fills":
                data = [self._render.fill(e.fill) for e in mine if isinstance(e, OrderEvent) and e.fill is not None]
            case "account" if any(isinstance(event, BalanceEvent) for event in mine):
                data = [self._render.balance(self.account)]
            case "positions":
                symbols = {e.holding.symbol for e in mine if isinstance(e, BalanceEvent) and e.holding is not None}
                instruments = self._exchange.instruments
                data = [self._render.position(self.account, instruments[symbol]) for symbol in sorted(symbols)]
        # One message for each event of an order: this is how OKX pushes them.
        single = subscription.channel in ("orders", "orders-algo", "fills")
        chunks = [[item] for item in data] if single else [data] if data else []
        return [self._push(subscription, chunk) for chunk in chunks]

    def _wanted(self, subscription: _Subscription, symbol: str) -> bool:
        kind = subscription.arg.get("instType", "ANY")
        right_type = kind in ("ANY", type_of(self._exchange.instruments[symbol]))
        return right_type and subscription.symbol in ("", symbol)

    def _feed_public(self, subscription: _Subscription, batch: Batch, now: int) -> list[Message]:
        mine = [event for event in batch.market_events if event.symbol == subscription.symbol]
        levels = [event for event in mine if isinstance(event, LevelChange)]
        trades = [event for event in mine if isinstance(event, Trade)]
        marked = any(isinstance(event, MarkChange) for event in mine)
        data: list[Json] = []
        match subscription.channel:
            case "trades" | "trades-all":
                return [self._push(subscription, [self._market.trade(t) | {"count": "1"}]) for t in trades]
            case "mark-price" if marked:
                data = [self._market.mark(subscription.symbol, now)]
            case "tickers" if trades or levels:
                data = [self._market.day(subscription.symbol, now)]
            case channel if channel in BOOKS and levels:
                return [self._book(subscription, levels, now)]
            case channel if channel.startswith("candle") and trades:
                data = self._candle(subscription, now)
        return [self._push(subscription, data)] if data else []

    def _book(self, subscription: _Subscription, levels: list[LevelChange], now: int) -> Message:
        if subscription.channel in ("bbo-tbt", "books5"):
            return self._snapshot(subscription, now)
        for event in levels:
            subscription.changes[event.side, event.price] = event.quantity
        return self._update(subscription, now)

    def _candle(self, subscription: _Subscription, now: int) -> list[Json]:
        bar = subscription.channel.removeprefix("candle")
        candle = self._history.last_candle(subscription.symbol, BARS[bar], now // NS_PER_MS)
        if candle is None:
            return []
        return [self._market.candle(subscription.symbol, candle, bar, now)]

    def tick(self, now: int) -> list[Message]:  # noqa: ARG002
        return []


def _key(arg: dict[str, str]) -> str:
    return to_text(dict(sorted(arg.items())))
