"""What the market did: recent trades and candles of one minute, from which the longer ones are made."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.venue.core.model import ZERO, MarketEvent, Trade

NS_PER_MS = 1_000_000
MINUTE_MS = 60_000
INTERVALS_MS = {
    "1s": 1_000,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "6h": 360 * MINUTE_MS,
    "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": 1440 * MINUTE_MS,
    "3d": 3 * 1440 * MINUTE_MS,
    "1w": 7 * 1440 * MINUTE_MS,
}


@dataclass(slots=True)
class Candle:
    """Open time in UTC milliseconds; volumes in base (and quote for `quote_volume`)."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    buy_volume: Decimal = ZERO
    buy_quote_volume: Decimal = ZERO
    trades: int = 0
    first_id: int = -1
    last_id: int = -1

    def add(self, trade: Trade) -> None:
        quote = trade.price * trade.quantity
        self.high, self.low = max(self.high, trade.price), min(self.low, trade.price)
        self.close = trade.price
        self.volume += trade.quantity
        self.quote_volume += quote
        if not trade.buyer_is_maker:
            self.buy_volume += trade.quantity
            self.buy_quote_volume += quote
        self.trades += 1
        self.first_id = trade.id if self.first_id < 0 else self.first_id
        self.last_id = trade.id


class History:
    """Bounded: the last trades and the last candles of each symbol."""

    def __init__(self, keep_trades: int = 5_000, keep_candles: int = 1_500) -> None:
        self._trades: dict[str, deque[Trade]] = defaultdict(lambda: deque(maxlen=keep_trades))
        self._candles: dict[tuple[str, str], deque[Candle]] = defaultdict(lambda: deque(maxlen=keep_candles))

    def record(self, events: Sequence[MarketEvent]) -> None:
        for event in events:
            if isinstance(event, Trade):
                self._trades[event.symbol].append(event)
                for interval in ("1s", "1m"):
                    self._add(event, interval)

    def _add(self, trade: Trade, interval: str) -> None:
        step = INTERVALS_MS[interval]
        open_ms = trade.ts_ns // NS_PER_MS // step * step
        candles = self._candles[trade.symbol, interval]
        if not candles or candles[-1].open_ms < open_ms:
            candles.append(Candle(open_ms, trade.price, trade.price, trade.price, trade.price))
        candles[-1].add(trade)

    def trades(self, symbol: str, limit: int = 500) -> list[Trade]:
        """Return the latest trades, oldest first."""
        known = self._trades.get(symbol, deque())
        return list(known)[-limit:]

    def candles(self, symbol: str, interval: str) -> list[Candle]:
        """Return candles that saw a trade, oldest first; an unknown interval is a KeyError."""
        step = INTERVALS_MS[interval]
        if interval in ("1s", "1m"):
            return list(self._candles.get((symbol, interval), ()))
        merged: list[Candle] = []
        for minute in self._candles.get((symbol, "1m"), ()):
            open_ms = minute.open_ms // step * step
            if not merged or merged[-1].open_ms != open_ms:
                merged.append(Candle(open_ms, minute.open, minute.high, minute.low, minute.close))
            _merge(merged[-1], minute)
        return merged

    def last_candle(self, symbol: str, interval: str, at_ms: int) -> Candle | None:
        """Return the candle that contains `at_ms`: a flat one at the last price when nothing traded in it."""
        candles = self.candles(symbol, interval)
        step = INTERVALS_MS[interval]
        open_ms = at_ms // step * step
        past = [candle for candle in candles if candle.open_ms <= open_ms]
        if not past:
            return None
        if past[-1].open_ms == open_ms:
            return past[-1]
        price = past[-1].close
        return Candle(open_ms, price, price, price, price)


def _merge(into: Candle, part: Candle) -> None:
    into.high, into.low, into.close = max(into.high, part.high), min(into.low, part.low), part.close
    into.volume += part.volume
    into.quote_volume += part.quote_volume
    into.buy_volume += part.buy_volume
    into.buy_quote_volume += part.buy_quote_volume
    into.trades += part.trades
    into.first_id = part.first_id if into.first_id < 0 else into.first_id
    into.last_id = part.last_id
