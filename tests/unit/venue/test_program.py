"""What a user tells the exchange on its command line is taken, or refused with what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.venue.__main__ import ROOMS, parse
from tests.venue.venue import Venue, VenueConfig


def venue_of(folder: Path, rows: str, symbol: str = "BTCUSDT") -> Venue:
    file = folder / "trades.csv"
    file.write_text(f"price,quantity,side\n{rows}\n")
    return Venue(VenueConfig(trades={symbol: file}))


def test_there_are_so_many_rooms() -> None:
    assert len(Venue().markets) == ROOMS


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "65533"], "write 0 to 65532: the rooms take the next 3 ports"),
        (["--port", "-1"], "write 0 to 65532"),
        (["--step-ms", "0"], "write at least 1"),
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(arguments)
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("row", ["39432.487,0.000263,sell", "50000,1e30,BUY", "50000.0,0.12345678901,Buy"])
async def test_any_trade_of_a_market_moves_it(tmp_path: Path, row: str) -> None:
    """Also one that is smaller than an order may be, or off the tick: real files are full of them."""
    venue = venue_of(tmp_path, row)
    for market in venue.markets.values():
        market.step(3)
    assert "BTCUSDT" in venue.futures.exchange.funds.last


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("50000,1,BUY\n-1,1,BUY", "row 2: price -1: write one between"),
        ("NaN,1,BUY", "row 1: price NaN: write one between"),
        ("50000,0,BUY", "row 1: quantity 0: write one above zero"),
        ("50000,Infinity,BUY", "row 1: quantity Infinity: write one above zero"),
        ("50000,1,HOLD", "row 1: needs the columns price,quantity,side"),
        ("50000,1", "row 1: needs the columns price,quantity,side"),
        ("", "holds no trades"),
    ],
)
def test_what_is_no_trade_is_refused_by_row(tmp_path: Path, rows: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        venue_of(tmp_path, rows)


def test_a_symbol_that_no_room_trades_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no room trades XYZ: write one of BTC-USDT"):
        venue_of(tmp_path, "50000,1,BUY", "XYZ")
