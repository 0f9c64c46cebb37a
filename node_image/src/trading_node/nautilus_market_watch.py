"""Reads connections and the age of market data from a kernel, when metrics are asked for: nothing is subscribed."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.system.kernel import NautilusKernel

from trading_node.market_prices import known_since
from trading_node.market_watch import Connection, DataAge, MarketWatch

NANOSECONDS = 1e9


class MarketReader:
    """Reads one kernel, on its event loop."""

    def __init__(self, kernel: NautilusKernel, now: Callable[[], int]) -> None:
        """Take the clock of the market data, in UTC nanoseconds."""
        self._data = kernel.data_engine
        self._execution = kernel.exec_engine
        self._cache: Cache = kernel.cache
        self._now = now

    def read(self) -> MarketWatch:
        """Return what is so now."""
        connections = [*_connections(self._data, "data"), *_connections(self._execution, "execution")]
        return MarketWatch(connections=tuple(connections), ages=tuple(self._ages()))

    def _ages(self) -> Iterator[DataAge]:
        now = self._now()
        for instrument_id in sorted(self._subscribed(), key=str):
            newest = self._newest_ns(instrument_id)
            yield DataAge(
                venue=instrument_id.venue.value,
                instrument=instrument_id.value,
                seconds=None if newest is None else max(0.0, (now - newest) / NANOSECONDS),
            )

    def _subscribed(self) -> set[InstrumentId]:
        data = self._data
        subscribed = {*data.subscribed_quote_ticks(), *data.subscribed_trade_ticks()}
        subscribed |= {*data.subscribed_order_book_deltas(), *data.subscribed_order_book_depth()}
        return subscribed | {bar_type.instrument_id for bar_type in data.subscribed_bars()}

    def _newest_ns(self, instrument_id: InstrumentId) -> int | None:
        cache = self._cache
        newest: list[Any] = [cache.quote_tick(instrument_id), cache.trade_tick(instrument_id)]
        newest += map(cache.bar, self._bar_types(instrument_id))
        times = [known_since(each) for each in newest if each is not None]
        book = cache.order_book(instrument_id)
        if book is not None and book.ts_last:
            times.append(book.ts_last)
        return max(times, default=None)

    def _bar_types(self, instrument_id: InstrumentId) -> Iterable[BarType]:
        types: Iterable[BarType] = self._cache.bar_types(instrument_id=instrument_id)
        return types


def _connections(engine: Any, kind: str) -> Iterator[Connection]:  # noqa: ANN401  # the engines share no typed surface
    for client_id in sorted(engine.registered_clients, key=str):
        client = engine._clients[client_id]  # noqa: SLF001  # the engine tells names only
        yield Connection(venue=client_id.value, kind=kind, connected=bool(client.is_connected))
