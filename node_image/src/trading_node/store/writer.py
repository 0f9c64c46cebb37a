"""The writer: takes what the journal holds into the database in batches, on a thread and an event loop of its own."""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncEngine

from trading_node.store.batch import write_batch
from trading_node.store.claims import claim
from trading_node.store.codec import UnreadableEventError
from trading_node.store.engine import make_engine, without_password
from trading_node.store.frames import Record
from trading_node.store.journal import Journal, JournalError
from trading_node.store.migrate import SchemaError, migrate
from trading_node.store.rejected import put_aside
from trading_node.store.room import shortage
from trading_node.store.stats import LagHistogram

SYNC_AFTER_SECONDS = 1.0
"""An event that the database has not taken within this time is asked onto the disk; it may be after half of it."""
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_LOOK_SECONDS = 0.1
"""How often a writer that has nothing to write looks for more.

It is not told: to wake a thread is a system call, and while the trading thread makes one, another may take the
interpreter for milliseconds.
"""
_STUCK_AFTER = 3
"""So many attempts in a row: a driver whose connection breaks may raise anything once."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How batches are made."""

    batch_events: int = 2_000
    """Of a backlog; one that is larger is not written faster."""
    linger_seconds: float = 0.02
    """How long a batch that is not full waits for more."""

    def pause_after(self, events: int) -> float:
        """Return how long to wait after a batch: while little happens a batch costs more than its events."""
        if events >= self.batch_events // 2:
            return 0.0
        return self.linger_seconds if events >= self.batch_events // 16 else 6 * self.linger_seconds


class Writer:
    """Moves events from the journal, and from memory where the journal failed, into the database.

    `run` is the thread's whole life. Everything else may be called from any thread.
    """

    def __init__(
        self,
        *,
        url: URL,
        trader_id: str,
        about: Mapping[str, str],
        journal: Journal,
        memory: deque[tuple[int, bytes]],
        rejects: Path,
        pacing: Pacing,
    ) -> None:
        self._url = url
        self._trader_id = trader_id
        self._about = about
        self._journal = journal
        self._memory = memory
        self._rejects = rejects
        self._pacing = pacing
        self._deadline: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._oldest_ns = 0
        """Of what is being written; 0 while nothing is."""
        self._waiting: Record | None = None
        """The oldest event that the database has not taken, where it was seen to wait and is not being written."""
        self.progress = threading.Condition()
        """Notified after every batch and at every change of state."""
        self.lag = LagHistogram()
        self.revision = ""
        """Of the database's schema; empty until the database was reached for the first time."""
        self.failure = ""
        """Why the writer gave up, where it did."""
        self.last_error = ""
        self.database_up = False
        self.refused = ""
        """That events were refused, as long as the file of these is there."""
        self.stuck = ""
        """What again and again keeps events from being written that is neither the data nor a database that is away."""
        self.shortage = ""
        """What of the room for events is so short that the rest is to be kept, where that is so."""
        self._failed_in_a_row = 0
        self.events_written = self.batches = self.retries = self.rejected = 0
        self.lost = 0
        """Events that the database refused and that could not be put aside."""

    @property
    def lag_seconds(self) -> float:
        """Age of the oldest event that is being written, or has waited for the database for a while."""
        oldest, waiting = self._oldest_ns, self._waiting
        if not oldest and waiting is not None and waiting.sequence > self._journal.acked_sequence:
            oldest = waiting.time_ns
        return max(0.0, (time.time_ns() - oldest) / 1e9) if oldest else 0.0

    def stop(self, seconds: float) -> None:
        """Let the writer finish what is there, for so long at most."""
        self._deadline = time.monotonic() + seconds
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    def run(self) -> None:
        """Write until stopped."""
        try:
            asyncio.run(self._run())
        except SchemaError as error:
            self.failure = str(error)
        except Exception as error:  # noqa: BLE001 - the thread's last line: whatever it is, it must be told
            self.failure = f"the book writer ended with {type(error).__name__}: {without_password(str(error))}"
        finally:
            self.database_up = False
            with self.progress:
                self.progress.notify_all()

    @property
    def _time_is_up(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        engine = make_engine(self._url)
        keeping = asyncio.create_task(self._keep_on_disk())
        try:
            await self._migrate(engine)
            while not self._time_is_up:
                records, in_memory = self._next_batch()
                if records or in_memory:
                    await self._take(engine, records, in_memory)
                elif self._deadline is not None:
                    return
                else:
                    await self._wait()
        finally:
            keeping.cancel()
            await engine.dispose()

    async def _keep_on_disk(self) -> None:
        """See to it that the disk holds what the database does not take soon, whatever the database is doing."""
        seen = self._journal.last_sequence
        while True:
            self._see_shortage()
            await asyncio.sleep(SYNC_AFTER_SECONDS / 2)
            is_behind = self._journal.acked_sequence < seen
            seen = self._journal.last_sequence
            try:
                self._see_waiting(is_behind=is_behind)
                if self._journal.failure or (is_behind and not self._journal.is_synced):
                    self._journal.sync()
            except (JournalError, OSError) as trouble:
                self._note(str(trouble))

    def _see_shortage(self) -> None:
        journal = self._journal
        with suppress(OSError):  # Whether the volume is there at all is seen by what writes to it.
            self.shortage = shortage(journal.directory, used=journal.size, limit=journal.max_bytes)

    def _see_waiting(self, *, is_behind: bool) -> None:
        waiting = self._waiting
        if not is_behind:
            self._waiting = None
        elif not self._oldest_ns and (waiting is None or waiting.sequence <= self._journal.acked_sequence):
            self._waiting = self._journal.oldest()

    async def _migrate(self, engine: AsyncEngine) -> None:
        pause = _FIRST_PAUSE
        while not self._time_is_up:
            try:
                revision = await migrate(engine)
                await claim(engine, self._trader_id, self._about)
                self.revision = revision
            except SchemaError:
                raise
            except Exception as error:  # noqa: BLE001 - drivers raise anything while a database is away
                pause = await self._database_away(error, pause)
            else:
                self._database_here()
                return

    async def _wait(self) -> None:
        self._wake.clear()
        while not (self._journal.has_unread or self._memory or self._deadline is not None):
            with suppress(TimeoutError):  # A stop wakes it.
                await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)

    def _next_batch(self) -> tuple[list[Record], list[tuple[int, bytes]]]:
        records = self._journal.read(self._pacing.batch_events)
        return records, [self._memory[n] for n in range(min(len(self._memory), self._pacing.batch_events))]

    async def _take(self, engine: AsyncEngine, records: list[Record], in_memory: list[tuple[int, bytes]]) -> None:
        """Write one batch, for as long as it takes, and forget it where it came from."""
        told = [(record.time_ns, record.payload) for record in records] + in_memory
        self._oldest_ns = told[0][0]
        if not await self._write(engine, [payload for _, payload in told]):
            return
        if records:
            self._journal.ack(records[-1].sequence)
        for _ in in_memory:
            self._memory.popleft()
        now = time.time_ns()
        for moment, _ in told:
            self.lag.observe(max(0, now - moment) / 1e9)
        self.batches += 1
        self._oldest_ns = 0
        with self.progress:
            self.progress.notify_all()
        if self._deadline is None:
            await asyncio.sleep(self._pacing.pause_after(len(told)))

    async def _write(self, engine: AsyncEngine, payloads: Sequence[bytes]) -> bool:
        """Write the events; False when time was up before the database took them.

        A batch that the database refuses is halved until the refused event stands alone; that one is put aside. What is
        wrong with neither is wrong with this program: the events stay in the journal for a release that is right.
        """
        pause = _FIRST_PAUSE
        while True:
            connected = False
            try:
                async with engine.begin() as connection:
                    connected = True
                    await write_batch(connection, self._trader_id, payloads)
            except Exception as error:  # noqa: BLE001 - drivers raise anything while a database is away
                if connected and is_refusal(error):
                    return await self._without_refused(engine, payloads, error)
                self._count_failure(error, ours=connected and not isinstance(error, SQLAlchemyError | OSError))
                pause = await self._database_away(error, pause)
                if self._time_is_up:
                    return False
            else:
                self.events_written += len(payloads)
                self._failed_in_a_row, self.stuck = 0, ""
                self._database_here()
                return True

    def _count_failure(self, error: Exception, *, ours: bool) -> None:
        self._failed_in_a_row = self._failed_in_a_row + 1 if ours else 0
        if self._failed_in_a_row >= _STUCK_AFTER:
            says = without_password(f"{type(error).__name__}: {error}")
            self.stuck = f"the events cannot be written and stay in the journal ({says}): report this"

    async def _without_refused(self, engine: AsyncEngine, payloads: Sequence[bytes], error: Exception) -> bool:
        if len(payloads) == 1:
            self._reject(payloads[0], error)
            return True
        middle = len(payloads) // 2
        return await self._write(engine, payloads[:middle]) and await self._write(engine, payloads[middle:])

    async def _database_away(self, error: Exception, pause: float) -> float:
        """Note the trouble and pause; return the next pause."""
        self.database_up = False
        self.retries += 1
        self._note(f"{type(error).__name__}: {without_password(str(error)).splitlines()[0] if str(error) else ''}")
        self._wake.clear()
        remaining = pause if self._deadline is None else min(pause, max(0.0, self._deadline - time.monotonic()))
        with suppress(TimeoutError):  # A stop wakes it; new events do not, they can wait as well.
            await asyncio.wait_for(self._wake.wait(), remaining)
        return min(pause * 2, _LONGEST_PAUSE)

    def _database_here(self) -> None:
        if not self.database_up:
            self.database_up = True
            with self.progress:
                self.progress.notify_all()

    def _reject(self, payload: bytes, error: Exception) -> None:
        """Put an event aside that no retry can write."""
        self.rejected += 1
        reason = without_password(str(error))
        try:
            put_aside(self._rejects, payload, reason)
        except OSError as trouble:
            self.lost += 1
            self.refused = f"an event was refused and could not be put aside: {trouble.strerror}"
        else:
            self.refused = f"an event was refused and put into {self._rejects}: {reason}"
        self._note(self.refused)

    def _note(self, error: str) -> None:
        self.last_error = error
        with self.progress:
            self.progress.notify_all()


def is_refusal(error: BaseException | None) -> bool:
    """Whether an error is about the data, so that trying again cannot help.

    It is not about the database being away, and no mistake of this program, which a later release may not make.
    """
    by_driver = False
    while error is not None:
        if isinstance(error, StatementError):
            # SQLSTATE classes: 22 is data that cannot be, 23 a broken constraint.
            if str(getattr(error.orig, "sqlstate", "") or "")[:2] in ("22", "23"):
                return True
            by_driver = True
            error = error.orig
            continue
        if isinstance(error, _NO_DATA) or (by_driver and isinstance(error, _NO_DATA_TO_DRIVERS)):
            return True
        error = error.__cause__
    return False


_NO_DATA = (UnreadableEventError, ArithmeticError, UnicodeError)
"""What events raise that cannot be read, counted with or written as text."""
_NO_DATA_TO_DRIVERS = (ValueError, sqlite3.IntegrityError, sqlite3.DataError)
