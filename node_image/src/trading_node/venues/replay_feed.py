"""Plays catalogs: one stream, in the order of time, for all Replay venues of a node, on one clock.

An event is handed to the engine as a function call and its consequences (orders, fills, further subscriptions) are
awaited before the next one. So no queue can grow, a strategy that is slower than the data slows the replay down
instead, and what a strategy does depends on the data alone, not on the speed.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from nautilus_trader.core.data import Data

from trading_node.catalog.reader import DataFile, count_rows
from trading_node.catalog.stream import Chunk, ReadAhead, read_chunks
from trading_node.errors import NodeError, catalog_unreadable
from trading_node.snapshot import Replay
from trading_node.threads import in_daemon_thread

SLICE_NS = 5_000_000
"""How long the replay may hold the event loop before HTTP, signals and reports get their turn."""
EVENTS_PER_CLOCK_READ = 32

_log = logging.getLogger(__name__)


class Engine(Protocol):
    """What plays the events."""

    @property
    def deliver(self) -> Callable[[Data], None]:
        """Process one event now, in this call."""

    @property
    def messages_sent(self) -> Callable[[], int]:
        """Count what has been set in motion: any change means that there are consequences to wait for."""

    @property
    def settle(self) -> Callable[[], Awaitable[None]]:
        """Wait for all consequences."""


class Source(Protocol):
    """What a venue's strategies want to hear."""

    def wanted(self) -> tuple[DataFile, ...]:
        """Return the files that hold what is subscribed now."""

    def missing(self) -> list[str]:
        """Return what is subscribed and not in the catalog, for a person."""

    def describe(self) -> str:
        """Say what the catalog holds."""


@dataclass(frozen=True)
class ReplayClock:
    """Maps times of the catalog to times of this machine; speed None is as fast as the node can."""

    speed: int | None
    first_event_ns: int
    started_ns: int

    def wait_ns(self, event_ns: int, now_ns: int) -> int:
        """Return how long an event is still to be held back; negative if it is late."""
        if self.speed is None:
            return 0
        return self.started_ns + (event_ns - self.first_event_ns) // self.speed - now_ns


class ReplayFeed:
    """The one stream of a node."""

    def __init__(self, speed: int | None) -> None:
        self._speed = speed
        self._sources: list[Source] = []
        self._changed = False
        self._events = 0
        self._total: int | None = None
        self._time_ns = 0
        self._clock: ReplayClock | None = None
        self._said_missing: set[str] = set()

    @property
    def accelerated(self) -> bool:
        """Whether the catalog's time runs faster than this machine's."""
        return self._speed != 1

    @property
    def time_ns(self) -> int:
        """Time of the last event, in the catalog's own time; 0 before the first."""
        return self._time_ns

    def add(self, source: Source) -> None:
        """Add a venue."""
        self._sources.append(source)

    def subscriptions_changed(self) -> None:
        """Have the stream opened anew before the next later event."""
        self._changed = True

    def progress(self) -> Replay:
        """Return how far the replay has come."""
        return Replay(events=self._events, total=self._total, time_ns=self._time_ns)

    async def play(self, engine: Engine) -> None:
        """Stream everything that is subscribed, to its end.

        Raises NodeError (CATALOG_UNREADABLE) if nothing subscribed is in the catalogs or a file cannot be read;
        lets through what a strategy raises. Strategies that want to hear nothing any more end it as well.
        """
        await engine.settle()
        files = self._require_files()
        self._total = await in_daemon_thread(partial(count_rows, files), "count-rows")
        resume_ns: int | None = 0
        while resume_ns is not None and files:
            self._changed = False
            chunks = ReadAhead(read_chunks(files, resume_ns))
            try:
                resume_ns = await self._play_until_change(chunks, engine)
            finally:
                await chunks.close()
            if resume_ns is not None:
                self._total = None  # other data from here on
                files = self._wanted_files()
        await engine.settle()

    async def _play_until_change(self, chunks: ReadAhead, engine: Engine) -> int | None:
        """Stream until the subscriptions change and return the time to go on from, or None at the end."""
        while (chunk := await chunks.chunk()) is not None:
            resume_ns = await self._play_chunk(chunk, engine)
            if resume_ns is not None:
                return resume_ns
        return None

    async def _play_chunk(self, chunk: Chunk, engine: Engine) -> int | None:
        deliver, messages_sent, clock = engine.deliver, engine.messages_sent, self._clock
        if clock is None:
            clock = self._clock = ReplayClock(self._speed, chunk[0].ts_init, time.monotonic_ns())
        paced = clock.speed is not None
        slice_end = time.monotonic_ns() + SLICE_NS
        until_clock_read = EVENTS_PER_CLOCK_READ
        sent = messages_sent()
        for event in chunk:
            ts: int = event.ts_init
            if self._changed and ts > self._time_ns:
                return ts
            if paced:
                wait_ns = clock.wait_ns(ts, time.monotonic_ns())
                if wait_ns > 0:
                    await asyncio.sleep(wait_ns / 1e9)
                    slice_end = time.monotonic_ns() + SLICE_NS
            deliver(event)
            self._events += 1
            self._time_ns = ts
            if messages_sent() != sent:
                await engine.settle()
                sent = messages_sent()
            until_clock_read -= 1
            if not until_clock_read:
                until_clock_read = EVENTS_PER_CLOCK_READ
                if time.monotonic_ns() >= slice_end:
                    await asyncio.sleep(0)
                    slice_end = time.monotonic_ns() + SLICE_NS
        return None

    def _require_files(self) -> tuple[DataFile, ...]:
        files = self._wanted_files()
        if not files:
            raise self._nothing_to_play(self._missing())
        return files

    def _missing(self) -> list[str]:
        return [text for source in self._sources for text in source.missing()]

    def _wanted_files(self) -> tuple[DataFile, ...]:
        for text in self._missing():
            if text not in self._said_missing:
                self._said_missing.add(text)
                _log.warning("a strategy subscribed to %s, which no catalog holds: it will hear nothing of it", text)
        return tuple(file for source in self._sources for file in source.wanted())

    def _nothing_to_play(self, missing: list[str]) -> NodeError:
        held = "; ".join(source.describe() for source in self._sources)
        wanted = ", ".join(missing) if missing else "nothing"
        return catalog_unreadable(
            f"The strategies subscribed to {wanted}; the catalogs hold {held}",
            "Subscribe in on_start to data that the catalogs hold, or import that data",
        )
