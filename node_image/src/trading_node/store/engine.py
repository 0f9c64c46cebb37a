"""Connections to the books' database, from one URL."""

import asyncio
import re
import sqlite3
import time
from pathlib import Path

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 30.0
"""How long a statement may take before the connection counts as lost."""
_SWITCH_PAUSE_SECONDS = 0.01
_FORMS = "write postgresql://USER:PASSWORD@HOST/DATABASE, or sqlite:////FOLDER/books.sqlite3"
_SHOWN_OPTIONS = frozenset({"host", "port", "user", "database", "ssl"})
_OPTIONS = (
    "host", "port", "user", "password", "passfile", "database", "sslmode", "ssl", "target_session_attrs",
    "prepared_statement_cache_size",
)  # fmt: skip
"""What a PostgreSQL URL may say behind its question mark; of others the driver would fail at each connect."""
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class DatabaseUrlError(ValueError):
    """A database URL that cannot be used; says what to write, never the password."""


def database_url(text: str) -> URL:
    """Return the URL with the driver that this program uses. Raises DatabaseUrlError."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise DatabaseUrlError(f"the database URL is not one: {_FORMS}") from None
    kind = url.drivername.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        return _checked(_with_ssl(url.set(drivername="postgresql+asyncpg")))
    if kind == "sqlite":
        if not url.database or url.database == ":memory:":
            raise DatabaseUrlError("the books need a file: write sqlite:////FOLDER/books.sqlite3")
        if not Path(url.database).is_absolute():
            # Wherever the process was started it would be another database, and the books seem empty.
            raise DatabaseUrlError("its path is relative: write it with four slashes, sqlite:////FOLDER/books.sqlite3")
        return url.set(drivername="sqlite+aiosqlite")
    raise DatabaseUrlError(f"no database of kind {kind!r} is supported: {_FORMS}")


def embedded_url(directory: Path) -> URL:
    """Return the URL of the embedded database in a folder."""
    return URL.create("sqlite+aiosqlite", database=str(directory / "books.sqlite3"))


def shown(url: URL) -> str:
    """Return the URL for people and logs: without password, of the options only those that are known to hold none."""
    shown_options = {key: value if key in _SHOWN_OPTIONS else "***" for key, value in url.query.items()}
    return url.set(query=shown_options).render_as_string(hide_password=True)


def make_engine(url: URL, *, read_only: bool = False) -> AsyncEngine:
    """Return an engine with one connection, which is opened when it is first used."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, read_only=read_only)
    arguments = {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
    options: dict[str, str] = {"isolation_level": "AUTOCOMMIT"} if read_only else {}
    return create_async_engine(url, pool_size=1, max_overflow=0, connect_args=arguments, **options)


def _with_ssl(url: URL) -> URL:
    """Take libpq's `sslmode`, which people paste, as this driver's `ssl`."""
    for option in ("sslmode", "ssl"):
        mode = url.query.get(option)
        if mode is not None and mode not in _SSL_MODES:
            raise DatabaseUrlError(f"{option}={mode!r} is unknown: write one of {', '.join(_SSL_MODES)}")
    mode = url.query.get("sslmode")
    return url if mode is None else url.difference_update_query(["sslmode"]).update_query_dict({"ssl": str(mode)})


def _checked(url: URL) -> URL:
    """Return the URL if the driver can connect with it: what it cannot use it would tell at every attempt."""
    unknown = [option for option in url.query if option not in _OPTIONS]
    if unknown:
        known = ", ".join(_OPTIONS)
        raise DatabaseUrlError(f"its option {' and '.join(unknown)} is unknown here: remove it; known are {known}")
    try:
        url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError):
        raise DatabaseUrlError(f"its hosts or ports cannot be read: {_FORMS}") from None
    return url


def _sqlite(url: URL, *, read_only: bool) -> AsyncEngine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, pool_size=1, max_overflow=0, connect_args={"timeout": COMMAND_SECONDS})
    settings = ["synchronous=FULL", f"busy_timeout={int(COMMAND_SECONDS * 1000)}"]

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None  # This driver's own BEGIN comes too late to lock.
        cursor = connection.cursor()
        _write_ahead(cursor)
        for setting in [*settings, "query_only=ON"] if read_only else settings:
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    if not read_only:

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Connection) -> None:
            # Writers lock when they begin: one that reads first and writes later could fail with a stale view.
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _write_ahead(cursor: DBAPICursor) -> None:
    """Switch a database to its write-ahead log; the first of several processes does it, the others find it done.

    SQLite answers "locked" at once, whatever the busy timeout, where waiting could be a deadlock: two that switch at
    the same moment are such a case (https://www.sqlite.org/c3ref/busy_handler.html).
    """
    deadline = time.monotonic() + COMMAND_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            await_only(asyncio.sleep(_SWITCH_PAUSE_SECONDS))
        else:
            return


def without_password(text: str) -> str:
    """Return a message without anything that looks like a URL's password, wherever in the URL it is."""
    text = re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text)
    return re.sub(r"(?i)(passw(?:or)?d=)[^&\s'\"]+", r"\1***", text)
