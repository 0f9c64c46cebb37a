"""Public market data of both APIs over REST."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.binance.errors import BinanceError
from tests.venue.binance.room import NS_PER_MS, BinanceRoom, Call, Route
from tests.venue.core.model import Side, Trade
from tests.venue.history import INTERVALS_MS, Candle
from tests.venue.protocol import Json

DAY_MS = 86_400_000


class MarketData:
    """Handlers for one room; `spot` says which of the two dialects."""

    def __init__(self, room: BinanceRoom, *, spot: bool) -> None:
        self._room = room
        self._spot = spot
        self._exchange = room.exchange
        self._history = room.floor.history

    def routes(self, base: str) -> dict[tuple[str, str], Route]:
        handlers = {
            "ping": self.ping,
            "time": self.time,
            "depth": self.depth,
            "trades": self.trades,
            "historicalTrades": self.trades,
            "aggTrades": self.agg_trades,
            "klines": self.klines,
            "ticker/price": self.ticker_price,
            "ticker/bookTicker": self.book_ticker,
            "ticker/24hr": self.ticker_24h,
        }
        return {("GET", base + name): Route(handler) for name, handler in handlers.items()}

    def ping(self, _call: Call) -> Json:
        return {}

    def time(self, call: Call) -> Json:
        return {"serverTime": call.now_ms}

    def symbol(self, call: Call) -> str:
        return self._exchange.instrument(call.params.required("symbol")).symbol

    def depth(self, call: Call) -> Json:
        symbol, limit = self.symbol(call), call.params.limit(500, 5_000)
        body: dict[str, Json] = {"lastUpdateId": self._exchange.journal.update_ids[symbol]}
        if not self._spot:
            body |= {"E": call.now_ms, "T": call.now_ms}
        return body | self.levels(symbol, limit)

    def levels(self, symbol: str, limit: int | None) -> dict[str, Json]:
        book, room = self._exchange.books[symbol], self._room
        return {
            name: [[room.format_price(symbol, p), room.format_quantity(symbol, q)] for p, q in book.levels(side, limit)]
            for name, side in (("bids", Side.BUY), ("asks", Side.SELL))
        }

    def trades(self, call: Call) -> Json:
        symbol = self.symbol(call)
        return [self._trade(trade) for trade in self._history.trades(symbol, call.params.limit(500, 1_000))]

    def _trade(self, trade: Trade) -> Json:
        quote = trade.price * trade.quantity
        body: dict[str, Json] = {
            "id": trade.id,
            "price": self._room.format_price(trade.symbol, trade.price),
            "qty": self._room.format_quantity(trade.symbol, trade.quantity),
            "quoteQty": f"{quote:.8f}",
            "time": trade.ts_ns // NS_PER_MS,
            "isBuyerMaker": trade.buyer_is_maker,
        }
        return body | {"isBestMatch": True} if self._spot else body

    def agg_trades(self, call: Call) -> Json:
        symbol = self.symbol(call)
        return [
            {
                "a": trade.id,
                "p": self._room.format_price(symbol, trade.price),
                "q": self._room.format_quantity(symbol, trade.quantity),
                "f": trade.id,
                "l": trade.id,
                "T": trade.ts_ns // NS_PER_MS,
                "m": trade.buyer_is_maker,
            }
            for trade in self._history.trades(symbol, call.params.limit(500, 1_000))
        ]

    def klines(self, call: Call) -> Json:
        symbol = self.symbol(call)
        interval = call.params.required("interval")
        if interval not in INTERVALS_MS:
            raise BinanceError(-1120, "Invalid interval.")
        start = call.params.integer("startTime") or 0
        end = call.params.integer("endTime")
        candles = [
            candle
            for candle in self._history.candles(symbol, interval)
            if candle.open_ms >= start and (end is None or candle.open_ms <= end)
        ]
        limit = call.params.limit(500, 1_500)
        chosen = candles[:limit] if start else candles[-limit:]
        return [self._kline(symbol, candle, interval) for candle in chosen]

    def _kline(self, symbol: str, candle: Candle, interval: str) -> Json:
        price, quantity = self._room.format_price, self._room.format_quantity
        return [
            candle.open_ms,
            price(symbol, candle.open),
            price(symbol, candle.high),
            price(symbol, candle.low),
            price(symbol, candle.close),
            quantity(symbol, candle.volume),
            candle.open_ms + INTERVALS_MS[interval] - 1,
            f"{candle.quote_volume:.8f}",
            candle.trades,
            quantity(symbol, candle.buy_volume),
            f"{candle.buy_quote_volume:.8f}",
            "0",
        ]

    def _symbols(self, call: Call) -> list[str]:
        return [self.symbol(call)] if "symbol" in call.params else list(self._exchange.instruments)

    def _one_or_all(self, call: Call, items: list[Json]) -> Json:
        return items[0] if "symbol" in call.params else items

    def ticker_price(self, call: Call) -> Json:
        items: list[Json] = []
        for symbol in self._symbols(call):
            price = self._exchange.funds.last.get(symbol, Decimal(0))
            body: dict[str, Json] = {"symbol": symbol, "price": self._room.format_price(symbol, price)}
            items.append(body if self._spot else body | {"time": call.now_ms})
        return self._one_or_all(call, items)

    def book_ticker(self, call: Call) -> Json:
        items: list[Json] = []
        for symbol in self._symbols(call):
            body: dict[str, Json] = {"symbol": symbol, **self.best(symbol)}
            items.append(body if self._spot else body | {"time": call.now_ms})
        return self._one_or_all(call, items)

    def best(self, symbol: str) -> dict[str, Json]:
        """Return best bid and ask with their quantities, zeros for an empty side."""
        body: dict[str, Json] = {}
        for name, side in (("bid", Side.BUY), ("ask", Side.SELL)):
            levels = self._exchange.books[symbol].levels(side, 1)
            price, quantity = levels[0] if levels else (Decimal(0), Decimal(0))
            body[f"{name}Price"] = self._room.format_price(symbol, price)
            body[f"{name}Qty"] = self._room.format_quantity(symbol, quantity)
        return body

    def ticker_24h(self, call: Call) -> Json:
        return self._one_or_all(call, [self.day(symbol, call.now_ms) for symbol in self._symbols(call)])

    def day(self, symbol: str, now_ms: int) -> Json:
        trades = [t for t in self._history.trades(symbol, 5_000) if t.ts_ns // NS_PER_MS > now_ms - DAY_MS]
        prices = [trade.price for trade in trades] or [self._exchange.funds.mark(symbol)]
        volume = sum((trade.quantity for trade in trades), Decimal(0))
        quote = sum((trade.price * trade.quantity for trade in trades), Decimal(0))
        change = prices[-1] - prices[0]
        price = self._room.format_price
        body: dict[str, Json] = {
            "symbol": symbol,
            "priceChange": f"{change:f}",
            "priceChangePercent": f"{change / prices[0] * 100 if prices[0] else 0:.3f}",
            "weightedAvgPrice": price(symbol, quote / volume if volume else Decimal(0)),
            "lastPrice": price(symbol, prices[-1]),
            "lastQty": self._room.format_quantity(symbol, trades[-1].quantity if trades else Decimal(0)),
            "openPrice": price(symbol, prices[0]),
            "highPrice": price(symbol, max(prices)),
            "lowPrice": price(symbol, min(prices)),
            "volume": self._room.format_quantity(symbol, volume),
            "quoteVolume": f"{quote:.8f}",
            "openTime": now_ms - DAY_MS,
            "closeTime": now_ms,
            "firstId": trades[0].id if trades else -1,
            "lastId": trades[-1].id if trades else -1,
            "count": len(trades),
        }
        return body | {"prevClosePrice": price(symbol, prices[0])} | self.best(symbol) if self._spot else body
