"""The databases of a history: real servers that go away and come back while the node uses them."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cluster.packages import require_packages
from tests.ledger.books import Query, csv_query, sqlite_query
from tests.node.books.postgres_server import PostgresServer

DATABASE_URL = "LEDGER_DATABASE_URL"
REDIS_URL = "LEDGER_REDIS_URL"
BOOKS = "books"
START_S = 30.0
_POLL_S = 0.02


class RedisServer:
    """A Redis of the test's own on loopback; what it was told survives a restart, as far as Redis keeps it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ledger-redis-")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self._port: int = listener.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--dir", self._folder.name]
        log = (Path(self._folder.name) / "log").open("ab")
        with log:
            self._process = subprocess.Popen([*command, "--save", "", "--appendonly", "yes"], stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError((Path(self._folder.name) / "log").read_text(errors="replace"))
            time.sleep(_POLL_S)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_S)
            self._process = None

    def __enter__(self) -> Self:
        require_packages(["redis-server"])
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(signal.SIGKILL)
        self._folder.cleanup()


class Outages:
    """One server's ups and downs; a second outage waits for the first."""

    def __init__(
        self, stop: Callable[[signal.Signals], None], start: Callable[[], None], crash: signal.Signals
    ) -> None:
        self._stop, self._start, self._crash = stop, start, crash
        self._lock = asyncio.Lock()
        self.count = 0
        """How often it went away and was there again."""

    async def suffer(self, how: str, seconds: float) -> None:
        async with self._lock:
            number = self._crash if how == "crash" else signal.SIGINT
            await asyncio.to_thread(self._stop, number)
            try:
                await asyncio.sleep(seconds)
            finally:
                # Also when the history is being given up: its owner finds it as it was.
                await asyncio.shield(asyncio.to_thread(self._start))
            self.count += 1

    async def over(self) -> None:
        """Wait until it is up."""
        async with self._lock:
            pass


class Databases:
    """What the node keeps its books and its cache in."""

    def __init__(self, query: Query, variables: dict[str, str], books: Outages | None, cache: Outages | None) -> None:
        self.query = query
        """Reads the books."""
        self.variables = variables
        """For the node's environment."""
        self.books = books
        self.cache = cache


@asynccontextmanager
async def databases(folder: Path, *, postgres: bool, redis: bool) -> AsyncIterator[Databases]:
    """Give the databases of one history, on servers of its own; folder: of the embedded books."""
    variables: dict[str, str] = {}
    query = sqlite_query(folder / "books.sqlite3")
    books: Outages | None = None
    cache: Outages | None = None
    with ExitStack() as stack:
        if postgres:
            server = await asyncio.to_thread(PostgresServer)
            await asyncio.to_thread(stack.enter_context, server)
            variables[DATABASE_URL] = await asyncio.to_thread(server.create, BOOKS)
            query = csv_query(lambda statement: server.query(BOOKS, statement))
            books = Outages(server.stop, server.start, signal.SIGQUIT)
        if redis:
            redis_server = RedisServer()
            await asyncio.to_thread(stack.enter_context, redis_server)
            variables[REDIS_URL] = redis_server.url
            cache = Outages(redis_server.stop, redis_server.start, signal.SIGKILL)
        yield Databases(query, variables, books, cache)
