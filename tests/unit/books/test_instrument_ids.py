"""Canonical ids: what each venue's instruments are called, and that nothing is lost on the way."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.books.stories import light
from trading_api.adapters import Adapter
from trading_node.instrument_ids import CanonicalId, InstrumentIdError, InstrumentTerms, InstrumentType, parse_canonical
from trading_node.venue_symbols import base_of, to_canonical, to_engine

VENUES = ["BINANCE", "BYBIT", "OKX", "DERIBIT", "KRAKEN", "HYPERLIQUID", "NASDAQ", "IDEALPRO", "SIM", "BINANCE-SPOT"]
NAMED = {
    **dict.fromkeys(VENUES),
    "BINANCE_SPOT": Adapter.BINANCE,
    "BINANCE_COIN": Adapter.BINANCE,
    "BINANCE-FUTURES": Adapter.BINANCE,
    "NYSE": Adapter.BINANCE,
    "DESK:A@~1": Adapter.BINANCE,
    "OKX": Adapter.OKX,
    "SMART": Adapter.INTERACTIVE_BROKERS,
    "RECORDED": Adapter.REPLAY,
}
"""What venues are called, and what connects to each."""
PAIRS = [
    ("BTCUSDT.BINANCE", "BINANCE-SPOT:SPOT:BTC-USDT"),
    ("ETHBTC.BINANCE", "BINANCE-SPOT:SPOT:ETH-BTC"),
    ("BNBFDUSD.BINANCE", "BINANCE-SPOT:SPOT:BNB-FDUSD"),
    ("BTCUSDT-PERP.BINANCE", "BINANCE-FUTURES:PERPETUAL:BTC-USDT@LIN"),
    ("1000SHIBUSDT-PERP.BINANCE", "BINANCE-FUTURES:PERPETUAL:1000SHIB-USDT@LIN"),
    ("BTCUSD-PERP.BINANCE", "BINANCE-FUTURES:PERPETUAL:BTC-USD@INV"),
    ("BNBUSD-PERP.BINANCE", "BINANCE-FUTURES:PERPETUAL:BNB-USD@INV"),
    ("DOTUSD-PERP.BINANCE", "BINANCE-FUTURES:PERPETUAL:DOT-USD@INV"),
    ("BTCUSDT_250328.BINANCE", "BINANCE-FUTURES:FUTURE:BTC-USDT-250328@LIN"),
    ("BTCUSD_250328.BINANCE", "BINANCE-FUTURES:FUTURE:BTC-USD-250328@INV"),
    ("BTCUSDT-SPOT.BYBIT", "BYBIT:SPOT:BTC-USDT"),
    ("BTCUSDT-LINEAR.BYBIT", "BYBIT:PERPETUAL:BTC-USDT@LIN"),
    ("BTCPERP-LINEAR.BYBIT", "BYBIT:PERPETUAL:BTC-USDC@LIN"),
    ("BTCUSD-INVERSE.BYBIT", "BYBIT:PERPETUAL:BTC-USD@INV"),
    ("BTCUSDH26-INVERSE.BYBIT", "BYBIT:FUTURE:BTC-USD-H26@INV"),
    ("BTC-27MAR26-LINEAR.BYBIT", "BYBIT:FUTURE:BTC-USDC-260327@LIN"),
    ("BTCUSDT-27MAR26-LINEAR.BYBIT", "BYBIT:FUTURE:BTC-USDT-260327@LIN"),
    ("BTC-3APR26-70000-P-OPTION.BYBIT", "BYBIT:OPTION:BTC-USDC-260403-70000-P@LIN"),
    ("BTC-3APR26-70000-P-USDT-OPTION.BYBIT", "BYBIT:OPTION:BTC-USDT-260403-70000-P@LIN"),
    ("BTC-USDT.OKX", "OKX:SPOT:BTC-USDT"),
    ("BTC-USDT-SWAP.OKX", "OKX:PERPETUAL:BTC-USDT@LIN"),
    ("BTC-USD-SWAP.OKX", "OKX:PERPETUAL:BTC-USD@INV"),
    ("BTC-USD-250328.OKX", "OKX:FUTURE:BTC-USD-250328@INV"),
    ("BTC-USD-250328-50000-C.OKX", "OKX:OPTION:BTC-USD-250328-50000-C@INV"),
    ("BTC-PERPETUAL.DERIBIT", "DERIBIT:PERPETUAL:BTC-USD@INV"),
    ("BTC_USDC-PERPETUAL.DERIBIT", "DERIBIT:PERPETUAL:BTC-USDC@LIN"),
    ("BTC_USDC.DERIBIT", "DERIBIT:SPOT:BTC-USDC"),
    ("BTC-5JAN24.DERIBIT", "DERIBIT:FUTURE:BTC-USD-240105@INV"),
    ("ETH-26MAR27-4000-C.DERIBIT", "DERIBIT:OPTION:ETH-USD-270326-4000-C@INV"),
    ("XRP_USDC-26MAR27-0d55-P.DERIBIT", "DERIBIT:OPTION:XRP-USDC-270326-0d55-P@LIN"),
    ("BTC-FS-25DEC26_PERP.DERIBIT", "DERIBIT:SPREAD:BTC-FS-25DEC26_PERP"),
    ("BTC-CS-25DEC26-70000_75000.DERIBIT", "DERIBIT:SPREAD:BTC-CS-25DEC26-70000_75000"),
    ("BTC/USD.KRAKEN", "KRAKEN:SPOT:BTC-USD"),
    ("PI_XBTUSD.KRAKEN", "KRAKEN-FUTURES:PERPETUAL:BTC-USD@INV"),
    ("PF_XBTUSD.KRAKEN", "KRAKEN-FUTURES:PERPETUAL:BTC-USD@LIN"),
    ("PV_XRPXBT.KRAKEN", "KRAKEN-FUTURES:PERPETUAL:XRP-BTC@LIN"),
    ("FI_XBTUSD_250328.KRAKEN", "KRAKEN-FUTURES:FUTURE:BTC-USD-250328@INV"),
    ("FF_ETHUSD_250328.KRAKEN", "KRAKEN-FUTURES:FUTURE:ETH-USD-250328@LIN"),
    ("BTC-USD-PERP.HYPERLIQUID", "HYPERLIQUID:PERPETUAL:BTC-USD@LIN"),
    ("xyz:TSLA-USD-PERP.HYPERLIQUID", "HYPERLIQUID:PERPETUAL:xyz%3ATSLA-USD@LIN"),
    ("PURR-USDC-SPOT.HYPERLIQUID", "HYPERLIQUID:SPOT:PURR-USDC"),
    ("+250.HYPERLIQUID", "HYPERLIQUID:BINARY:+250"),
]
NAMED_FREELY = [
    ("BTCUSDT.BINANCE_SPOT", "BINANCE-SPOT:SPOT:BTC-USDT"),
    ("BTCUSDT-PERP.BINANCE_FUTURES", "BINANCE-FUTURES:PERPETUAL:BTC-USDT@LIN"),
    ("BTCUSDT-PERP.BINANCE-FUTURES", "BINANCE-FUTURES:PERPETUAL:BTC-USDT@LIN"),
    ("BTCUSDC-PERP.DESK_A", "BINANCE-FUTURES:PERPETUAL:BTC-USDC@LIN"),
    ("BTCUSDT_250328.DESK_A", "BINANCE-FUTURES:FUTURE:BTC-USDT-250328@LIN"),
    ("BTCUSD-PERP.BINANCE_COIN", "BINANCE-FUTURES:PERPETUAL:BTC-USD@INV"),
    ("BTCUSD_250328.BINANCE_COIN", "BINANCE-FUTURES:FUTURE:BTC-USD-250328@INV"),
    ("SOMETHING ELSE.BINANCE_COIN", "BINANCE:OTHER:~SOMETHING ELSE"),
    ("BTCUSDT.OKX", "BINANCE-SPOT:SPOT:BTC-USDT"),
]
"""Binance's venues alone may have any name."""
BROKERED = [
    ("AAPL.NASDAQ", InstrumentType.EQUITY, "NASDAQ:EQUITY:AAPL"),
    ("BRK.B.NYSE", InstrumentType.EQUITY, "NYSE:EQUITY:BRK.B"),
    ("ESZ26.CME", InstrumentType.FUTURE, "CME:FUTURE:ESZ26"),
    ("AAPL  270115C00200000.SMART", InstrumentType.OPTION, "SMART:OPTION:AAPL  270115C00200000"),
    ("EUR/USD.IDEALPRO", InstrumentType.FX, "IDEALPRO:FX:EUR/USD"),
    ("BTCUSDT.SIM", None, "SIM:OTHER:BTCUSDT"),
]


@pytest.mark.parametrize(("engine", "canonical"), PAIRS)
def test_known_instruments(engine: str, canonical: str) -> None:
    assert to_canonical(engine) == canonical
    assert to_engine(canonical) == engine


@pytest.mark.parametrize(("engine", "canonical"), NAMED_FREELY)
def test_an_adapter_spells_the_same_whatever_its_venue_is_called(engine: str, canonical: str) -> None:
    assert to_canonical(engine, adapter=Adapter.BINANCE) == canonical
    assert to_engine(canonical, engine.rpartition(".")[2]) == engine


@pytest.mark.parametrize(("engine", "kind", "canonical"), BROKERED)
def test_exchanges_without_rules_keep_their_spelling(engine: str, kind: InstrumentType | None, canonical: str) -> None:
    assert to_canonical(engine, InstrumentTerms(type=kind)) == canonical
    assert to_engine(canonical) == engine


@pytest.mark.parametrize(
    ("canonical", "base"),
    [
        ("BINANCE-SPOT:SPOT:BTC-USDT", "BTC"),
        ("HYPERLIQUID:PERPETUAL:xyz%3ATSLA-USD@LIN", "xyz:TSLA"),
        ("BYBIT:FUTURE:BTC-USD-H26@INV", "BTC"),
        ("DERIBIT:OPTION:XRP-USDC-270326-0d55-P@LIN", "XRP"),
        ("DERIBIT:SPREAD:BTC-FS-25DEC26_PERP", ""),
        ("BINANCE:OTHER:~BTC-USDT", ""),
        ("NYSE:EQUITY:BRK-B", ""),
    ],
)
def test_ids_tell_what_an_instrument_is_about(canonical: str, base: str) -> None:
    assert base_of(canonical) == base


assets = st.text(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), min_size=1, max_size=8)


@light
@given(assets, assets)
def test_terms_tell_base_and_quote_apart(base: str, quote: str) -> None:
    canonical = to_canonical(f"{base}{quote}-PERP.BINANCE", InstrumentTerms(base=base, quote=quote))
    assert parse_canonical(canonical).payload == f"{base}-{quote}"
    assert to_engine(canonical) == f"{base}{quote}-PERP.BINANCE"


WORDS = [
    *("BTC", "USDT", "USD", "XBT", "PERP", "-PERP", "_", "-", "/", "27MAR26", "03JAN25", "250328", "C", "P", "d"),
    *("-LINEAR", "-INVERSE", "-SPOT", "-OPTION", "SWAP", "PI_", "FF_", "~", "%", ":", "@", "+", " ", ".", "é"),
]
symbols = st.text(min_size=1) | st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map("".join)


@given(symbols, st.sampled_from(sorted(NAMED)))
@example("BTC-03JAN25-LINEAR", "BYBIT")  # a day with a leading zero would not come back
@example("BTCUSDC-LINEAR", "BYBIT")  # the venue itself calls this one BTCPERP
@example("~BTCUSDT", "BINANCE")
def test_nothing_is_lost_on_the_way(symbol: str, venue: str) -> None:
    engine = f"{symbol}.{venue}"
    canonical = to_canonical(engine, adapter=NAMED[venue])
    assert to_engine(canonical, venue) == engine
    assert str(parse_canonical(canonical)) == canonical
    if venue in VENUES:
        assert to_engine(canonical) == engine


@light
@given(symbols, symbols, st.sampled_from(VENUES), st.sampled_from(VENUES))
def test_two_instruments_never_share_an_id(one: str, other: str, venue: str, place: str) -> None:
    if (one, venue) != (other, place):
        assert to_canonical(f"{one}.{venue}") != to_canonical(f"{other}.{place}")


@light
@given(symbols, symbols, st.sampled_from(sorted(NAMED)))
def test_two_instruments_of_a_venue_never_share_an_id(one: str, other: str, venue: str) -> None:
    if one != other:
        adapter = NAMED[venue]
        assert to_canonical(f"{one}.{venue}", adapter=adapter) != to_canonical(f"{other}.{venue}", adapter=adapter)


@light
@given(symbols, st.sampled_from(InstrumentType), symbols, st.just("") | symbols)
def test_the_text_form_reads_back(venue: str, kind: InstrumentType, payload: str, chain: str) -> None:
    made = CanonicalId(venue=venue, type=kind, payload=payload, chain=chain)
    assert parse_canonical(str(made)) == made


@light
@given(st.text() | st.lists(st.sampled_from([*WORDS, "BINANCE-FUTURES:", "PERPETUAL:"]), max_size=6).map("".join))
def test_other_text_gives_one_clear_error(text: str) -> None:
    try:
        to_engine(text)
    except InstrumentIdError as error:
        assert repr(text) in str(error)  # noqa: PT017 - either outcome is right, a different exception is not


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("BTCUSDT.BINANCE", "VENUE:TYPE:PAYLOAD"),
        ("BINANCE-SPOT:COIN:BTC-USDT", "unknown type 'COIN'"),
        ("BINANCE-SPOT:SPOT:", "empty part"),
        ("BINANCE-SPOT:SPOT:BTC-USDT@", "empty part"),
        ("BINANCE-SPOT:SPOT:%42TC-USDT", "write 'BINANCE-SPOT:SPOT:BTC-USDT'"),
        ("BINANCE-SPOT:OPTION:BTC-USDT", "names nothing that BINANCE trades"),
        ("AAVE:LENDING:USDC@ETHEREUM@X", "canonical spelling"),
    ],
)
def test_errors_say_what_to_write(text: str, says: str) -> None:
    with pytest.raises(InstrumentIdError, match=says):
        to_engine(text)


@pytest.mark.parametrize("text", ["BTCUSDT", ".BINANCE", "BTCUSDT.", ""])
def test_no_engine_id_is_told(text: str) -> None:
    with pytest.raises(InstrumentIdError, match=r"SYMBOL\.VENUE"):
        to_canonical(text)
