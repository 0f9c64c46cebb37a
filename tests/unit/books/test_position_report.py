"""What /api/positions shows, from positions and prices."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.books.stories import TRADER, filled, placed
from trading_node.book_events import Filled, Side
from trading_node.book_positions import MAX_POSITIONS, BookPositions, PositionsUnknownError
from trading_node.position_report import Mark, Prices, conversion_rates, positions_document
from trading_node.positions import Position, fold_position
from trading_node.store.books import Books, BooksSettings

SPOT: dict[str, Any] = {
    "venue": "BINANCE_SPOT",
    "account_id": "BINANCE_SPOT-001",
    "instrument_id": "BINANCE-SPOT:SPOT:BTC-USDT",
    "spot": True,
}
FUTURES: dict[str, Any] = {"venue": "DESK_A", "account_id": "DESK_A-001", "side": Side.SELL}
MARKS = {
    "BTCUSDT.BINANCE_SPOT": Mark(base="BTC", currency="USDT", price=Decimal(110)),
    "BTCUSDT-PERP.DESK_A": Mark(base="BTC", currency="USDT", price=Decimal(120)),
}
PRICES = Prices(marks=MARKS, currency="USDT", equal=frozenset({"USDT"}))


def held(*fills: Filled) -> Position:
    position = fold_position(fills)
    assert position is not None
    return position


def mark(base: str, currency: str, price: str) -> Mark:
    return Mark(base=base, currency=currency, price=Decimal(price))


def test_one_asset_over_two_venues() -> None:
    spot, future = held(filled("1", "3", "100", **SPOT)), held(filled("1", "2", "130", **FUTURES))
    document = positions_document([future, spot], PRICES, unwritten=3)
    assert document["currency"] == "USDT"
    assert document["unwrittenEvents"] == 3
    assert document["complete"]
    (asset,) = document["byBaseAsset"]
    assert asset == {
        "group": "BTC", "venues": ["BINANCE_SPOT", "DESK_A"], "quantity": "1", "longQuantity": "3",
        "shortQuantity": "2", "averagePrice": "40", "realized": "0", "unrealized": "50", "grossNotional": "570",
        "netNotional": "90", "unpriced": [],
    }  # fmt: skip
    assert [each["group"] for each in document["byInstrument"]] == ["PERPETUAL:BTC-USDT@LIN", "SPOT:BTC-USDT"]
    assert [(each["venue"], each["mark"], each["unrealized"]) for each in document["positions"]] == [
        ("DESK_A", "120", "20"),
        ("BINANCE_SPOT", "110", "30"),
    ]


def test_what_was_closed_counts_with_its_profit_alone() -> None:
    closed = held(filled("1", "3", "100", **SPOT), filled("2", "3", "101", 6, **{**SPOT, "side": Side.SELL}))
    document = positions_document([closed], PRICES)
    (asset,) = document["byBaseAsset"]
    assert (asset["realized"], asset["quantity"], asset["unpriced"]) == ("3", "0", [])
    assert "averagePrice" not in asset
    assert document["positions"] == []


def test_without_a_price_it_is_said() -> None:
    document = positions_document(
        [held(filled("1", "3", "100", **SPOT))], Prices(marks={}, currency="USDT", equal=frozenset())
    )
    (asset,) = document["byBaseAsset"]
    assert asset["unpriced"] == ["BINANCE-SPOT:SPOT:BTC-USDT"]
    (position,) = document["positions"]
    assert not position.keys() & {"mark", "unrealized", "notional"}


@pytest.mark.parametrize(
    ("limits", "equal", "asked", "told"),
    [
        ("USD", {"USD"}, "", "USDT"),  # nothing converts to it
        ("USD", {"USD", "USDT"}, "", "USD"),
        ("USDT", {"USDT"}, "", "USDT"),
        ("BTC", {"BTC"}, "", "BTC"),
        ("USD", {"USD"}, "BTC", "BTC"),
    ],
)
def test_the_currency_is_that_of_the_limits_where_prices_lead_there(
    limits: str, equal: set[str], asked: str, told: str
) -> None:
    prices = Prices(marks=MARKS, currency=limits, equal=frozenset(equal))
    document = positions_document([held(filled("1", "3", "100", **SPOT))], prices, currency=asked)
    (asset,) = document["byBaseAsset"]
    assert document["currency"] == told
    assert asset["unpriced"] == []
    if told == "BTC":
        assert round(Decimal(asset["netNotional"]), 12) == 3


def test_rates_lead_over_several_prices() -> None:
    rates = conversion_rates(
        [mark("BTC", "USDT", "100"), mark("ETH", "BTC", "0.05"), mark("EUR", "USD", "2")], "USDT", frozenset()
    )
    assert rates == {"USDT": 1, "BTC": 100, "ETH": 5}
    assert conversion_rates([mark("BTC", "USDT", "0"), mark("", "USDT", "5")], "USDT", frozenset()) == {"USDT": 1}


def test_rates_know_a_currency_by_all_its_codes() -> None:
    marks = [mark("XXBT", "ZUSD", "100"), mark("1000SHIB", "USD", "0.02")]
    rates = conversion_rates(marks, "USD", frozenset({"USD", "USDT"}))
    assert rates["ZUSD"] == rates["USDT"] == Decimal(1)
    assert rates["BTC"] == rates["XXBT"] == Decimal(100)
    assert rates["SHIB"] == Decimal("0.00002")


async def test_positions_come_from_the_books(tmp_path: Path) -> None:
    books = Books(BooksSettings(trader_id=TRADER, directory=tmp_path))
    try:
        books.record(placed())
        books.record(filled("1", "3", "100", **SPOT))
        assert books.wait_written(10)
        positions = BookPositions(books, TRADER)
        document = await positions.document(lambda: PRICES)
        assert [each["quantity"] for each in document["byBaseAsset"]] == ["3"]
        other = await BookPositions(books, "DESK-B-001").document(lambda: PRICES)
        assert other["byBaseAsset"] == []
        assert (document["complete"], document["unwrittenEvents"]) == (True, 0)
    finally:
        books.close()


async def test_open_positions_come_before_closed_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_POSITIONS > 2
    monkeypatch.setattr("trading_node.book_positions.MAX_POSITIONS", 2)
    books = Books(BooksSettings(trader_id=TRADER, directory=tmp_path))
    try:
        for number in range(3):
            books.record(filled(f"{number}.1", "3", "100", 5, f"O-{number}", position_id=f"P-{number}"))
            if number:
                closing: dict[str, Any] = {"position_id": f"P-{number}", "side": Side.SELL}
                books.record(filled(f"{number}.2", "3", "101", 9 + number, f"O-{number}", **closing))
        assert books.wait_written(10)
        document = await BookPositions(books, TRADER).document(lambda: PRICES)
        assert not document["complete"]
        assert [each["positionId"] for each in document["positions"]] == ["P-0"]
        (asset,) = document["byBaseAsset"]
        assert asset["realized"] == "3"
    finally:
        books.close()


async def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    url = "postgresql://desk:h0rse@127.0.0.1:1/books"
    books = Books(BooksSettings(trader_id=TRADER, directory=tmp_path, database=url))
    try:
        with pytest.raises(PositionsUnknownError, match=r"desk:\*\*\*@127.0.0.1:1/books does not answer"):
            await BookPositions(books, TRADER).document(lambda: PRICES)
    finally:
        books.close(0.1)
