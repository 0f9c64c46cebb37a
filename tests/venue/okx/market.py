"""OKX's public data over REST, and the pieces that its channels push."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.binance.room import NS_PER_MS
from tests.venue.core.model import Instrument, Side, Trade
from tests.venue.floor import Floor
from tests.venue.history import INTERVALS_MS, Candle
from tests.venue.okx.errors import Fields, OkxError
from tests.venue.okx.render import OkxRender, plain, type_of
from tests.venue.okx.trading import TYPES, Call
from tests.venue.protocol import Json

BARS = {
    "1s": "1s", "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1H": "1h", "2H": "2h", "4H": "4h",
    "6H": "6h", "6Hutc": "6h", "12H": "12h", "12Hutc": "12h", "1D": "1d", "1Dutc": "1d", "1W": "1w", "1Wutc": "1w",
}  # fmt: skip
DAY_NS = 86_400_000_000_000


class OkxMarket:
    def __init__(self, floor: Floor, render: OkxRender) -> None:
        self._exchange = floor.exchange
        self._history = floor.history
        self._render = render

    def _symbol(self, fields: Fields) -> str:
        return self._exchange.instrument(fields.required("instId")).symbol

    def time(self, call: Call) -> list[Json]:
        return [{"ts": str(call.now // NS_PER_MS)}]

    def _chosen(self, call: Call) -> list[Instrument]:
        kind, symbol = call.fields.choice("instType", TYPES), call.fields.text("instId")
        family = call.fields.text("instFamily") or call.fields.text("uly")
        found = [
            i
            for i in self._exchange.instruments.values()
            if type_of(i) == kind and symbol in (None, i.symbol) and family in (None, f"{i.base}-{i.quote}")
        ]
        if symbol is not None and not found:
            raise OkxError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
        return found

    def instruments(self, call: Call) -> list[Json]:
        return [self._render.instrument(instrument) for instrument in self._chosen(call)]

    def books(self, call: Call) -> list[Json]:
        return [self.book(self._symbol(call.fields), call.fields.integer("sz") or 1, call.now)]

    def book(self, symbol: str, depth: int, now: int) -> dict[str, Json]:
        book = self._exchange.books[symbol]
        return {
            "asks": [[plain(p), plain(q), "0", "1"] for p, q in book.levels(Side.SELL, min(depth, 400))],
            "bids": [[plain(p), plain(q), "0", "1"] for p, q in book.levels(Side.BUY, min(depth, 400))],
            "ts": str(now // NS_PER_MS),
            "seqId": self._exchange.journal.update_ids[symbol],
        }

    def trades(self, call: Call) -> list[Json]:
        limit = min(call.fields.integer("limit") or 100, 500)
        found = self._history.trades(self._symbol(call.fields), limit)
        return [self.trade(trade) for trade in reversed(found)]

    def trade(self, trade: Trade) -> dict[str, Json]:
        return {
            "instId": trade.symbol,
            "tradeId": str(trade.id),
            "px": plain(trade.price),
            "sz": plain(trade.quantity),
            "side": "sell" if trade.buyer_is_maker else "buy",
            "ts": str(trade.ts_ns // NS_PER_MS),
        }

    def candles(self, call: Call) -> list[Json]:
        bar = call.fields.text("bar") or "1m"
        if bar not in BARS:
            raise OkxError("51000", "Parameter bar error")
        symbol = self._symbol(call.fields)
        after, before, limit = (call.fields.integer(name) for name in ("after", "before", "limit"))
        found = [
            candle
            for candle in reversed(self._history.candles(symbol, BARS[bar]))
            if (after is None or candle.open_ms < after) and (before is None or candle.open_ms > before)
        ]
        return [self.candle(symbol, candle, bar, call.now) for candle in found[: min(limit or 100, 300)]]

    def candle(self, symbol: str, candle: Candle, bar: str, now: int) -> list[Json]:
        done = candle.open_ms + INTERVALS_MS[BARS[bar]] <= now // NS_PER_MS
        multiplier = self._exchange.instruments[symbol].multiplier
        amounts = (candle.volume, candle.volume * multiplier, candle.quote_volume * multiplier)
        prices = (candle.open, candle.high, candle.low, candle.close)
        return [str(candle.open_ms), *map(plain, prices), *map(plain, amounts), "1" if done else "0"]

    def ticker(self, call: Call) -> list[Json]:
        return [self.day(self._symbol(call.fields), call.now)]

    def tickers(self, call: Call) -> list[Json]:
        return [self.day(instrument.symbol, call.now) for instrument in self._chosen(call)]

    def day(self, symbol: str, now: int) -> dict[str, Json]:
        instrument = self._exchange.instruments[symbol]
        trades = [trade for trade in self._history.trades(symbol, 5_000) if trade.ts_ns > now - DAY_NS]
        prices = [trade.price for trade in trades] or [self._exchange.funds.mark(symbol)]
        volume = sum((trade.quantity for trade in trades), Decimal(0))
        quote = sum((instrument.notional(trade.quantity, trade.price) for trade in trades), Decimal(0))
        sides: dict[str, list[str]] = {}
        for name, side in (("ask", Side.SELL), ("bid", Side.BUY)):
            levels = self._exchange.books[symbol].levels(side, 1)
            sides[name] = [plain(levels[0][0]), plain(levels[0][1])] if levels else ["", ""]
        return {
            "instType": type_of(instrument),
            "instId": symbol,
            "last": plain(prices[-1]),
            "lastSz": plain(trades[-1].quantity) if trades else "0",
            "askPx": sides["ask"][0],
            "askSz": sides["ask"][1],
            "bidPx": sides["bid"][0],
            "bidSz": sides["bid"][1],
            "open24h": plain(prices[0]),
            "high24h": plain(max(prices)),
            "low24h": plain(min(prices)),
            "volCcy24h": plain(quote),
            "vol24h": plain(volume),
            "sodUtc0": plain(prices[0]),
            "sodUtc8": plain(prices[0]),
            "ts": str(now // NS_PER_MS),
        }

    def mark_prices(self, call: Call) -> list[Json]:
        return [self.mark(instrument.symbol, call.now) for instrument in self._chosen(call)]

    def mark(self, symbol: str, now: int) -> dict[str, Json]:
        kind = type_of(self._exchange.instruments[symbol])
        mark = plain(self._exchange.funds.mark(symbol))
        return {"instType": kind, "instId": symbol, "markPx": mark, "ts": str(now // NS_PER_MS)}
