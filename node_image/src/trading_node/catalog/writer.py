"""Writes a catalog whole or not at all."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from trading_node.errors import NodeError, usage_error

TRADES_PER_FILE = 250_000


@contextlib.contextmanager
def new_catalog(out: Path) -> Iterator[ParquetDataCatalog]:
    """Yield a catalog that appears at a path when the block ends without an error.

    A folder that is there already is filled and not replaced: it may be a mounted one, or that of the shell. Raises
    NodeError if something is in it, or if it cannot be written.
    """
    try:
        fills = out.exists()
        if fills and (not out.is_dir() or any(out.iterdir())):
            raise usage_error(f"{out} exists and is not empty", "Write the name of a new folder after --out")
        beside = out if fills else out.parent
        beside.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=beside))
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        yield ParquetDataCatalog(partial)
        if fills:
            for made in partial.iterdir():  # One folder with everything, so the catalog is there at once.
                made.rename(out / made.name)
        else:
            partial.chmod(0o755)
            partial.rename(out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unwritable(out: Path, error: OSError) -> NodeError:
    return usage_error(f"Cannot write to {out}: {error.strerror or error}", "Write the name of another folder")


def write_trades(
    catalog: ParquetDataCatalog, instrument: Instrument, trades: Iterable[TradeTick], per_file: int = TRADES_PER_FILE
) -> int:
    """Write an instrument and its trades, which must be in the order of time; return their number.

    Files are cut between different times, because a catalog wants its files not to overlap.
    """
    catalog.write_data([instrument])
    written = 0
    batch: list[TradeTick] = []
    for trade in trades:
        if len(batch) >= per_file and trade.ts_init > batch[-1].ts_init:
            catalog.write_data(batch)
            written += len(batch)
            batch = []
        batch.append(trade)
    if batch:
        catalog.write_data(batch)
    return written + len(batch)
