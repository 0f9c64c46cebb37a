"""The demo's market data: a seeded generator, or a person's own trades, and how they can be traded in a demo."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.instruments import CurrencyPair, Instrument

from tests.demo.steps import DemoError
from trading_node.catalog.generator import generate_catalog
from trading_node.catalog.reader import OpenCatalog, count_rows, open_catalog, time_range
from trading_node.catalog.stream import read_chunks
from trading_node.catalog.trades_file import import_trades

SYNTHETIC_MINUTES = 30
SYNTHETIC_SEED = 7
SECONDS_TO_WATCH = 25.0
"""How long the demo's replay takes, about, where the data allows it."""
MOST_SPEED = 1_000_000
"""The highest number of times real time that the API takes."""
MOST_SECONDS_AT_MOST_SPEED = 60
"""A replay that takes longer at the highest number is played as fast as the node can."""
TRADES_PER_SECOND = 5_000
"""What a node at least replays on two busy cores."""
MOST_TRADES = 3_000_000
"""What it replays in ten minutes; more is no demo."""
MOST_PRICE = Decimal(10**10)
"""Of whole coins at a higher price an account of so many orders could not be counted."""
MOST_SIZE = Decimal(10**12)
NOTIONAL = Decimal(1_000)
"""What one order is about, in the quote currency."""
BALANCE = 1_000_000
"""What the account begins with, in the quote currency, unless one order is much of it."""
BALANCE_IN_ORDERS = 100
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class Replay:
    """How the data is played."""

    speed: int | str
    """Times real time, or Maximum."""
    seconds: float
    """How long it takes at most, about."""


@dataclass(frozen=True)
class DemoCatalog:
    """A catalog that was made for the demo."""

    description: str
    """One line for a person: what it holds and where it is from."""
    trades: int
    replay: Replay
    trade_size: Decimal
    """What the example strategy buys at a time."""
    balance: str
    """What the account begins with: an amount and the currency that the instrument is paid in."""


def plan_replay(span_ns: int, trades: int, seconds: float = SECONDS_TO_WATCH) -> Replay:
    """Return the speed at which data is over within some seconds, as far as the API and the node can be that fast."""
    busy = trades / TRADES_PER_SECOND
    span = span_ns / NANOSECONDS
    if span / MOST_SPEED > MOST_SECONDS_AT_MOST_SPEED:
        return Replay("Maximum", busy)
    speed = min(max(1, round(span / seconds)), MOST_SPEED)
    return Replay(speed, max(span / speed, busy))


def choose_trade_size(price: Decimal, increment: Decimal) -> Decimal:
    """Return the quantity, one digit and zeros, that costs NOTIONAL or a little less; at least one increment."""
    wanted = min(NOTIONAL / price, MOST_SIZE)
    if wanted <= increment:
        return increment
    digit = Decimal(1).scaleb(wanted.adjusted())
    # Both are powers of ten: what is whole in the one is whole in the other.
    return max(wanted // digit * digit, increment)


def choose_balance(price: Decimal, trade_size: Decimal) -> int:
    """Return an amount of the quote currency that pays for many orders."""
    return max(BALANCE, int(price * trade_size * BALANCE_IN_ORDERS) + 1)


def make_catalog(folder: Path, data: Path | None, instrument: str, seconds: float = SECONDS_TO_WATCH) -> DemoCatalog:
    """Write the catalog into a new folder.

    Raises trading_node.errors.NodeError, with the remedy, for a file that cannot be read as trades, and DemoError for
    trades that no demo can be made of.
    """
    if data is None:
        text = generate_catalog(folder, seed=SYNTHETIC_SEED, minutes=SYNTHETIC_MINUTES, instrument_id=instrument)
    else:
        _check_rows(data)
        text = import_trades(data, folder, instrument_id=instrument, price_precision=None, size_precision=None)
    catalog = open_catalog(folder)
    first, last = time_range(catalog.files)
    trades = count_rows(catalog.files)
    _, _, description = text.partition(": ")
    source = "synthetic, from the seeded generator" if data is None else f"your file {data.name}"
    # What was just written is what is made for trades: a spot pair, with one unit of the last decimal as increment.
    pair = catalog.instruments[0]
    price = _first_price(catalog, pair)
    if price > MOST_PRICE:
        raise DemoError(f"a price of {price} is too high for the account of a demo: at most {MOST_PRICE:f} is possible")
    size = choose_trade_size(price, pair.size_increment.as_decimal())
    return DemoCatalog(
        description=f"{source}: {description or text}",
        trades=trades,
        replay=plan_replay(last - first, trades, seconds),
        trade_size=size,
        balance=f"{choose_balance(price, size)} {pair.quote_currency.code}",
    )


def _check_rows(file: Path) -> None:
    """Refuse what is too long before minutes are spent on reading it; what cannot be read is told by who reads it."""
    try:
        rows = _count_rows(file)
    except (OSError, pa.ArrowException, ValueError):
        return
    if rows > MOST_TRADES:
        minutes = rows / TRADES_PER_SECOND / 60
        raise DemoError(
            f"{file} has about {rows:,} trades, whose replay takes {minutes:.0f} minutes as fast as a node can. Take a "
            f"part of it, at most {MOST_TRADES:,}, such as the first million: head -n 1000001 trades.csv > part.csv"
        )


def _count_rows(file: Path) -> int:
    with file.open("rb") as opened:
        if opened.read(4) == b"PAR1":
            return int(pq.read_metadata(file).num_rows)
        return sum(block.count(b"\n") for block in iter(lambda: opened.read(1 << 20), b""))


def _first_price(catalog: OpenCatalog, instrument: Instrument) -> Decimal:
    assert isinstance(instrument, CurrencyPair)
    tick = next(read_chunks(catalog.find(TradeTick, str(instrument.id))))[0]
    price: Decimal = tick.price.as_decimal()
    return price
