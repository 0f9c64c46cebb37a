"""The demo's market data: a seeded generator, or a person's own trades."""

from dataclasses import dataclass
from pathlib import Path

from trading_node.catalog.generator import generate_catalog
from trading_node.catalog.reader import open_catalog, time_range
from trading_node.catalog.trades_file import import_trades

SYNTHETIC_MINUTES = 30
SYNTHETIC_SEED = 7
SECONDS_TO_WATCH = 25
"""How long the demo's replay takes, about: its speed is chosen for it."""
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class DemoCatalog:
    """A catalog that was made for the demo."""

    description: str
    """One line for a person: what it holds and where it is from."""
    speed: int
    """Times real time at which it is replayed within SECONDS_TO_WATCH."""


def speed_for(span_ns: int) -> int:
    """Return the whole speed, at least 1, at which a span of data takes SECONDS_TO_WATCH."""
    return max(1, round(span_ns / NANOSECONDS / SECONDS_TO_WATCH))


def make_catalog(folder: Path, data: Path | None, instrument: str) -> DemoCatalog:
    """Write the catalog into a new folder.

    Raises trading_node.errors.NodeError, with the remedy, for a file that cannot be read as trades.
    """
    if data is None:
        text = generate_catalog(folder, seed=SYNTHETIC_SEED, minutes=SYNTHETIC_MINUTES, instrument_id=instrument)
    else:
        text = import_trades(data, folder, instrument_id=instrument, price_precision=None, size_precision=None)
    catalog = open_catalog(folder)
    first, last = time_range(catalog.files)
    _, _, description = text.partition(": ")
    source = "synthetic, from the seeded generator" if data is None else f"your file {data.name}"
    return DemoCatalog(f"{source}: {description or text}", speed_for(last - first))
