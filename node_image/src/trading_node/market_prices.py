"""Newest prices of an instrument, as Nautilus' cache has them, asked for when an order needs them.

Nothing is subscribed: an order costs a look-up, market data costs nothing. A price is as old as the venue says, not
as its arrival: what waited in a socket while the process or the network stood still is not new.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price

from trading_node.risk.book import GateBook
from trading_node.risk.holdings import Market

CONVERSIONS_KEPT = 4_096


class Decimals:
    """Decimals of Nautilus' fixed-point values, which repeat: converting one costs more than finding it."""

    def __init__(self) -> None:
        self.known: dict[int, Decimal] = {}
        """By the raw value; who finds one here needs no call."""

    def of(self, value: Price) -> Decimal:
        """Return the decimal of a price or a quantity."""
        raw = value.raw
        known = self.known.get(raw)
        if known is None:
            if len(self.known) >= CONVERSIONS_KEPT:
                self.known.clear()
            known = self.known[raw] = value.as_decimal()
        return known


def known_since(price: Any) -> int:  # noqa: ANN401  # a quote, a trade or a bar
    """Return when a price was made, in UTC nanoseconds; when it came, where the venue's clock is ahead or says nothing.

    A venue's clock that is behind makes prices look older by as much.
    """
    made_ns, came_ns = int(price.ts_event), int(price.ts_init)
    return made_ns if 0 < made_ns < came_ns else came_ns


class MarketPrices:
    """Brings prices from the cache into the gate's book."""

    def __init__(self, cache: Cache, book: GateBook, decimals: Decimals) -> None:
        self._cache = cache
        self._book = book
        self._decimal: Callable[[Price], Decimal] = decimals.of

    def refresh(self, market: Market, instrument_id: InstrumentId) -> None:
        """Bring the newest price of a market: its quote, else its book, else its last trade, else its last bar."""
        quote = self._cache.quote_tick(instrument_id)
        if quote is None:
            self._refresh_without_quotes(market, instrument_id)
        elif quote is not market.source:
            market.source = quote
            seen_ns = known_since(quote)
            self._book.set_quote(market, self._decimal(quote.bid_price), self._decimal(quote.ask_price), seen_ns)

    def _refresh_without_quotes(self, market: Market, instrument_id: InstrumentId) -> None:
        book = self._cache.order_book(instrument_id)
        if book is not None and book.best_bid_price() is not None and book.best_ask_price() is not None:
            bid, ask = self._decimal(book.best_bid_price()), self._decimal(book.best_ask_price())
            self._book.set_quote(market, bid, ask, book.ts_last)
            return
        trade = self._cache.trade_tick(instrument_id)
        if trade is not None:
            if trade is not market.source:
                market.source = trade
                self._book.set_prices(market, None, None, self._decimal(trade.price), known_since(trade))
            return
        bar = self._newest_bar(instrument_id)
        if bar is not None:
            self._book.set_prices(market, None, None, self._decimal(bar.close), known_since(bar))

    def _newest_bar(self, instrument_id: InstrumentId) -> Bar | None:
        bars = [self._cache.bar(bar_type) for bar_type in self._cache.bar_types(instrument_id=instrument_id)]
        return max((bar for bar in bars if bar is not None), key=lambda bar: bar.ts_init, default=None)
