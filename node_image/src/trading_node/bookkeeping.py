"""The books in the life of a node: opened before it trades, asked by the gate, closed when it has stopped.

What the books stand on is slow to import, so it is imported when a node keeps books.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from trading_api.database import DatabaseSection
from trading_api.node_config import NodeConfig, TradingNodeSection
from trading_api.trading_rules import Mode
from trading_node.book_events import BookEvent, Noted, operation_id
from trading_node.book_history import BookHistory
from trading_node.book_positions import BookPositions
from trading_node.errors import NodeError, config_refused, not_trading
from trading_node.garbage import loading
from trading_node.gate import Denial
from trading_node.redaction import Hidden, hide
from trading_node.store.stats import BookStats
from trading_node.threads import in_daemon_thread

if TYPE_CHECKING:
    from trading_node.store.books import Books

READY_SECONDS = 10.0
"""How long a start waits for the database; then the node trades without, and the journal keeps what it is told."""
CLOSE_SECONDS = 10.0
"""How long a stop waits until the database has everything."""
LEAST_SECONDS = 1.0
"""How long a stop waits for it although its time is up: a database that is well needs no longer for the last events."""
GRACE_SECONDS = 1.0
"""What a statement that hangs may cost on top."""

_log = logging.getLogger(__name__)


class Bookkeeping:
    """The books of one run."""

    def __init__(
        self,
        section: DatabaseSection,
        folder: Path,
        trader_id: str,
        variables: Mapping[str, str],
        about: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Prepare; `open` acts. Relative paths count from folder.

        variables: the process' environment. about: see `books_are_about`.
        """
        self._about = about
        self._section = section
        self._folder = folder
        self._trader_id = trader_id
        self._variables = variables
        self._books: Books | None = None
        self.record: Callable[[BookEvent], None] = _nobody_listens
        """Tells the books an event, on the event loop: theirs, once they are open, as every order pays for a call."""
        self._leave: Callable[[], None] | None = None
        self._well = True
        self._history: BookHistory | None = None
        self._positions: BookPositions | None = None
        self.outcome = ""
        """What a person is told at the end; empty before."""

    async def open(self) -> None:
        """Open the journal and wait a moment for the database.

        Raises NodeError: CONFIG_REFUSED for a section that cannot be used, NOT_TRADING for a database that cannot. A
        database that is away is no error.
        """
        url = database_address(self._section, self._variables)
        books = self._books = await in_daemon_thread(lambda: self._opened(url), "open-books")
        self.record = books.record
        ready = await in_daemon_thread(lambda: books.wait_ready(READY_SECONDS), "await-books")
        health = books.health()
        if not health.ok and not health.may_start:
            raise not_trading(
                f"The books in {books.database} cannot be kept: {health.reason}",
                "Correct the database, or name another in the run-config's database section",
                reason="BooksFailed",
            )
        if not ready:
            _log.warning(
                "the books' database %s does not answer: the journal keeps everything until it does (%s)",
                books.database, books.stats().last_error,
            )  # fmt: skip
        else:
            _log.info("books are kept in %s", books.database)
        self.takes()  # Says it where orders will not pass.

    def _opened(self, url: str) -> "Books":
        with loading():
            from trading_node.store.books import Books, BooksSettings  # noqa: PLC0415
            from trading_node.store.engine import DatabaseUrlError  # noqa: PLC0415
            from trading_node.store.journal import JournalError, JournalInUseError, SyncPolicy  # noqa: PLC0415

        settings = BooksSettings(
            trader_id=self._trader_id,
            about=self._about,
            directory=self._folder / self._section.directory,
            database=url,
            sync=SyncPolicy(self._section.sync.value),
            salvage=self._section.salvage,
        )
        try:
            return Books(settings)
        except DatabaseUrlError as error:
            raise _address_refused(self._section, error) from None
        except JournalInUseError as error:
            raise not_trading(
                f"The books cannot be opened: {error}",
                "Wait for the former process to end, or name another folder in database.directory",
                reason="BooksFailed",
            ) from error
        except JournalError as error:
            raise config_refused(
                f"The books cannot be opened: {error}", "Correct database.directory in the run-config, or the folder"
            ) from error

    def follow(self, leave: Callable[[], None]) -> None:
        """Take what ends the telling, for the close."""
        self._leave = leave

    def history(self) -> BookHistory | None:
        """Return what the books have of former lives; None before they are open."""
        if self._books is not None and self._history is None:
            self._history = BookHistory(self._books, self._trader_id)
        return self._history

    def positions(self) -> BookPositions | None:
        """Return what the books have of positions; None before they are open."""
        if self._books is not None and self._positions is None:
            self._positions = BookPositions(self._books, self._trader_id)
        return self._positions

    def on_denial(self, denial: Denial) -> None:
        """Note a refusal with the numbers that it was decided by."""
        order, deny = denial.order, denial.deny
        details = {
            **deny.details(),
            "modify": denial.modify,
            "strategy": order.strategy,
            "instrument": order.contract.instrument_id,
        }
        self.record(
            Noted(
                event_id=str(uuid.uuid4()),
                operation_id=operation_id(self._trader_id, order.order_id),
                ts_event=denial.at_ns,
                ts_init=time.time_ns(),
                topic="Refused",
                details=details,
            )
        )

    def takes(self) -> bool:
        """Return whether orders may rely on the books; asked before every order."""
        books = self._books
        if books is None:
            return False
        writer = books.writer
        if self._well and not (
            books.lost or books.memory or books.untold or books.journal.failure
            or writer.refused or writer.shortage or writer.failure or writer.stuck
        ):  # fmt: skip
            return True  # In one look, and only those that are said to be unwell are asked how it goes.
        health = books.health()
        if health.ok is not self._well:
            self._well = health.ok
            if health.ok:
                _log.warning("the books take events again: orders pass")
            else:
                _log.error("the books fail, so only what makes a position smaller passes: %s", health.reason)
        return health.ok

    def stats(self) -> BookStats | None:
        """Return what metrics show; None before the books are open."""
        return None if self._books is None else self._books.stats()

    async def close(self, seconds: float) -> None:
        """Write what is left, for so long at most; what the database has not taken stays in the journal."""
        books = self._books
        if books is None or self.outcome:
            return
        if self._leave is not None:
            self._leave()
        if self._history is not None:
            await self._history.close()
        patience = max(LEAST_SECONDS, min(CLOSE_SECONDS, seconds - GRACE_SECONDS))
        try:
            async with asyncio.timeout(patience + GRACE_SECONDS):
                left = await in_daemon_thread(lambda: books.close(patience), "close-books")
        except TimeoutError:  # A statement hangs; the journal has everything, and the process ends.
            left = books.stats().queue_depth
        self.outcome = _outcome(left, books.stats())
        (_log.warning if left or books.stats().lost else _log.info)("books: %s", self.outcome)


def database_address(section: DatabaseSection, variables: Mapping[str, str]) -> str:
    """Return the database's URL; empty for the embedded one. Raises NodeError (CONFIG_REFUSED).

    A password in it appears in nothing that the process writes from now on.
    """
    if section.url_env is None:
        return section.url or ""
    url = variables.get(section.url_env, "").strip()
    if not url:
        raise config_refused(
            f"The environment variable {section.url_env} is to hold the URL of the books' database, and is not set",
            "Set it, or remove url_env from the run-config for the embedded database",
        )
    hide(_hidden_in(url, section.url_env))
    return url


def check_database_address(section: DatabaseSection, variables: Mapping[str, str]) -> None:
    """Find out whether a start could use the database's URL. Raises NodeError (CONFIG_REFUSED)."""
    from trading_node.store.engine import DatabaseUrlError, database_url  # noqa: PLC0415

    url = database_address(section, variables)
    try:
        if url:
            database_url(url)
    except DatabaseUrlError as error:
        raise _address_refused(section, error) from None


def _address_refused(section: DatabaseSection, error: Exception) -> NodeError:
    where = f"the environment variable {section.url_env}" if section.url_env else "database.url"
    return config_refused(f"The books' database cannot be used: {error}", f"Correct {where} and start again")


def _hidden_in(url: str, name: str) -> Iterator[Hidden]:
    """Give what of a URL nobody is to read: a password may be before the host, or among the options."""
    given = re.findall(r"://[^:/@]*:([^@]*)@", url)
    given += [value for key, value in re.findall(r"[?&]([^=&]*)=([^&]*)", url) if "pass" in key.lower()]
    if any(given):
        yield url, f"<{name}>"
    for password in filter(None, given):
        for spelling in {password, unquote(password), unquote_plus(password)}:
            yield spelling, f"<password in {name}>"


def books_are_about(section: TradingNodeSection) -> dict[str, str]:
    """Return what the books of a node belong to and cannot change, by subject; simulated accounts have no venue."""
    about = {"mode": section.mode.value}
    if section.mode is Mode.LIVE:
        for venue in section.venues:
            system = "" if venue.environment is None else f" on {venue.environment.value}"
            about[f"{venue.name}'s"] = f"account {venue.account}{system}"
    return about


def keep_books(config: NodeConfig, folder: Path, variables: Mapping[str, str]) -> Bookkeeping | None:
    """Return the books of a run that keeps some."""
    if config.database is None:
        return None
    section = config.trading_node
    return Bookkeeping(config.database, folder, section.trader_id, variables, books_are_about(section))


def _nobody_listens(event: BookEvent) -> None:
    """Take an event of which there are no books yet: nothing trades."""
    del event


def _outcome(left: int, stats: BookStats) -> str:
    parts = [f"{stats.events_written} events written"]
    parts += [f"{left} stay in the journal for the next run"] if left else []
    parts += [f"{stats.rejected} refused by the database, see rejected.jsonl"] if stats.rejected else []
    parts += [f"{stats.lost} lost: {stats.last_error}"] if stats.lost else []
    return ", ".join(parts)
