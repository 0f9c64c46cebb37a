"""Both sides are read as they are: books from their tables, the venue's ledger from its control API's JSON."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from tests.ledger.books import csv_query, read_books, sqlite_query
from tests.ledger.compare import differences
from tests.ledger.rooms import FUTURES, OKX, SPOT, LedgerRoom
from tests.ledger.rows import State
from tests.ledger.venue_rows import balances, venue_rows
from tests.unit.books.stories import TRADER
from tests.unit.books.test_books import lives
from tests.venue.control import ledger_of
from tests.venue.core.model import OrderKind, OrderRequest, Side, TimeInForce
from tests.venue.venue import Market, Venue, VenueConfig
from trading_node.store.books import Books, BooksSettings

DESK = "desk-a"


@pytest.fixture(scope="module")
def venue() -> Venue:
    async def make() -> Venue:
        return Venue(VenueConfig(seed=3))

    return asyncio.run(make())


def place(market: Market, symbol: str, side: Side, quantity: str, *, price: str | None, client_id: str) -> None:
    market.place(
        OrderRequest(
            DESK, symbol, side, OrderKind.MARKET if price is None else OrderKind.LIMIT, Decimal(quantity),
            None if price is None else Decimal(price), client_id=client_id,
            time_in_force=TimeInForce.IOC if price == "100" else TimeInForce.GTC,
        )
    )  # fmt: skip


@pytest.mark.parametrize("room", [FUTURES, SPOT, OKX], ids=lambda room: room.name)
def test_a_venues_ledger_in_the_words_of_the_comparison(venue: Venue, room: LedgerRoom) -> None:
    market, symbol = venue.markets[room.room], room.markets[0].symbol
    purse = balances(ledger_of(market, DESK))
    place(market, symbol, Side.SELL, "0.05", price=None, client_id="a")
    place(market, symbol, Side.BUY, "0.03", price="40000", client_id="b")
    place(market, symbol, Side.BUY, "0.03", price="100", client_id="c") if room is OKX else None
    rows = venue_rows(ledger_of(market, DESK), room, purse)
    states = {order.client_id: order.state for order in rows.orders}
    assert states == {"a": State.FILLED, "b": State.OPEN} | ({"c": State.CANCELED} if room is OKX else {})
    assert rows.positions[symbol] == Decimal("-0.05")
    (fill,) = rows.fills
    assert (fill.client_id, fill.side, fill.quantity, fill.fee_asset) == ("a", "SELL", Decimal("0.05"), "USDT")
    if room is SPOT:
        assert rows.worth == {}
    else:
        multiplier = Decimal(room.markets[0].multiplier)
        assert rows.worth[symbol] == fill.quantity * multiplier * fill.price - fill.fee


def test_books_are_read_without_the_products_code(tmp_path: Path) -> None:
    books = Books(BooksSettings(trader_id=TRADER, directory=tmp_path))
    for event in lives(12):
        books.record(event)
    assert books.close(30) == 0
    query = sqlite_query(tmp_path / "books.sqlite3")
    canonical = {row["instrument_id"]: "BTCUSDT" for row in query("SELECT instrument_id FROM unified_orders")}
    (tmp_path / "rejected.jsonl").write_text("{}\n{}\n")
    rows = read_books(query, canonical, tmp_path, unwritten=1)
    assert len(rows.orders) == 12
    assert rows.fills
    assert sum((1 if fill.side == "BUY" else -1) * fill.quantity for fill in rows.fills) == rows.positions["BTCUSDT"]
    filled = {event.trade_id for event in rows.events if event.kind == "FILLED"}
    assert filled == {fill.trade_id for fill in rows.fills}
    assert (rows.unwritten, rows.rejected) == (1, 2)


def test_what_psql_answers_is_read_as_text() -> None:
    asked = []

    def psql(statement: str) -> str:
        asked.append(statement)
        return 'a,b\n1,"{""x"": 2}"\n,\n'

    assert csv_query(psql)("SELECT a, b FROM t") == [{"a": "1", "b": '{"x": 2}'}, {"a": "", "b": ""}]
    assert asked == ["COPY (SELECT a, b FROM t) TO STDOUT WITH (FORMAT csv, HEADER)"]


def test_differences_are_none_between_nothing_and_nothing(venue: Venue) -> None:
    market = venue.markets["binance-spot"]
    empty = venue_rows(ledger_of(market, "desk-b"), SPOT, balances(ledger_of(market, "desk-b")))
    assert empty.positions == {"BTCUSDT": Decimal(0), "ETHUSDT": Decimal(0)}
    assert differences(read_books(lambda _statement: [], {}, Path("/nonexistent")), empty) == []
