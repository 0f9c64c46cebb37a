"""The Replay adapter: a live data client whose market data comes from a catalog."""

import asyncio
import logging
from typing import Any, override

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import LiveDataClientConfig
from nautilus_trader.data import messages
from nautilus_trader.live.data_client import LiveMarketDataClient
from nautilus_trader.live.factories import LiveDataClientFactory
from nautilus_trader.model.data import (
    Bar,
    FundingRateUpdate,
    IndexPriceUpdate,
    InstrumentClose,
    InstrumentStatus,
    MarkPriceUpdate,
    OrderBookDelta,
    OrderBookDepth10,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.identifiers import ClientId, Venue
from nautilus_trader.model.instruments import Instrument

from trading_node.catalog.reader import DataFile, OpenCatalog
from trading_node.errors import catalog_unreadable
from trading_node.venues.replay_feed import ReplayFeed

_log = logging.getLogger(__name__)


class ReplayDataClient(LiveMarketDataClient):  # type: ignore[misc]
    """Publishes a venue's instruments when it connects, and tells the feed what is subscribed.

    There is no past before a replay's first event: requests for it are answered with nothing.
    """

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        venue: str,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
        catalog: OpenCatalog,
        feed: ReplayFeed,
    ) -> None:
        super().__init__(
            loop=loop,
            client_id=ClientId(venue),
            venue=Venue(venue),
            msgbus=msgbus,
            cache=cache,
            clock=clock,
            instrument_provider=InstrumentProvider(),
        )
        self._catalog = catalog
        self._feed = feed
        self._wanted: set[tuple[type, str]] = set()
        feed.add(self)

    def wanted(self) -> tuple[DataFile, ...]:
        """Return the files that hold what is subscribed now."""
        return tuple(file for key in self._in_order() for file in self._catalog.find(*key))

    def missing(self) -> list[str]:
        """Return what is subscribed and not in the catalog, for a person."""
        return [f"{kind.__name__} of {name}" for kind, name in self._in_order() if not self._catalog.find(kind, name)]

    def describe(self) -> str:
        """Say what the catalog holds."""
        return self._catalog.describe()

    def _in_order(self) -> list[tuple[type, str]]:
        return sorted(self._wanted, key=lambda key: (key[0].__name__, key[1]))

    def _want(self, data_type: type, identifier: object) -> None:
        self._wanted.add((data_type, str(identifier)))
        self._feed.subscriptions_changed()

    def _unwant(self, data_type: type, identifier: object) -> None:
        self._wanted.discard((data_type, str(identifier)))
        self._feed.subscriptions_changed()

    @override
    async def _connect(self) -> None:
        for instrument in venue_instruments(self._catalog, self.venue.value):
            self._instrument_provider.add(instrument)
            self._handle_data(instrument)

    @override
    async def _disconnect(self) -> None:
        self._wanted.clear()

    # Subscriptions

    async def _subscribe_instruments(self, command: messages.SubscribeInstruments) -> None:
        """All instruments were published at the start."""

    async def _subscribe_instrument(self, command: messages.SubscribeInstrument) -> None:
        """All instruments were published at the start."""

    async def _subscribe_trade_ticks(self, command: messages.SubscribeTradeTicks) -> None:
        self._want(TradeTick, command.instrument_id)

    async def _subscribe_quote_ticks(self, command: messages.SubscribeQuoteTicks) -> None:
        self._want(QuoteTick, command.instrument_id)

    async def _subscribe_bars(self, command: messages.SubscribeBars) -> None:
        self._want(Bar, command.bar_type)

    async def _subscribe_order_book_deltas(self, command: messages.SubscribeOrderBook) -> None:
        self._want(OrderBookDelta, command.instrument_id)

    async def _subscribe_order_book_depth(self, command: messages.SubscribeOrderBook) -> None:
        self._want(OrderBookDepth10, command.instrument_id)

    async def _subscribe_mark_prices(self, command: messages.SubscribeMarkPrices) -> None:
        self._want(MarkPriceUpdate, command.instrument_id)

    async def _subscribe_index_prices(self, command: messages.SubscribeIndexPrices) -> None:
        self._want(IndexPriceUpdate, command.instrument_id)

    async def _subscribe_funding_rates(self, command: messages.SubscribeFundingRates) -> None:
        self._want(FundingRateUpdate, command.instrument_id)

    async def _subscribe_instrument_status(self, command: messages.SubscribeInstrumentStatus) -> None:
        self._want(InstrumentStatus, command.instrument_id)

    async def _subscribe_instrument_close(self, command: messages.SubscribeInstrumentClose) -> None:
        self._want(InstrumentClose, command.instrument_id)

    async def _subscribe(self, command: messages.SubscribeData) -> None:
        _log.warning("a replay streams market data only: nothing will be heard of %s", command.data_type)

    async def _unsubscribe_instruments(self, command: messages.UnsubscribeInstruments) -> None:
        """Nothing is streamed for it."""

    async def _unsubscribe_instrument(self, command: messages.UnsubscribeInstrument) -> None:
        """Nothing is streamed for it."""

    async def _unsubscribe_trade_ticks(self, command: messages.UnsubscribeTradeTicks) -> None:
        self._unwant(TradeTick, command.instrument_id)

    async def _unsubscribe_quote_ticks(self, command: messages.UnsubscribeQuoteTicks) -> None:
        self._unwant(QuoteTick, command.instrument_id)

    async def _unsubscribe_bars(self, command: messages.UnsubscribeBars) -> None:
        self._unwant(Bar, command.bar_type)

    async def _unsubscribe_order_book_deltas(self, command: messages.UnsubscribeOrderBook) -> None:
        self._unwant(OrderBookDelta, command.instrument_id)

    async def _unsubscribe_order_book_depth(self, command: messages.UnsubscribeOrderBook) -> None:
        self._unwant(OrderBookDepth10, command.instrument_id)

    async def _unsubscribe_mark_prices(self, command: messages.UnsubscribeMarkPrices) -> None:
        self._unwant(MarkPriceUpdate, command.instrument_id)

    async def _unsubscribe_index_prices(self, command: messages.UnsubscribeIndexPrices) -> None:
        self._unwant(IndexPriceUpdate, command.instrument_id)

    async def _unsubscribe_funding_rates(self, command: messages.UnsubscribeFundingRates) -> None:
        self._unwant(FundingRateUpdate, command.instrument_id)

    async def _unsubscribe_instrument_status(self, command: messages.UnsubscribeInstrumentStatus) -> None:
        self._unwant(InstrumentStatus, command.instrument_id)

    async def _unsubscribe_instrument_close(self, command: messages.UnsubscribeInstrumentClose) -> None:
        self._unwant(InstrumentClose, command.instrument_id)

    async def _unsubscribe(self, command: messages.UnsubscribeData) -> None:
        """Nothing is streamed for it."""

    # Requests

    async def _request_instrument(self, request: messages.RequestInstrument) -> None:
        instrument = self._cache.instrument(request.instrument_id)
        if instrument is None:
            _log.error("a strategy requested the instrument %s, which the catalog lacks", request.instrument_id)
            return
        self._handle_instrument(instrument, request.id, request.start, request.end, request.params)

    async def _request_instruments(self, request: messages.RequestInstruments) -> None:
        instruments = self._cache.instruments(venue=self.venue)
        self._handle_instruments(self.venue, instruments, request.id, request.start, request.end, request.params)

    async def _request_trade_ticks(self, request: messages.RequestTradeTicks) -> None:
        self._say_no_past(f"trades of {request.instrument_id}")
        self._handle_trade_ticks(request.instrument_id, [], request.id, request.start, request.end, request.params)

    async def _request_quote_ticks(self, request: messages.RequestQuoteTicks) -> None:
        self._say_no_past(f"quotes of {request.instrument_id}")
        self._handle_quote_ticks(request.instrument_id, [], request.id, request.start, request.end, request.params)

    async def _request_bars(self, request: messages.RequestBars) -> None:
        self._say_no_past(f"bars {request.bar_type}")
        self._handle_bars(request.bar_type, [], request.id, request.start, request.end, request.params)

    async def _request(self, request: messages.RequestData) -> None:
        self._say_no_past(str(request.data_type))
        self._handle_data_response(request.data_type, [], request.id, request.start, request.end, request.params)

    def _say_no_past(self, what: str) -> None:
        _log.warning("a strategy requested past %s: a replay has no past, the answer is empty", what)


def venue_instruments(catalog: OpenCatalog, venue: str) -> tuple[Instrument, ...]:
    """Return the instruments of a venue. Raises NodeError (CATALOG_UNREADABLE) if there are none."""
    found = tuple(i for i in catalog.instruments if i.id.venue.value == venue)
    if not found:
        held = ", ".join(sorted({i.id.venue.value for i in catalog.instruments}))
        raise catalog_unreadable(
            f"The catalog at {catalog.path} holds no instrument of venue {venue}, but of {held}",
            f"Name the venue {held}" if "," not in held else "Name the venue as the instrument ids do",
        )
    return found


def replay_factory(catalog: OpenCatalog, feed: ReplayFeed) -> type[LiveDataClientFactory]:
    """Return a factory of replay clients on one catalog."""

    class ReplayDataClientFactory(LiveDataClientFactory):  # type: ignore[misc]
        """Makes the client of one venue."""

        @staticmethod
        @override
        def create(
            loop: asyncio.AbstractEventLoop,
            name: str,
            config: LiveDataClientConfig,
            msgbus: MessageBus,
            cache: Cache,
            clock: LiveClock,
            **_: Any,  # whatever else a later Nautilus hands over
        ) -> ReplayDataClient:
            return ReplayDataClient(
                loop=loop, venue=name, msgbus=msgbus, cache=cache, clock=clock, catalog=catalog, feed=feed
            )

    return ReplayDataClientFactory
