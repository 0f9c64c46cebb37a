"""The books as their tables have them: plain SQL through the database's own tools, none of the product's code."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from tests.ledger.rows import BookRows, EventRow, FillRow, OrderRow, State

type Query = Callable[[str], list[dict[str, str]]]
"""Runs one SELECT; every value comes as text, NULL as an empty one."""

# Both databases understand these. Amounts come as text: no float on the way.
_ORDERS = """
SELECT client_order_id, venue_order_id, instrument_id, side, strategy_id, status, order_type,
       CAST(quantity AS TEXT) AS quantity, CAST(price AS TEXT) AS price, CAST(filled_quantity AS TEXT) AS filled
FROM unified_orders ORDER BY operation_id"""
_FILLS = """
SELECT client_order_id, trade_id, instrument_id, side, commission_currency,
       CAST(quantity AS TEXT) AS quantity, CAST(price AS TEXT) AS price, CAST(commission AS TEXT) AS commission
FROM unified_fills WHERE NOT voided ORDER BY fill_id"""
_POSITIONS = """
SELECT instrument_id, CAST(quantity AS TEXT) AS quantity, CAST(multiplier AS TEXT) AS multiplier,
       CAST(average_price AS TEXT) AS average_price, CAST(realized_profit AS TEXT) AS realized_profit
FROM unified_positions"""
_EVENTS = "SELECT event_id, operation_id, kind, payload FROM unified_events ORDER BY sequence"

_STATES = {
    "INITIALIZED": State.IN_FLIGHT,
    "EMULATED": State.IN_FLIGHT,
    "RELEASED": State.IN_FLIGHT,
    "SUBMITTED": State.IN_FLIGHT,
    "ACCEPTED": State.OPEN,
    "TRIGGERED": State.OPEN,
    "PENDING_UPDATE": State.OPEN,
    "PENDING_CANCEL": State.OPEN,
    "PARTIALLY_FILLED": State.OPEN,
    "FILLED": State.FILLED,
    "CANCELED": State.CANCELED,
    "EXPIRED": State.EXPIRED,
    "DENIED": State.REFUSED,
    "REJECTED": State.REFUSED,
}


def sqlite_query(file: Path) -> Query:
    def run(statement: str) -> list[dict[str, str]]:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            cursor = connection.execute(statement)
            names = [column[0] for column in cursor.description]
            return [
                {name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)}
                for row in cursor
            ]

    return run


def csv_query(run: Callable[[str], str]) -> Query:
    """Take what `psql` answers to COPY ... TO STDOUT."""

    def query(statement: str) -> list[dict[str, str]]:
        answer = run(f"COPY ({statement.strip()}) TO STDOUT WITH (FORMAT csv, HEADER)")
        usual = csv.field_size_limit(1 << 24)
        try:
            return list(csv.DictReader(io.StringIO(answer)))
        finally:
            csv.field_size_limit(usual)  # it is the whole process'

    return query


def read_books(query: Query, symbols: Mapping[str, str], directory: Path, unwritten: int = 0) -> BookRows:
    """Read all tables.

    symbols: the venue's symbol by canonical instrument id; a KeyError is an instrument that nobody traded.
    directory: of the books, for what the database refused. unwritten: events that the node's last word left there.
    """
    positions: dict[str, Decimal] = {}
    worth: dict[str, Decimal] = {}
    for row in query(_POSITIONS):
        symbol, quantity = symbols[row["instrument_id"]], Decimal(row["quantity"])
        cost = quantity * Decimal(row["multiplier"]) * Decimal(row["average_price"] or 0)
        positions[symbol] = positions.get(symbol, Decimal(0)) + quantity
        worth[symbol] = worth.get(symbol, Decimal(0)) + Decimal(row["realized_profit"]) - cost
    rejected = directory / "rejected.jsonl"
    return BookRows(
        orders=tuple(_order(row, symbols) for row in query(_ORDERS)),
        fills=tuple(_fill(row, symbols) for row in query(_FILLS)),
        events=tuple(_event(row) for row in query(_EVENTS)),
        positions=positions,
        worth=worth,
        unwritten=unwritten,
        rejected=len(rejected.read_text(encoding="utf-8").splitlines()) if rejected.exists() else 0,
    )


def _order(row: dict[str, str], symbols: Mapping[str, str]) -> OrderRow:
    limit = row["price"] and "LIMIT" in row["order_type"]
    return OrderRow(
        client_id=row["client_order_id"],
        venue_id=row["venue_order_id"],
        symbol=symbols.get(row["instrument_id"], row["instrument_id"]),
        side=row["side"],
        quantity=Decimal(row["quantity"] or 0),
        price=Decimal(row["price"]) if limit else None,
        filled=Decimal(row["filled"]),
        state=_STATES[row["status"]],
        owner=row["strategy_id"],
    )


def _fill(row: dict[str, str], symbols: Mapping[str, str]) -> FillRow:
    return FillRow(
        trade_id=row["trade_id"],
        client_id=row["client_order_id"],
        symbol=symbols.get(row["instrument_id"], row["instrument_id"]),
        side=row["side"],
        quantity=Decimal(row["quantity"]),
        price=Decimal(row["price"]),
        fee=Decimal(row["commission"]),
        fee_asset=row["commission_currency"],
    )


def _event(row: dict[str, str]) -> EventRow:
    trade = ""
    if row["kind"] == "FILLED":
        trade = json.loads(row["payload"][1:])["trade_id"]
    elif row["kind"] == "FILL_VOIDED":
        # trader|account|instrument|trade|side; traders, instruments and accounts hold no bar.
        trade = json.loads(row["payload"][1:])["fill_id"].split("|")[3]
    return EventRow(
        event_id=row["event_id"],
        client_id=row["operation_id"].partition("/")[2],
        kind=row["kind"],
        trade_id=trade,
    )
