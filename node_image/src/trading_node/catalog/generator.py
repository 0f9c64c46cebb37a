"""Synthetic trades: the same seed gives the same trades on every machine."""

import random
from collections.abc import Iterator
from pathlib import Path

from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity

from trading_node.catalog.instruments import currency_pair, parse_instrument_id
from trading_node.catalog.writer import new_catalog, write_trades
from trading_node.errors import usage_error

START_NS = 1_767_571_200_000_000_000
"""2026-01-05 00:00:00 UTC, a Monday."""
MINUTE_NS = 60_000_000_000
PRICE_PRECISION = 2
SIZE_PRECISION = 5
FIRST_PRICE = 6_000_000
"""In units of the last decimal: 60000.00."""
MAX_MINUTES = 60 * 24 * 31


def generate_catalog(out: Path, *, seed: int, minutes: int, instrument_id: str) -> str:
    """Write a catalog of synthetic trades and return a line about it. Raises NodeError for what cannot be."""
    if not 1 <= minutes <= MAX_MINUTES:
        raise usage_error(f"--minutes {minutes} is not possible", f"Write 1 to {MAX_MINUTES}")
    instrument = currency_pair(parse_instrument_id(instrument_id), PRICE_PRECISION, SIZE_PRECISION)
    with new_catalog(out) as catalog:
        written = write_trades(catalog, instrument, generate_trades(instrument, seed=seed, minutes=minutes))
    return f"{out}: {written} SYNTHETIC trades of {instrument.id} over {minutes} min (seed {seed}), not market data"


def generate_trades(instrument: Instrument, *, seed: int, minutes: int) -> Iterator[TradeTick]:
    """Yield trades in the order of time.

    The price follows a drift that changes every few minutes, with a spread around it and noise on it, so that there are
    trends to follow and excursions to bet against. Whole numbers only: floating point differs between machines.
    """
    rng = random.Random(seed)  # noqa: S311  # reproducible, not secret
    time_ns, end_ns = START_NS, START_NS + minutes * MINUTE_NS
    value, drift, drift_ends = FIRST_PRICE * 1000, 0, START_NS
    number = 0
    while True:
        time_ns += rng.randint(5, 400) * 1_000_000
        if time_ns >= end_ns:
            return
        if time_ns >= drift_ends:
            drift_ends = time_ns + rng.randint(30, 240) * 1_000_000_000
            drift = rng.randint(-90_000, 90_000)
        noise = rng.randint(-400_000, 400_000) + rng.randint(-400_000, 400_000)
        value = max(value + drift + noise, 1_000_000)
        buyer = rng.randint(0, 1) == 1
        spread = rng.randint(1, 60) * 1000
        price = (value + spread if buyer else value - spread) // 1000
        size = rng.randint(1, 2_000) * rng.randint(1, 40)
        number += 1
        yield TradeTick(
            instrument_id=instrument.id,
            price=Price.from_str(_decimal(price, PRICE_PRECISION)),
            size=Quantity.from_str(_decimal(size, SIZE_PRECISION)),
            aggressor_side=AggressorSide.BUYER if buyer else AggressorSide.SELLER,
            trade_id=TradeId(str(number)),
            ts_event=time_ns,
            ts_init=time_ns,
        )


def _decimal(units: int, precision: int) -> str:
    digits = str(units).rjust(precision + 1, "0")
    return f"{digits[:-precision]}.{digits[-precision:]}"
