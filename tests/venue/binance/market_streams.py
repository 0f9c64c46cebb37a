"""The public WebSocket streams of both APIs: subscriptions, and the messages they get."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from tests.venue.binance.market_data import MarketData
from tests.venue.binance.room import NS_PER_MS, BinanceRoom
from tests.venue.core.model import LevelChange, Side, Trade
from tests.venue.history import INTERVALS_MS, Candle
from tests.venue.protocol import Batch, Json

_DEPTH = re.compile(r"depth(?P<levels>5|10|20)?(@(?P<speed>\d+)ms)?")
_FUNDING_MS = 8 * 3_600_000


@dataclass(slots=True)
class _Depth:
    """A diff or partial book stream: what changed since it last spoke."""

    symbol: str
    levels: int | None
    every_ms: int
    last_id: int
    first_id: int = 0
    due_ms: int = 0
    changes: dict[tuple[Side, Decimal], Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class _Timed:
    """A stream that speaks by the clock."""

    symbol: str
    every_ms: int
    due_ms: int = 0


class MarketStreams:
    """The market side of one connection; a session owns one and wraps its messages."""

    def __init__(self, room: BinanceRoom, data: MarketData, *, spot: bool) -> None:
        self._room = room
        self._data = data
        self._spot = spot
        self._exchange = room.exchange
        self._plain: dict[str, tuple[str, str]] = {}
        self._depths: dict[str, _Depth] = {}
        self._timed: dict[str, _Timed] = {}
        self._klines: dict[str, tuple[str, str, int]] = {}

    @property
    def names(self) -> list[str]:
        return [*self._plain, *self._depths, *self._timed, *self._klines]

    def subscribe(self, name: str, now: int) -> bool:
        """Start a stream; False when there is no such stream."""
        symbol, _, kind = name.partition("@")
        symbol = symbol.upper()
        if symbol not in self._exchange.instruments:
            return False
        if kind in ("trade", "aggTrade", "bookTicker"):
            self._plain[name] = (symbol, kind)
        elif kind.startswith("kline_") and kind.removeprefix("kline_") in INTERVALS_MS:
            interval = kind.removeprefix("kline_")
            self._klines[name] = (symbol, interval, self._open_ms(interval, now))
        elif kind in ("ticker", "miniTicker"):
            self._timed[name] = _Timed(symbol, 1_000)
        elif kind.startswith("markPrice") and not self._spot:
            self._timed[name] = _Timed(symbol, 1_000 if kind == "markPrice@1s" else 3_000)
        elif match := _DEPTH.fullmatch(kind):
            levels = int(match["levels"]) if match["levels"] else None
            every = int(match["speed"]) if match["speed"] else (1_000 if self._spot else 250)
            self._depths[name] = _Depth(symbol, levels, every, self._exchange.journal.update_ids[symbol])
        else:
            return False
        return True

    def unsubscribe(self, name: str) -> None:
        for kind in (self._plain, self._depths, self._timed, self._klines):
            kind.pop(name, None)

    def feed(self, batch: Batch, now: int) -> Iterable[tuple[str, Json]]:
        """Yield stream names and payloads for what just happened."""
        touched: set[str] = set()
        for event in batch.market_events:
            if isinstance(event, Trade):
                yield from self._trade(event, now)
            elif isinstance(event, LevelChange):
                touched.add(event.symbol)
                for depth in self._depths.values():
                    if depth.symbol == event.symbol:
                        depth.first_id = depth.first_id or event.update_id
                        depth.changes[event.side, event.price] = event.quantity
        for name, (symbol, kind) in self._plain.items():
            if kind == "bookTicker" and symbol in touched:
                yield name, self._book_ticker(symbol, now)
        for name, depth in self._depths.items():
            if depth.every_ms == 0 and depth.changes:
                yield name, self._flush(depth, now)

    def tick(self, now: int) -> Iterable[tuple[str, Json]]:
        """Yield what is due by time."""
        now_ms = now // NS_PER_MS
        for name, depth in self._depths.items():
            if depth.changes and now_ms >= depth.due_ms:
                depth.due_ms = now_ms + depth.every_ms
                yield name, self._flush(depth, now)
        for name, timed in self._timed.items():
            if now_ms >= timed.due_ms:
                timed.due_ms = now_ms + timed.every_ms
                mark = "@markPrice" in name
                yield name, self._mark_price(timed.symbol, now_ms) if mark else self._ticker(timed.symbol, name, now_ms)
        for name, (symbol, interval, open_ms) in list(self._klines.items()):
            current = self._open_ms(interval, now)
            if current > open_ms:
                self._klines[name] = (symbol, interval, current)
                candle = self._room.floor.history.last_candle(symbol, interval, open_ms)
                if candle is not None:
                    yield name, self._kline(symbol, interval, candle, now_ms, closed=True)

    def _open_ms(self, interval: str, now: int) -> int:
        step = INTERVALS_MS[interval]
        return now // NS_PER_MS // step * step

    def _trade(self, trade: Trade, now: int) -> Iterable[tuple[str, Json]]:
        now_ms, symbol = now // NS_PER_MS, trade.symbol
        price = self._room.format_price(symbol, trade.price)
        quantity = self._room.format_quantity(symbol, trade.quantity)
        for name, (wanted, kind) in self._plain.items():
            if wanted != symbol or kind == "bookTicker":
                continue
            body: dict[str, Json] = {"e": kind, "E": now_ms, "s": symbol, "p": price, "q": quantity}
            body |= {"T": trade.ts_ns // NS_PER_MS, "m": trade.buyer_is_maker}
            if kind == "aggTrade":
                body |= {"a": trade.id, "f": trade.id, "l": trade.id}
            else:
                body |= {"t": trade.id, "X": "MARKET"}
            yield name, body
        for name, (wanted, interval, _) in self._klines.items():
            if wanted == symbol:
                candle = self._room.floor.history.last_candle(symbol, interval, trade.ts_ns // NS_PER_MS)
                if candle is not None:
                    yield name, self._kline(symbol, interval, candle, now_ms, closed=False)

    def _book_ticker(self, symbol: str, now: int) -> Json:
        best = self._data.best(symbol)
        body: dict[str, Json] = {
            "u": self._exchange.journal.update_ids[symbol],
            "s": symbol,
            "b": best["bidPrice"],
            "B": best["bidQty"],
            "a": best["askPrice"],
            "A": best["askQty"],
        }
        return body if self._spot else {"e": "bookTicker", "E": now // NS_PER_MS, "T": now // NS_PER_MS} | body

    def _flush(self, depth: _Depth, now: int) -> Json:
        symbol, now_ms = depth.symbol, now // NS_PER_MS
        final = self._exchange.journal.update_ids[symbol]
        sides: dict[str, Json]
        if depth.levels is not None:
            levels = self._data.levels(symbol, depth.levels)
            if self._spot:
                depth.changes.clear()
                return {"lastUpdateId": final} | levels
            sides = {"b": levels["bids"], "a": levels["asks"]}
        else:
            sides = {
                name: [
                    [self._room.format_price(symbol, price), self._room.format_quantity(symbol, quantity)]
                    for (side, price), quantity in depth.changes.items()
                    if side is wanted
                ]
                for name, wanted in (("b", Side.BUY), ("a", Side.SELL))
            }
        body: dict[str, Json] = {"e": "depthUpdate", "E": now_ms, "s": symbol, "U": depth.first_id, "u": final}
        if not self._spot:
            body |= {"T": now_ms, "pu": depth.last_id}
        depth.last_id, depth.first_id = final, 0
        depth.changes.clear()
        return body | sides

    def _mark_price(self, symbol: str, now_ms: int) -> Json:
        mark = f"{self._exchange.funds.mark(symbol):.8f}"
        return {
            "e": "markPriceUpdate",
            "E": now_ms,
            "s": symbol,
            "p": mark,
            "i": mark,
            "P": mark,
            "r": "0.00010000",
            "T": (now_ms // _FUNDING_MS + 1) * _FUNDING_MS,
        }

    def _ticker(self, symbol: str, name: str, now_ms: int) -> Json:
        day = self._data.day(symbol, now_ms)
        assert isinstance(day, dict)
        body: dict[str, Json] = {
            "E": now_ms,
            "s": symbol,
            "c": day["lastPrice"],
            "o": day["openPrice"],
            "h": day["highPrice"],
            "l": day["lowPrice"],
            "v": day["volume"],
            "q": day["quoteVolume"],
        }
        if "@miniTicker" in name:
            return {"e": "24hrMiniTicker"} | body
        body |= {"e": "24hrTicker", "p": day["priceChange"], "P": day["priceChangePercent"]}
        body |= {"w": day["weightedAvgPrice"], "Q": day["lastQty"], "O": day["openTime"], "C": day["closeTime"]}
        body |= {"F": day["firstId"], "L": day["lastId"], "n": day["count"]}
        if self._spot:
            best = self._data.best(symbol)
            body |= {"x": day["openPrice"], "b": best["bidPrice"], "B": best["bidQty"]}
            body |= {"a": best["askPrice"], "A": best["askQty"]}
        return body

    def _kline(self, symbol: str, interval: str, candle: Candle, now_ms: int, *, closed: bool) -> Json:
        price, quantity = self._room.format_price, self._room.format_quantity
        body: dict[str, Json] = {
            "t": candle.open_ms,
            "T": candle.open_ms + INTERVALS_MS[interval] - 1,
            "s": symbol,
            "i": interval,
            "f": candle.first_id,
            "L": candle.last_id,
            "o": price(symbol, candle.open),
            "c": price(symbol, candle.close),
            "h": price(symbol, candle.high),
            "l": price(symbol, candle.low),
            "v": quantity(symbol, candle.volume),
            "n": candle.trades,
            "x": closed,
            "q": f"{candle.quote_volume:.8f}",
            "V": quantity(symbol, candle.buy_volume),
            "Q": f"{candle.buy_quote_volume:.8f}",
            "B": "0",
        }
        return {"e": "kline", "E": now_ms, "s": symbol, "k": body}
