"""A catalog's events in the order of time, in chunks, whatever the size of its files.

Files are read through Arrow rather than through Nautilus' own session: that one ends the process without a word when a
file is damaged or its mount fails, and it blocks the whole interpreter while it waits for the file system.
"""

import asyncio
import contextlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from operator import attrgetter

import pyarrow as pa
import pyarrow.parquet as pq
from nautilus_trader.core.data import Data

from trading_node.catalog.decode import decode
from trading_node.catalog.reader import DataFile
from trading_node.errors import catalog_unreadable
from trading_node.threads import in_daemon_thread

CHUNK_EVENTS = 4_000
"""Events of one source in memory at once, twice: one chunk is played while the next is read."""

type Chunk = list[Data]
_ts_init = attrgetter("ts_init")


def read_chunks(files: Iterable[DataFile], start_ns: int = 0) -> Iterator[Chunk]:
    """Yield the events of files in the order of ts_init, from start_ns on; blocks on the file system.

    Files of one type and one identifier follow each other in time. Events of the same time keep the order in which the
    files were given. Raises NodeError (CATALOG_UNREADABLE) that names a file which cannot be read or is out of order.
    """
    sources = [
        _read_source(list(group), start_ns) for _, group in groupby(files, lambda f: (f.data_type, f.identifier))
    ]
    return merge_chunks(sources)


def merge_chunks(sources: list[Iterator[Chunk]]) -> Iterator[Chunk]:
    """Merge sources, each in the order of ts_init, into one; equal times keep the order of the sources."""
    waiting: list[Chunk] = [[] for _ in sources]
    live = list(range(len(sources)))
    while True:
        for index in [i for i in live if not waiting[i]]:
            chunk = next(sources[index], None)
            if chunk:
                waiting[index] = chunk
            else:
                live.remove(index)
        if not live:
            return
        if len(live) == 1:
            (index,) = live
            yield waiting[index]
            waiting[index] = []
            continue
        # Of no source later events may be played than those up to which all sources are known.
        limit = min(waiting[index][-1].ts_init for index in live)
        merged: Chunk = []
        for index in live:
            cut = bisect_right(waiting[index], limit, key=_ts_init)
            merged += waiting[index][:cut]
            del waiting[index][:cut]
        merged.sort(key=_ts_init)
        yield merged


class ReadAhead:
    """Reads chunks in a thread, one ahead of what is played."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._next: asyncio.Task[Chunk | None] | None = None

    async def chunk(self) -> Chunk | None:
        """Return the next chunk, None at the end. Raises NodeError (CATALOG_UNREADABLE)."""
        current = await (self._next or self._read())
        self._next = self._read() if current is not None else None
        return current

    async def close(self) -> None:
        """Forget what is read ahead; a read that hangs is left behind."""
        if self._next is not None:
            self._next.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._next

    def _read(self) -> asyncio.Task[Chunk | None]:
        return asyncio.ensure_future(in_daemon_thread(partial(next, self._chunks, None), "read-ahead"))


def _read_source(files: list[DataFile], start_ns: int) -> Iterator[Chunk]:
    last_ns = 0
    for file in files:
        try:
            for batch in _batches(file, start_ns):
                times = batch.column("ts_init").to_numpy()
                if times[0] < last_ns or (times[1:] < times[:-1]).any():
                    raise catalog_unreadable(
                        f"{file.path} is not in the order of time, or overlaps with another file",
                        "Write its data again, sorted by ts_init",
                    )
                last_ns = int(times[-1])
                events = decode(file.data_type, batch)
                if times[0] < start_ns:
                    events = [event for event in events if event.ts_init >= start_ns]
                if events:
                    yield events
        except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
            raise catalog_unreadable(
                f"{file.path} cannot be read: {' '.join(str(error).split())}", "Write this file of the catalog again"
            ) from error


def _batches(file: DataFile, start_ns: int) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a file, without the row groups that end before start_ns."""
    with pq.ParquetFile(file.path) as parquet:
        column = parquet.schema_arrow.get_field_index("ts_init")
        if column < 0:
            raise KeyError("it has no column ts_init")
        statistics = [
            parquet.metadata.row_group(g).column(column).statistics for g in range(parquet.metadata.num_row_groups)
        ]
        wanted = [
            group
            for group, known in enumerate(statistics)
            if not (known and known.has_min_max and known.max < start_ns)
        ]
        for batch in parquet.iter_batches(CHUNK_EVENTS, row_groups=wanted):
            if batch.num_rows:
                yield batch
