"""Synthetic trades are the same for the same seed, and are said to be synthetic."""

from pathlib import Path

import pytest

from tests.unit.node.market import BTC
from trading_node.catalog.generator import START_NS, generate_catalog, generate_trades
from trading_node.catalog.instruments import currency_pair, increment, split_symbol
from trading_node.errors import NodeError


def trades(seed: int, minutes: int = 5) -> list[str]:
    return [str(trade) for trade in generate_trades(currency_pair(BTC, 2, 5), seed=seed, minutes=minutes)]


def test_the_same_seed_gives_the_same_trades() -> None:
    assert trades(7) == trades(7) != trades(8)
    # On every machine and under every version: the last one is known.
    assert trades(7)[-1] == LAST_OF_SEED_7


LAST_OF_SEED_7 = "BTCUSDT.BINANCE,60680.70,0.07497,SELLER,1496,1767571499884000000"


def test_they_are_in_order_and_within_their_time() -> None:
    times = [int(trade.rsplit(",", 1)[1]) for trade in trades(7)]
    assert times == sorted(times)
    assert START_NS < times[0] < times[-1] < START_NS + 5 * 60 * 10**9


def test_a_catalog_of_them_says_that_it_is_synthetic(tmp_path: Path) -> None:
    said = generate_catalog(tmp_path / "out", seed=7, minutes=1, instrument_id="BTCUSDT.BINANCE")
    assert "SYNTHETIC" in said
    assert "not market data" in said
    with pytest.raises(NodeError, match="--minutes 0"):
        generate_catalog(tmp_path / "none", seed=7, minutes=0, instrument_id="BTCUSDT.BINANCE")


@pytest.mark.parametrize(
    ("symbol", "base", "quote"),
    [("BTCUSDT", "BTC", "USDT"), ("EUR/USD", "EUR", "USD"), ("ETH-BTC", "ETH", "BTC"), ("1INCHUSDC", "1INCH", "USDC")],
)
def test_symbols_are_split_into_base_and_quote(symbol: str, base: str, quote: str) -> None:
    pair = split_symbol(symbol)
    assert (pair.base, pair.quote) == (base, quote)


def test_increments() -> None:
    assert [increment(precision) for precision in (0, 2, 9)] == ["1", "0.01", "0.000000001"]
