"""Trades from a CSV or Parquet file, with errors that name the row and the column."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.objects import FIXED_PRECISION, PRICE_MAX, QUANTITY_MAX, Price, Quantity

from trading_node.catalog.cells import (
    Cell,
    CellError,
    Nanoseconds,
    decimals_of,
    parse_decimal,
    parse_side,
    parse_time,
    parse_trade_id,
    time_unit,
)
from trading_node.catalog.instruments import currency_pair, parse_instrument_id
from trading_node.catalog.writer import new_catalog, write_trades
from trading_node.errors import NodeError, usage_error
from trading_node.logs import rfc3339
from trading_node.termination import shorten

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "timestamp": ("timestamp", "time", "ts", "tsevent", "datetime", "date", "transacttime", "tradetime", "t"),
    "price": ("price", "px", "p", "rate"),
    "quantity": ("quantity", "qty", "size", "amount", "volume", "q"),
    "trade_id": ("tradeid", "id", "aggtradeid", "tid", "a"),
    "buyer_maker": ("buyermaker", "isbuyermaker", "m"),
    "side": ("side", "aggressorside", "takerside", "aggressor"),
}
"""Names under which columns are known, in small letters without separators; the first match counts."""
REQUIRED = ("timestamp", "price", "quantity")
GREATEST: Mapping[str, Decimal] = {"price": Decimal(PRICE_MAX), "quantity": Decimal(QUANTITY_MAX)}
BATCH_ROWS = 50_000
MAX_NAMES = 500
"""Letters of the columns' names that are repeated to a person."""

type Row = tuple[int, Mapping[str, Cell]]
"""Number of a row, counted from 1 without the header, and its cells by column."""


@dataclass(frozen=True)
class Trade:
    """One row of the file; time in UTC nanoseconds."""

    row: int
    time_ns: int
    price: Decimal
    quantity: Decimal
    trade_id: str
    aggressor: AggressorSide


@dataclass(frozen=True)
class Summary:
    """What a first reading of the file found."""

    price_precision: int
    size_precision: int
    first_ns: int
    last_ns: int
    unit: int


def import_trades(
    file: Path, out: Path, *, instrument_id: str, price_precision: int | None, size_precision: int | None
) -> str:
    """Write the trades of a file into a new catalog and return a line about it.

    Reads the file twice: first to check every row and to find the precisions, then to write. Raises NodeError (USAGE)
    that names row and column for what cannot be read, is out of order, or has more decimals than asked for.
    """
    parsed_id = parse_instrument_id(instrument_id)
    summary = summarize(file, price_precision, size_precision)
    instrument = currency_pair(parsed_id, summary.price_precision, summary.size_precision)
    with new_catalog(out) as catalog:
        trades = (to_tick(trade, parsed_id, summary) for trade in read_trades(file, summary.unit))
        written = write_trades(catalog, instrument, trades)
    return (
        f"{out}: {written} trades of {instrument.id}, {rfc3339(summary.first_ns)} to {rfc3339(summary.last_ns)}, "
        f"prices to {summary.price_precision} and sizes to {summary.size_precision} decimals"
    )


def summarize(file: Path, price_precision: int | None, size_precision: int | None) -> Summary:
    """Read a whole file once and check it."""
    unit = find_unit(file)
    most_price = most_size = rows = first_ns = last_ns = 0
    for trade in read_trades(file, unit):
        if rows and trade.time_ns < last_ns:
            raise _wrong(file, trade.row, "timestamp", "is earlier than the row before", "Sort the file by time")
        most_price = max(most_price, _checked(file, trade.row, "price", trade.price, price_precision))
        most_size = max(most_size, _checked(file, trade.row, "quantity", trade.quantity, size_precision))
        first_ns = first_ns if rows else trade.time_ns
        last_ns = trade.time_ns
        rows += 1
    if not rows:
        raise usage_error(f"{file} holds no trades", "Write at least one row below the header")
    return Summary(
        price_precision=most_price if price_precision is None else price_precision,
        size_precision=most_size if size_precision is None else size_precision,
        first_ns=first_ns,
        last_ns=last_ns,
        unit=unit,
    )


def find_unit(file: Path) -> int:
    """Return the nanoseconds of one unit of numeric timestamps, from the first row, for the whole file."""
    columns, rows = _open(file)
    for number, cells in rows:
        try:
            return time_unit(cells[columns["timestamp"]])
        except CellError as error:
            raise _wrong(file, number, columns["timestamp"], error.problem, error.remedy) from error
    return 1


def read_trades(file: Path, unit: int) -> Iterator[Trade]:
    """Yield the rows of a file as trades. Raises NodeError (USAGE) that names row and column."""
    columns, rows = _open(file)
    who = next((name for name in ("buyer_maker", "side") if name in columns), "")

    def cell[T](number: int, cells: Mapping[str, Cell], name: str, parse: Callable[[Cell], T]) -> T:
        column = columns[name]
        try:
            return parse(cells[column])
        except CellError as error:
            raise _wrong(file, number, column, error.problem, error.remedy) from error

    for number, cells in rows:
        aggressor = AggressorSide.NO_AGGRESSOR
        if who:
            aggressor = cell(number, cells, who, partial(parse_side, who))
        yield Trade(
            row=number,
            time_ns=cell(number, cells, "timestamp", lambda value: parse_time(value, unit)),
            price=cell(number, cells, "price", parse_decimal),
            quantity=cell(number, cells, "quantity", parse_decimal),
            trade_id=cell(number, cells, "trade_id", parse_trade_id) if "trade_id" in columns else str(number),
            aggressor=aggressor,
        )


def to_tick(trade: Trade, instrument_id: InstrumentId, summary: Summary) -> TradeTick:
    """Return a trade as Nautilus knows it."""
    return TradeTick(
        instrument_id=instrument_id,
        price=Price.from_str(f"{trade.price:.{summary.price_precision}f}"),
        size=Quantity.from_str(f"{trade.quantity:.{summary.size_precision}f}"),
        aggressor_side=trade.aggressor,
        trade_id=TradeId(trade.trade_id),
        ts_event=trade.time_ns,
        ts_init=trade.time_ns,
    )


def match_columns(names: Sequence[str]) -> dict[str, str]:
    """Return which of a file's columns is what. Raises ValueError that names a required one which is missing."""
    by_plain = {"".join(c for c in name.lower() if c.isalnum()): name for name in reversed(names)}
    found = {
        column: by_plain[synonym]
        for column, synonyms in SYNONYMS.items()
        for synonym in reversed(synonyms)
        if synonym in by_plain
    }
    missing = [column for column in REQUIRED if column not in found]
    if missing:
        there = shorten(", ".join(names), MAX_NAMES) or "none"
        raise ValueError(f"has no column {' or '.join(missing)} among {there}")
    return found


def _open(file: Path) -> tuple[dict[str, str], Iterator[Row]]:
    try:
        with file.open("rb") as opened:
            parquet = opened.read(4) == b"PAR1"
        names, rows = _open_parquet(file) if parquet else _open_csv(file)
        return match_columns(names), rows
    except OSError as error:
        raise usage_error(f"{file} cannot be read: {error.strerror or error}", "Write the path of a file") from error
    except (ValueError, pa.ArrowException) as error:
        raise usage_error(
            f"{file} {error}", "Needed are columns timestamp, price and quantity, with a header row in a CSV file"
        ) from error


def _open_csv(file: Path) -> tuple[list[str], Iterator[Row]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        try:
            names = next(csv.reader(opened), [])
        except csv.Error as error:
            raise ValueError(f"is no CSV file: {error}") from error
    return names, _csv_rows(file)


def _csv_rows(file: Path) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.reader(opened)
        names = next(reader)
        try:
            for number, cells in enumerate(reader, start=1):
                if not cells:
                    continue
                if len(cells) != len(names):
                    raise usage_error(
                        f"{file}, row {number}: has {len(cells)} cells, the header has {len(names)}", "Correct the row"
                    )
                yield number, dict(zip(names, cells, strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise usage_error(f"{file} is no CSV file in UTF-8: {error}", "Save it as CSV in UTF-8") from error


def _open_parquet(file: Path) -> tuple[list[str], Iterator[Row]]:
    with pq.ParquetFile(file) as parquet:
        names = list(parquet.schema_arrow.names)
    return names, _parquet_rows(file)


def _parquet_rows(file: Path) -> Iterator[Row]:
    number = 0
    try:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(BATCH_ROWS):
                columns = [_cells(column) for column in batch.columns]
                for values in zip(*columns, strict=True):
                    number += 1
                    yield number, dict(zip(batch.schema.names, values, strict=True))
    except (OSError, pa.ArrowException) as error:
        raise usage_error(f"{file} is truncated or damaged after row {number}: {error}", "Write it again") from error


def _cells(column: pa.Array) -> list[Cell]:
    if pa.types.is_timestamp(column.type):
        # Whole nanoseconds: Python's own datetime ends at microseconds.
        whole = column.cast(pa.timestamp("ns")).cast(pa.int64()).to_pylist()
        return [None if ns is None else Nanoseconds(ns) for ns in whole]
    cells: list[Cell] = column.to_pylist()
    return cells


def _checked(file: Path, row: int, column: str, value: Decimal, asked: int | None) -> int:
    """Return the decimals of a value that is positive, not too great, and has no more of them than it may."""
    if value <= 0:
        raise _wrong(file, row, column, f"is {value}", "Remove the row or write a number greater than 0")
    if value > GREATEST[column]:
        raise _wrong(file, row, column, f"is {value}", f"At most {GREATEST[column]} is possible: count in larger units")
    decimals = decimals_of(value)
    allowed = FIXED_PRECISION if asked is None else asked
    if decimals > allowed:
        raise _wrong(file, row, column, f"is {value}, which has {decimals} decimals", f"At most {allowed} are possible")
    return decimals


def _wrong(file: Path, row: int, column: str, problem: str, remedy: str) -> NodeError:
    return usage_error(f"{file}, row {row}: {column} {problem}", remedy)
