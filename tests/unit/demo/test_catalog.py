"""Any file of trades makes a demo that trades, or is refused in words before a cluster is started for it."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.catalog import (
    MOST_SPEED,
    MOST_TRADES,
    NOTIONAL,
    DemoCatalog,
    choose_balance,
    choose_trade_size,
    make_catalog,
    plan_replay,
)
from tests.demo.manifest import demo_manifest
from tests.demo.steps import DemoError
from trading_api.codec import parse_deployment
from trading_node.catalog.reader import open_catalog
from trading_node.errors import NodeError

SECOND = 1_000_000_000
YEAR = 366 * 24 * 3600 * SECOND
START = 1_700_000_000


def _file(folder: Path, rows: Sequence[tuple[int, str, str]], header: str = "timestamp,price,quantity") -> Path:
    file = folder / "trades.csv"
    file.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return file


def _trades(price: str, quantity: str, *, count: int = 100, every: int = 1) -> list[tuple[int, str, str]]:
    return [(START + number * every, price, quantity) for number in range(count)]


def _make(folder: Path, rows: Sequence[tuple[int, str, str]], instrument: str = "BTCUSDT.BINANCE") -> DemoCatalog:
    return make_catalog(folder / "catalog", _file(folder, rows), instrument)


@pytest.mark.parametrize(
    ("price", "quantity", "size"),
    [
        ("61234.5", "0.00321", "0.01"),
        ("61234.5", "3", "1"),
        ("61234.5", "1.5", "0.1"),
        ("1800", "250", "1"),
        ("0.0712", "250", "10000"),
        ("0.0712", "250.5", "10000"),
        ("0.00000001", "7", "100000000000"),
    ],
)
def test_an_order_is_a_quantity_that_the_instrument_has(tmp_path: Path, price: str, quantity: str, size: str) -> None:
    catalog = _make(tmp_path, _trades(price, quantity))
    assert catalog.trade_size == Decimal(size)
    instrument = open_catalog(tmp_path / "catalog").instruments[0]
    assert instrument.make_qty(catalog.trade_size).as_decimal() == catalog.trade_size


@given(
    price=st.decimals(min_value="0.0000000001", max_value="10000000000", places=10),
    decimals=st.integers(min_value=0, max_value=16),
)
def test_an_order_is_whole_increments_and_small_beside_the_account(price: Decimal, decimals: int) -> None:
    increment = Decimal(1).scaleb(-decimals)
    size = choose_trade_size(price, increment)
    assert size >= increment
    assert size % increment == 0
    assert size * price <= NOTIONAL or size == increment
    assert choose_balance(price, size) >= 100 * size * price


def test_a_demo_takes_the_time_that_is_to_be_watched() -> None:
    assert plan_replay(30 * 60 * SECOND, 9_000).speed == 72
    assert plan_replay(30 * 60 * SECOND, 9_000, seconds=2).speed == 900
    assert plan_replay(0, 40).speed == 1


@given(span=st.integers(min_value=0, max_value=100 * YEAR), trades=st.integers(min_value=1, max_value=MOST_TRADES))
def test_no_data_asks_for_more_speed_than_the_api_takes_nor_for_more_time_than_is_told(span: int, trades: int) -> None:
    replay = plan_replay(span, trades)
    assert replay.speed == "Maximum" or (isinstance(replay.speed, int) and 1 <= replay.speed <= MOST_SPEED)
    assert replay.seconds <= 600
    if isinstance(replay.speed, int):
        assert replay.seconds >= span / SECOND / replay.speed


@pytest.mark.parametrize(
    ("every", "speed"), [(31_622_400 // 100, MOST_SPEED), (30 * 31_622_400 // 100, "Maximum"), (1, 4)]
)
def test_a_year_and_thirty_years_of_sparse_trades_make_a_manifest(tmp_path: Path, every: int, speed: int | str) -> None:
    file = _file(tmp_path, [(number * every + 10**9, "100.5", "2") for number in range(101)])
    catalog = make_catalog(tmp_path / "catalog", file, "BTCUSDT.BINANCE")
    manifest = demo_manifest(catalog, "BTCUSDT.BINANCE")
    assert manifest["spec"]["venues"][0]["replay"]["speed"] == speed


@pytest.mark.parametrize(
    ("instrument", "balance"),
    [("ETHBTC.OKX", "1000000 BTC"), ("EUR/USD.OANDA", "1000000 USD"), ("DOGE-USDT.BYBIT", "1000000 USDT")],
)
def test_the_account_holds_what_the_instrument_is_paid_in(tmp_path: Path, instrument: str, balance: str) -> None:
    manifest = demo_manifest(_make(tmp_path, _trades("1.5", "10"), instrument), instrument)
    deployment = parse_deployment(manifest)
    venue = deployment.spec.venues[0]
    assert venue.name == instrument.rpartition(".")[2]
    assert venue.paper is not None
    assert list(venue.paper.starting_balances) == [balance]
    assert deployment.spec.strategies[0].config["instrument_id"] == instrument


def test_one_coin_that_costs_more_than_the_usual_account_can_be_bought(tmp_path: Path) -> None:
    assert _make(tmp_path, _trades("5000000", "1")).balance == "500000001 USDT"


@pytest.mark.parametrize(("count", "words"), [(1, "1 trade is"), (30, "30 trades are")])
def test_too_few_trades_for_the_strategy_are_refused(tmp_path: Path, count: int, words: str) -> None:
    catalog = _make(tmp_path, _trades("1.5", "10", count=count))
    with pytest.raises(DemoError, match=rf"^{words} too few .* ema-btc averages over 30 .* with more$"):
        demo_manifest(catalog, "BTCUSDT.BINANCE")


def test_what_the_api_would_refuse_is_refused_at_once(tmp_path: Path) -> None:
    catalog = _make(tmp_path, _trades("1.5", "10"), "BTCUSDT.binance")
    with pytest.raises(DemoError, match=r"the API would refuse the demo of BTCUSDT\.binance: .*venues\[0\]\.name"):
        demo_manifest(catalog, "BTCUSDT.binance")


def test_a_price_that_no_account_could_pay_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"a price of 20000000000 is too high"):
        _make(tmp_path, _trades("20000000000", "1"))


def test_more_trades_than_a_demo_replays_are_refused_before_they_are_read(tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    # Not one of the rows could be read.
    file.write_bytes(b"timestamp,price,quantity\n" + b"x\n" * (MOST_TRADES + 1))
    with pytest.raises(DemoError, match=r"about 3,000,002 trades, whose replay takes 10 minutes .* head -n"):
        make_catalog(tmp_path / "catalog", file, "BTCUSDT.BINANCE")


@pytest.mark.parametrize(
    ("header", "words"), [("when,price,quantity", "has no column timestamp"), ("a,b,c", "timestamp or price or quant")]
)
def test_wrong_columns_are_named(tmp_path: Path, header: str, words: str) -> None:
    file = _file(tmp_path, _trades("1", "1"), header)
    with pytest.raises(NodeError, match=words):
        make_catalog(tmp_path / "catalog", file, "BTCUSDT.BINANCE")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"nowhere\.csv cannot be read"):
        make_catalog(tmp_path / "catalog", tmp_path / "nowhere.csv", "BTCUSDT.BINANCE")
