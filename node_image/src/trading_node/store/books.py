"""The books as the node uses them: tell them events, ask whether they are well, close them."""

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL

from trading_node.book_events import BookEvent, Noted
from trading_node.store.codec import LETTERS, UNTRANSLATED, encode_somehow, to_json
from trading_node.store.engine import database_url, embedded_url, shown
from trading_node.store.journal import JournalError, SyncPolicy, open_journal
from trading_node.store.rejected import REJECTED, count_rejected
from trading_node.store.room import free_bytes
from trading_node.store.stats import BookStats, Health
from trading_node.store.writer import Pacing, Writer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksSettings:
    """Where and how the books are kept."""

    trader_id: str
    directory: Path
    """Holds the journal, and the embedded database where no other is named."""
    database: str = ""
    """URL of a PostgreSQL or SQLite database; empty for the embedded one."""
    journal_bytes: int = 1024 * 1024 * 1024
    """How much the journal may hold while the database is away: some three million events."""
    memory_events: int = 20_000
    """How many events are held in memory when the journal takes none."""
    sync: SyncPolicy = SyncPolicy.BEHIND
    salvage: bool = False
    """Go on although records of the journal are lost."""
    pacing: Pacing = field(default_factory=Pacing)
    about: Mapping[str, str] = field(default_factory=dict)
    """What the trader's books are about, by subject: a database where they are about something else is refused."""

    @property
    def url(self) -> URL:
        """The database's URL. Raises DatabaseUrlError."""
        return database_url(self.database) if self.database else embedded_url(self.directory)


class Books:
    """The order, fill and position books of one trader."""

    def __init__(self, settings: BooksSettings) -> None:
        """Open the journal and start writing what an earlier run left in it.

        Raises DatabaseUrlError and JournalError. A database that is away is no error: see `wait_ready`.
        """
        self._url = settings.url
        self._rejects = settings.directory / REJECTED
        try:
            former = count_rejected(self._rejects)
        except OSError as error:
            raise JournalError(f"{self._rejects} cannot be read: {error.strerror}") from error
        self.journal = open_journal(
            settings.directory / "journal",
            max_bytes=settings.journal_bytes,
            policy=settings.sync,
            salvage_damage=settings.salvage,
        )
        self.memory: deque[tuple[int, bytes]] = deque()
        """What the journal did not take."""
        self._memory_limit = settings.memory_events
        self.lost = 0
        """Events that nothing could take."""
        self.untranslated = 0
        """Events that are in the log as they came and in no table."""
        self.untold = ""
        """The first operation of which such an event was; its row is wrong, and so may its position be."""
        self._journal_error = ""
        self._closed = False
        self.writer = Writer(
            url=self._url,
            trader_id=settings.trader_id,
            about=settings.about,
            journal=self.journal,
            memory=self.memory,
            rejects=self._rejects,
            pacing=settings.pacing,
        )
        if former:
            self.writer.refused = (
                f"{former} events that the database refused earlier are in {self._rejects}: see `trading-node books "
                "rejected`"
            )
        self._thread = threading.Thread(target=self.writer.run, name="books", daemon=True)
        self._thread.start()

    @property
    def url(self) -> URL:
        """The database's URL, password included."""
        return self._url

    @property
    def database(self) -> str:
        """The database's URL for people: without password."""
        return shown(self._url)

    def record(self, event: BookEvent) -> None:
        """Take an event; always from the same thread.

        When this returns a killed process no longer loses it, unless `health` says otherwise. It raises nothing.
        """
        now = time.time_ns()
        try:
            payload = LETTERS[type(event)] + to_json(event)  # `encode`, without the call.
        except Exception as error:  # noqa: BLE001 - whatever is in it: what came out would end the node
            payload, whole = encode_somehow(event, error)
            if not whole:
                self._count_untranslated(event.operation_id, type(error).__name__)
        if type(event) is Noted and event.topic == UNTRANSLATED:
            self._count_untranslated(event.operation_id, event.details.get("why", ""))
        try:
            self.journal.append(payload, now)
        except (JournalError, ValueError) as error:
            self._not_journaled(now, payload, error)

    def _count_untranslated(self, operation_id: str, why: str) -> None:
        self.untranslated += 1
        if operation_id and not self.untold:
            self.untold = f"{operation_id} ({why})"

    def _not_journaled(self, moment: int, payload: bytes, error: Exception) -> None:
        self._journal_error = str(error)
        if len(self.memory) < self._memory_limit and not self._closed:
            self.memory.append((moment, payload))
        else:
            self.lost += 1

    def health(self) -> Health:
        """Return whether new orders may rely on the books, and if not, why."""
        writer = self.writer
        refused = writer.refused
        if refused and not writer.lost and not self._has_rejects():
            writer.refused = ""  # Somebody has dealt with them.
            if self._has_rejects():
                writer.refused = refused  # The writer has found another one meanwhile.
        reasons = (
            self.lost and f"{self.lost} events are lost: {self._journal_error}",
            writer.lost and writer.refused,
            self.memory and f"the journal takes no events: {self._journal_error}",
            self.untold and f"an event could not be told as what it is, first of {self.untold}",
            self.journal.failure,
            writer.failure,
            writer.stuck,
        )
        reason = next(filter(None, reasons), "")
        if reason:
            return Health(ok=False, reason=str(reason))
        reason = writer.refused or writer.shortage
        return Health(ok=False, reason=reason, may_start=True) if reason else _WELL

    def _has_rejects(self) -> bool:
        try:
            return count_rejected(self._rejects) > 0
        except OSError:
            return True

    def stats(self) -> BookStats:
        """Return what metrics show."""
        writer, journal = self.writer, self.journal
        return BookStats(
            queue_depth=journal.last_sequence - journal.acked_sequence + len(self.memory),
            queue_bytes=journal.size,
            memory_depth=len(self.memory),
            free_bytes=self._free_bytes(),
            lag_seconds=writer.lag_seconds,
            database_up=writer.database_up,
            schema_revision=writer.revision,
            events_written=writer.events_written,
            batches=writer.batches,
            retries=writer.retries,
            rejected=writer.rejected,
            lost=self.lost + writer.lost,
            missing=journal.missing,
            untranslated=self.untranslated,
            lag_counts=tuple(writer.lag.counts),
            lag_sum=writer.lag.sum,
            last_error=writer.last_error,
        )

    def _free_bytes(self) -> int:
        try:
            return free_bytes(self.journal.directory)
        except OSError:
            return 0

    def wait_ready(self, seconds: float) -> bool:
        """Wait until the database was reached and has its schema; blocks the thread. False when time is up."""
        with self.writer.progress:
            self.writer.progress.wait_for(lambda: self.writer.revision or self.writer.failure, seconds)
        return bool(self.writer.revision)

    def wait_written(self, seconds: float) -> bool:
        """Wait until the database has everything that was told so far; blocks the thread. False when time is up."""
        wanted = self.journal.last_sequence
        with self.writer.progress:
            return self.writer.progress.wait_for(
                lambda: self.journal.acked_sequence >= wanted and not self.memory, seconds
            )

    def close(self, seconds: float = 10.0) -> int:
        """Write what is left, for so long at most, and return how many events stay in the journal for the next run."""
        if not self._closed:
            self._closed = True
            self.writer.stop(seconds)
            self._thread.join()
            self._keep_memory()
            try:
                self.journal.close()
            except JournalError as error:
                _log.error("the journal could not be closed as it should: %s", error)
        return self.journal.last_sequence - self.journal.acked_sequence

    def _keep_memory(self) -> None:
        """Try once more to get onto the disk what only memory holds."""
        while self.memory:
            moment, payload = self.memory.popleft()
            try:
                self.journal.append(payload, moment)
            except (JournalError, ValueError):
                self.lost += 1


_WELL = Health(ok=True)
