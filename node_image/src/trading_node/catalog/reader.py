"""What a Nautilus ParquetDataCatalog holds: its instruments, its files and what their footers say."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.persistence.funcs import class_to_filename, urisafe_identifier

from trading_node.catalog.decode import DECODERS
from trading_node.errors import catalog_unreadable

_REMEDY = "Point the catalog at a folder written by `trading-node catalog import` or by Nautilus itself"


@dataclass(frozen=True)
class DataFile:
    """One file of one type of data of one instrument (or bar type)."""

    data_type: type
    identifier: str
    """Instrument id or bar type, written as Nautilus writes it into paths."""
    path: str


@dataclass(frozen=True)
class OpenCatalog:
    """A catalog whose instruments are read and whose files are listed."""

    path: str
    instruments: tuple[Instrument, ...]
    files: tuple[DataFile, ...]

    def find(self, data_type: type, identifier: str) -> tuple[DataFile, ...]:
        """Return the files of a type of data of an instrument id or bar type, in the order of time."""
        safe = urisafe_identifier(identifier)
        return tuple(f for f in self.files if f.data_type is data_type and f.identifier == safe)

    def describe(self) -> str:
        """Say in one line which data there is."""
        names = sorted({f"{class_to_filename(f.data_type)} of {f.identifier}" for f in self.files})
        return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") if names else "no data"


def open_catalog(path: str | Path) -> OpenCatalog:
    """Read the instruments of a catalog and list its files; blocks on the file system.

    Raises NodeError (CATALOG_UNREADABLE) for a folder that is missing, empty or cannot be read.
    """
    folder = Path(path)
    try:
        if not folder.is_dir():
            raise catalog_unreadable(f"There is no catalog at {folder}", _REMEDY)
        if not (folder / "data").is_dir():
            raise catalog_unreadable(f"The folder {folder} holds no Nautilus catalog: it has no folder data/", _REMEDY)
        catalog = ParquetDataCatalog(folder)
        files = tuple(
            DataFile(data_type, Path(file).parent.name, file)
            for data_type in DECODERS
            for file in sorted(catalog.get_file_list_from_data_cls(data_type))
        )
        instruments = tuple(catalog.instruments())
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise catalog_unreadable(f"The catalog at {folder} cannot be read: {error}", _REMEDY) from error
    if not files:
        raise catalog_unreadable(f"The catalog at {folder} is empty: it holds no market data", _REMEDY)
    if not instruments:
        raise catalog_unreadable(
            f"The catalog at {folder} holds no instruments", "Write the instruments of its data into the catalog too"
        )
    return OpenCatalog(str(folder), instruments, files)


def count_rows(files: Iterable[DataFile]) -> int:
    """Return how many events are in files, from their footers; blocks on the file system.

    Raises NodeError (CATALOG_UNREADABLE) that names a file which is truncated or no Parquet at all.
    """
    return sum(_rows(file) for file in files)


def time_range(files: Iterable[DataFile]) -> tuple[int, int]:
    """Return the first and the last ts_init of files, from their footers; blocks on the file system."""
    ranges = [bounds for file in files if (bounds := _time_range(file)) is not None]
    return (min(first for first, _ in ranges), max(last for _, last in ranges)) if ranges else (0, 0)


def _rows(file: DataFile) -> int:
    return int(_footer(file).num_rows)


def _time_range(file: DataFile) -> tuple[int, int] | None:
    footer = _footer(file)
    column = footer.schema.to_arrow_schema().get_field_index("ts_init")
    kind = None if column < 0 else footer.schema.to_arrow_schema().field(column).type
    if kind is None or not pa.types.is_integer(kind):
        problem = "it has no column ts_init" if kind is None else f"its ts_init is {kind} and no whole number"
        raise catalog_unreadable(f"{file.path} cannot be read: {problem}", "Write this file of the catalog again")
    groups = [footer.row_group(g).column(column).statistics for g in range(footer.num_row_groups)]
    if all(statistics is not None and statistics.has_min_max for statistics in groups):
        return (min(s.min for s in groups), max(s.max for s in groups)) if groups else None
    return _time_range_of_rows(file)


def _time_range_of_rows(file: DataFile) -> tuple[int, int] | None:
    """Return what the footer does not tell; a file without rows has no times."""
    try:
        bounds = pc.min_max(pq.read_table(file.path, columns=["ts_init"]).column("ts_init")).as_py()
    except (OSError, pa.ArrowException) as error:
        raise catalog_unreadable(
            f"{file.path} cannot be read: {error}", "Write this file of the catalog again"
        ) from error
    return None if bounds["min"] is None else (bounds["min"], bounds["max"])


def _footer(file: DataFile) -> pq.FileMetaData:
    try:
        return pq.read_metadata(file.path)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise catalog_unreadable(
            f"{file.path} is truncated or no Parquet file: {error}", "Write this file of the catalog again"
        ) from error
