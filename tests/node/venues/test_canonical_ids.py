"""Canonical ids of instruments that Nautilus' own adapters made, from listings in the form in which venues answer.

Hyperliquid's client asks a fixed address, so only the forms of its symbols are checked.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from ibapi.tag_value import TagValue
from nautilus_trader.adapters.interactive_brokers.common import IBContract, IBContractDetails
from nautilus_trader.adapters.interactive_brokers.parsing.instruments import parse_instrument
from nautilus_trader.core import nautilus_pyo3 as pyo3
from nautilus_trader.model.instruments import Instrument, instruments_from_pyo3

from tests.node.venues.answers import answering
from trading_api.adapters import Adapter
from trading_node.nautilus_traits import Traits, read_traits
from trading_node.venue_symbols import to_canonical, to_engine


@dataclass(frozen=True)
class Known:
    """What the books keep of an instrument."""

    canonical: str
    base: str
    quote: str
    settlement: str
    inverse: bool = False


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    async with answering() as url:
        yield url


def read(made: list[Any], adapter: Adapter) -> dict[str, Known]:
    """Return what the books keep, by the engine's name; each instrument has to be found again by that."""
    found = {}
    for instrument in instruments_from_pyo3(made):
        traits = read_traits(instrument, adapter)
        assert to_engine(traits.canonical, traits.venue) == to_engine(traits.canonical) == instrument.id.value
        # The same without the instrument: what Nautilus knows of it must not change its name.
        assert to_canonical(instrument.id.value, adapter=adapter) == traits.canonical
        found[instrument.id.symbol.value] = known(traits)
    return found


def known(traits: Traits) -> Known:
    return Known(traits.canonical, traits.base, traits.quote, traits.settlement, traits.inverse)


async def test_bybit(url: str) -> None:
    client = pyo3.BybitHttpClient(base_url=url, max_retries=0)
    kinds = pyo3.BybitProductType
    made = [
        each
        for kind in (kinds.SPOT, kinds.LINEAR, kinds.INVERSE, kinds.OPTION)
        for each in await client.request_instruments(kind)
    ]
    assert read(made, Adapter.BYBIT) == {
        "BTCUSDT-SPOT": Known("BYBIT:SPOT:BTC-USDT", "BTC", "USDT", "USDT"),
        "BTCUSDT-LINEAR": Known("BYBIT:PERPETUAL:BTC-USDT@LIN", "BTC", "USDT", "USDT"),
        "SHIB1000USDT-LINEAR": Known("BYBIT:PERPETUAL:SHIB1000-USDT@LIN", "SHIB1000", "USDT", "USDT"),
        "BTCPERP-LINEAR": Known("BYBIT:PERPETUAL:BTC-USDC@LIN", "BTC", "USDC", "USDC"),
        "BTC-27MAR26-LINEAR": Known("BYBIT:FUTURE:BTC-USDC-260327@LIN", "BTC", "USDC", "USDC"),
        "BTCUSDT-27MAR26-LINEAR": Known("BYBIT:FUTURE:BTC-USDT-260327@LIN", "BTC", "USDT", "USDT"),
        "BTCUSD-INVERSE": Known("BYBIT:PERPETUAL:BTC-USD@INV", "BTC", "USD", "BTC", inverse=True),
        "BTCUSDH26-INVERSE": Known("BYBIT:FUTURE:BTC-USD-H26@INV", "BTC", "USD", "BTC", inverse=True),
        "BTC-27MAR26-70000-C-OPTION": Known("BYBIT:OPTION:BTC-USDC-260327-70000-C@LIN", "BTC", "USD", "USDC"),
        "BTC-27MAR26-70000-P-USDT-OPTION": Known("BYBIT:OPTION:BTC-USDT-260327-70000-P@LIN", "BTC", "USDT", "USDT"),
    }


async def test_deribit(url: str) -> None:
    client = pyo3.DeribitHttpClient(base_url=f"{url}/api/v2", max_retries=0)
    made = await client.request_instruments(pyo3.DeribitCurrency.ANY, None)
    combos = {
        "BTC-FS-27MAR26_PERP": Known("DERIBIT:SPREAD:BTC-FS-27MAR26_PERP", "BTC", "USD", "BTC", inverse=True),
        "BTC-CS-27MAR26-70000_75000": Known("DERIBIT:SPREAD:BTC-CS-27MAR26-70000_75000", "BTC", "BTC", "BTC"),
    }
    assert read(made, Adapter.DERIBIT) == combos | {
        "BTC-PERPETUAL": Known("DERIBIT:PERPETUAL:BTC-USD@INV", "BTC", "USD", "BTC", inverse=True),
        "BTC_USDC-PERPETUAL": Known("DERIBIT:PERPETUAL:BTC-USDC@LIN", "BTC", "USDC", "USDC"),
        "BTC-27MAR26": Known("DERIBIT:FUTURE:BTC-USD-260327@INV", "BTC", "USD", "BTC", inverse=True),
        "BTC-3APR26": Known("DERIBIT:FUTURE:BTC-USD-260403@INV", "BTC", "USD", "BTC", inverse=True),
        # Its premium is in coins, so a coin of premium is a coin of profit.
        "ETH-26MAR27-4000-C": Known("DERIBIT:OPTION:ETH-USD-270326-4000-C@INV", "ETH", "ETH", "ETH"),
        "XRP_USDC-26MAR27-0d55-P": Known("DERIBIT:OPTION:XRP-USDC-270326-0d55-P@LIN", "XRP", "USDC", "USDC"),
        "BTC_USDC": Known("DERIBIT:SPOT:BTC-USDC", "BTC", "USDC", "USDC"),
    }


async def test_kraken(url: str) -> None:
    spot = await pyo3.KrakenSpotHttpClient(base_url=url, max_retries=0).request_instruments()
    futures = await pyo3.KrakenFuturesHttpClient(base_url=url, max_retries=0).request_instruments()
    assert read([*spot, *futures], Adapter.KRAKEN) == {
        "BTC/USD": Known("KRAKEN:SPOT:BTC-USD", "BTC", "USD", "USD"),
        "ETH/BTC": Known("KRAKEN:SPOT:ETH-BTC", "ETH", "BTC", "BTC"),
        "DOGE/USD": Known("KRAKEN:SPOT:DOGE-USD", "DOGE", "USD", "USD"),
        "SOL/USD": Known("KRAKEN:SPOT:SOL-USD", "SOL", "USD", "USD"),
        "PI_XBTUSD": Known("KRAKEN-FUTURES:PERPETUAL:BTC-USD@INV", "BTC", "USD", "BTC", inverse=True),
        "PF_XBTUSD": Known("KRAKEN-FUTURES:PERPETUAL:BTC-USD@LIN", "BTC", "USD", "USD"),
        "PF_ETHUSD": Known("KRAKEN-FUTURES:PERPETUAL:ETH-USD@LIN", "ETH", "USD", "USD"),
        "FI_XBTUSD_260327": Known("KRAKEN-FUTURES:FUTURE:BTC-USD-260327@INV", "BTC", "USD", "BTC", inverse=True),
        "FF_XBTUSD_260327": Known("KRAKEN-FUTURES:FUTURE:BTC-USD-260327@LIN", "BTC", "USD", "USD"),
    }


async def test_okx(url: str) -> None:
    client = pyo3.OKXHttpClient(api_key="a", api_secret="b", api_passphrase="c", base_url=url, max_retries=0)  # noqa: S106  # of nobody
    kinds, made = pyo3.OKXInstrumentType, []
    for kind in (kinds.SPOT, kinds.SWAP, kinds.FUTURES, kinds.OPTION):
        found, _ = await client.request_instruments(kind, None)
        made += found
    assert read(made, Adapter.OKX) == {
        "BTC-USDT": Known("OKX:SPOT:BTC-USDT", "BTC", "USDT", "USDT"),
        "BTC-USDT-SWAP": Known("OKX:PERPETUAL:BTC-USDT@LIN", "BTC", "USDT", "USDT"),
        "BTC-USD-SWAP": Known("OKX:PERPETUAL:BTC-USD@INV", "BTC", "USD", "BTC", inverse=True),
        "BTC-USDT-260327": Known("OKX:FUTURE:BTC-USDT-260327@LIN", "BTC", "USDT", "USDT"),
        "BTC-USD-260327": Known("OKX:FUTURE:BTC-USD-260327@INV", "BTC", "USD", "BTC", inverse=True),
        "BTC-USD-260327-70000-C": Known("OKX:OPTION:BTC-USD-260327-70000-C@INV", "BTC", "BTC", "BTC"),
    }


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("BTC-USD-PERP", pyo3.HyperliquidProductType.PERP),
        ("kPEPE-USD-PERP", pyo3.HyperliquidProductType.PERP),
        ("PURR-USDC-SPOT", pyo3.HyperliquidProductType.SPOT),
    ],
)
def test_hyperliquids_symbols_are_of_the_form_that_its_adapter_knows(symbol: str, kind: Any) -> None:
    assert pyo3.hyperliquid_product_type_from_symbol(symbol) == kind
    canonical = to_canonical(f"{symbol}.HYPERLIQUID", adapter=Adapter.HYPERLIQUID)
    assert canonical.split(":")[1] == ("PERPETUAL" if symbol.endswith("-PERP") else "SPOT")
    assert to_engine(canonical) == f"{symbol}.HYPERLIQUID"


def brokered(kind: str, venue: str, symbol: str, local: str, **more: Any) -> Instrument:
    contract: dict[str, Any] = {"strike": more.pop("strike", 0.0), "right": more.pop("right", "")}
    if "month" in more:
        contract |= {"lastTradeDateOrContractMonth": more.pop("month"), "multiplier": "50"}
    details: dict[str, Any] = {"minTick": 0.01, "minSize": Decimal(1), "sizeIncrement": Decimal(1), **more}
    contract |= {"secType": kind, "symbol": symbol, "localSymbol": local, "exchange": venue, "currency": "USD"}
    made: Instrument = parse_instrument(
        IBContractDetails(contract=IBContract(primaryExchange=venue, conId=1, **contract), **details), venue
    )
    return made


ISIN = [TagValue("ISIN", "US0378331005")]
DATED = {"month": "20260320", "realExpirationDate": "20260320", "lastTradeTime": "08:30:00", "timeZoneId": "US/Central"}


@pytest.mark.parametrize(
    ("asked", "more", "canonical", "base"),
    [
        (("STK", "NASDAQ", "AAPL", "AAPL"), {"secIdList": ISIN}, "NASDAQ:EQUITY:AAPL", "AAPL"),
        (("STK", "NYSE", "BRK B", "BRK B"), {"secIdList": ISIN}, "NYSE:EQUITY:BRK-B", "BRK-B"),
        (("FUT", "CME", "ES", "ESH6"), {**DATED, "underSecType": "IND", "underSymbol": "ES"}, "CME:FUTURE:ESH6", "ES"),
        (
            ("OPT", "SMART", "AAPL", "AAPL  260320C00200000"),
            {**DATED, "underSecType": "STK", "underSymbol": "AAPL", "strike": 200.0, "right": "C"},
            "SMART:OPTION:AAPL  260320C00200000", "AAPL",
        ),
        (("CASH", "IDEALPRO", "EUR", "EUR.USD"), {}, "IDEALPRO:FX:EUR/USD", "EUR"),
        (("CRYPTO", "PAXOS", "BTC", "BTC.USD"), {}, "PAXOS:PERPETUAL:BTC/USD", "BTC"),
        (("IND", "CBOE", "SPX", "SPX"), {}, "CBOE:INDEX:^SPX", "^SPX"),
        (("CFD", "SMART", "IBUS500", "IBUS500"), {}, "SMART:CFD:IBUS500", "IBUS500"),
    ],
)  # fmt: skip
def test_interactive_brokers(asked: tuple[str, str, str, str], more: dict[str, Any], canonical: str, base: str) -> None:
    kind, venue, symbol, local = asked
    instrument = brokered(kind, venue, symbol, local, **more)
    traits = read_traits(instrument, Adapter.INTERACTIVE_BROKERS)
    assert (traits.canonical, traits.base) == (canonical, base)
    assert to_engine(traits.canonical, venue) == instrument.id.value
