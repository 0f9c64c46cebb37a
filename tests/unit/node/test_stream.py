"""All data of catalogs in the order of time, whatever the types, the files and the sizes of chunks."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.identifiers import InstrumentId

from tests.examples import examples
from tests.unit.node import market
from trading_api.exit_codes import ExitCode
from trading_node.catalog import stream
from trading_node.catalog.reader import OpenCatalog, count_rows, open_catalog, time_range
from trading_node.catalog.stream import ReadAhead, merge_chunks, read_chunks
from trading_node.catalog.trades_file import import_trades
from trading_node.errors import NodeError

SECOND = 1_000_000_000


class Event(NamedTuple):
    ts_init: int
    source: int


def play(files: Any, start_ns: int = 0) -> list[Any]:
    return [event for chunk in read_chunks(files, start_ns) for event in chunk]


@examples(20)
@given(
    st.lists(st.lists(st.integers(0, 30), max_size=20).map(sorted), max_size=4),
    st.integers(1, 7),
)
def test_merging_loses_nothing_and_keeps_the_order(times: list[list[int]], size: int) -> None:
    sources = [[Event(ts, number) for ts in series] for number, series in enumerate(times)]
    chunked = [iter([source[i : i + size] for i in range(0, len(source), size)]) for source in sources]
    merged = [event for chunk in merge_chunks(chunked) for event in chunk]
    assert sorted(merged) == sorted(event for source in sources for event in source)
    assert [event.ts_init for event in merged] == sorted(event.ts_init for event in merged)
    for number, source in enumerate(sources):
        assert [event for event in merged if event.source == number] == source


def test_every_type_is_replayed_as_it_was_written(tmp_path: Path) -> None:
    series = [[make((index + 1 + 10 * n) * SECOND) for n in range(3)] for index, make in enumerate(market.ALL_TYPES)]
    catalog = market.write_catalog(tmp_path / "catalog", *series)
    written = sorted((event for events in series for event in events), key=lambda event: event.ts_init)
    assert [repr(event) for event in play(catalog.files)] == [repr(event) for event in written]
    assert count_rows(catalog.files) == len(written)
    assert time_range(catalog.files) == (written[0].ts_init, written[-1].ts_init)


def test_catalogs_are_merged_into_one_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CHUNK_EVENTS", 7)
    rng = random.Random(3)
    eth = InstrumentId.from_str("ETHUSDT.KRAKEN")
    times = [sorted(rng.sample(range(1, 500), 60)) for _ in range(3)]
    one = market.write_catalog(
        tmp_path / "one", [market.trade(ns) for ns in times[0]], [market.quote(ns) for ns in times[1]]
    )
    two = market.write_catalog(tmp_path / "two", [market.trade(ns, eth) for ns in times[2]])
    events = play((*one.files, *two.files))
    assert [event.ts_init for event in events] == sorted(ts for series in times for ts in series)
    assert [event.ts_init for event in events if event.instrument_id == eth] == times[2]


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> OpenCatalog:
    return market.write_catalog(
        tmp_path_factory.mktemp("minute") / "catalog", [market.trade(ns) for ns in range(1, 61)]
    )


@pytest.mark.parametrize("start", [0, 1, 30, 31, 60, 61])
def test_it_starts_anywhere_in_time(minute: OpenCatalog, start: int) -> None:
    assert [event.ts_init for event in play(minute.files, start)] == list(range(max(start, 1), 61))


def test_files_of_one_series_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "catalog"
    market.write_catalog(path, [market.trade(ns) for ns in (1, 2)], [market.trade(ns) for ns in (3, 4)])
    catalog = open_catalog(path)
    assert len(catalog.files) == 2
    assert [event.ts_init for event in play(catalog.files)] == [1, 2, 3, 4]
    with pytest.raises(NodeError, match="not in the order of time"):
        play(tuple(reversed(catalog.files)))


def test_a_file_without_the_columns_is_named(tmp_path: Path) -> None:
    catalog = market.write_catalog(tmp_path / "catalog", [market.trade(1)])
    (file,) = catalog.files
    table = pq.read_table(file.path)
    for columns in (table.drop_columns(["ts_init"]), table.drop_columns(["price"])):
        pq.write_table(columns, file.path)
        with pytest.raises(NodeError, match="cannot be read") as error:
            play(catalog.files)
        assert file.path in str(error.value)


def rewritten(folder: Path, change: Callable[[pa.Table], pa.Table], **options: Any) -> OpenCatalog:
    """Return a catalog whose only file of trades another program has written again."""
    file = folder / "trades.csv"
    file.write_text("timestamp,price,quantity\n" + "".join(f"{1_610_064_000 + i},1.5,2\n" for i in range(9)))
    arguments: dict[str, Any] = {"price_precision": None, "size_precision": None}
    import_trades(file, folder / "catalog", instrument_id="BTCUSDT.BINANCE", **arguments)
    (data,) = (file for file in open_catalog(folder / "catalog").files if "trade_tick" in file.path)
    pq.write_table(change(pq.read_table(data.path)), data.path, **options)
    return open_catalog(folder / "catalog")


def test_a_file_without_metadata_is_named(tmp_path: Path) -> None:
    catalog = rewritten(tmp_path, lambda table: table.replace_schema_metadata({}))
    with pytest.raises(NodeError, match="the schema has no metadata") as error:
        play(catalog.files)
    assert error.value.exit_code is ExitCode.CATALOG_UNREADABLE


@pytest.mark.parametrize(
    ("times", "says"),
    [(None, "it has no column ts_init"), (pa.array(["x"] * 9), "its ts_init is string and no whole number")],
)
def test_a_file_whose_times_cannot_be_told_is_named(tmp_path: Path, times: pa.Array | None, says: str) -> None:
    def change(table: pa.Table) -> pa.Table:
        without = table.drop_columns(["ts_init"])
        return without if times is None else without.append_column("ts_init", times)

    with pytest.raises(NodeError, match=says) as error:
        time_range(rewritten(tmp_path, change).files)
    assert error.value.exit_code is ExitCode.CATALOG_UNREADABLE


def test_the_times_of_a_file_without_statistics_are_those_of_its_rows(tmp_path: Path) -> None:
    catalog = rewritten(tmp_path, lambda table: table, write_statistics=False)
    assert time_range(catalog.files) == (1_610_064_000_000_000_000, 1_610_064_008_000_000_000)


async def test_reading_ahead_gives_the_same_and_can_be_given_up(tmp_path: Path) -> None:
    catalog = market.write_catalog(tmp_path / "catalog", [market.trade(ns) for ns in range(1, 9_001)])
    ahead = ReadAhead(read_chunks(catalog.files))
    events = []
    while (chunk := await ahead.chunk()) is not None:
        events += chunk
    assert [event.ts_init for event in events] == list(range(1, 9_001))
    again = ReadAhead(read_chunks(catalog.files))
    assert await again.chunk()
    await again.close()
