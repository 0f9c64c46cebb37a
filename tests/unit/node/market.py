"""Market data for tests: all types that can be replayed."""

from pathlib import Path
from typing import Any

from nautilus_trader.model.data import (
    Bar,
    BarType,
    BookOrder,
    FundingRateUpdate,
    IndexPriceUpdate,
    InstrumentClose,
    InstrumentStatus,
    MarkPriceUpdate,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import (
    AggressorSide,
    BookAction,
    InstrumentCloseType,
    MarketStatusAction,
    OrderSide,
)
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from trading_node.catalog.instruments import currency_pair
from trading_node.catalog.reader import OpenCatalog, open_catalog

BTC = InstrumentId.from_str("BTCUSDT.BINANCE")
PRICE = Price.from_str("60000.01")
SIZE = Quantity.from_str("0.500")


def trade(ns: int, instrument_id: InstrumentId = BTC) -> TradeTick:
    return TradeTick(instrument_id, PRICE, SIZE, AggressorSide.BUYER, TradeId(str(ns)), ns, ns)


def quote(ns: int, instrument_id: InstrumentId = BTC) -> QuoteTick:
    return QuoteTick(instrument_id, PRICE, PRICE, SIZE, SIZE, ns, ns)


def bar(ns: int) -> Bar:
    bar_type = BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL")
    return Bar(bar_type, PRICE, PRICE, PRICE, PRICE, SIZE, ns, ns)


def delta(ns: int) -> OrderBookDelta:
    return OrderBookDelta(BTC, BookAction.ADD, BookOrder(OrderSide.BUY, PRICE, SIZE, 1), 0, ns, ns, ns)


def mark_price(ns: int) -> MarkPriceUpdate:
    return MarkPriceUpdate(BTC, PRICE, ns, ns)


def index_price(ns: int) -> IndexPriceUpdate:
    return IndexPriceUpdate(BTC, PRICE, ns, ns)


def funding_rate(ns: int) -> FundingRateUpdate:
    return FundingRateUpdate(BTC, PRICE.as_decimal(), ns, ns)


def status(ns: int) -> InstrumentStatus:
    return InstrumentStatus(BTC, MarketStatusAction.TRADING, ns, ns)


def close(ns: int) -> InstrumentClose:
    return InstrumentClose(BTC, PRICE, InstrumentCloseType.END_OF_SESSION, ns, ns)


ALL_TYPES = (trade, quote, bar, delta, mark_price, index_price, funding_rate, status, close)


def write_catalog(path: Path, *series: list[Any]) -> OpenCatalog:
    """Write series of events, each of one type and one instrument; also the instruments."""
    catalog = ParquetDataCatalog(path)
    ids = {getattr(event, "instrument_id", BTC) for events in series for event in events}
    catalog.write_data([currency_pair(instrument_id, 2, 3) for instrument_id in sorted(ids)])
    for events in series:
        catalog.write_data(events)
    return open_catalog(path)
