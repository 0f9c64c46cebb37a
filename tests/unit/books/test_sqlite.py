"""The books in the embedded database."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.unit.books.database_suite import DatabaseSuite, MakeEngine
from tests.unit.books.memory import memory_folder
from trading_node.store.engine import embedded_url, make_engine
from trading_node.store.migrate import migrate
from trading_node.store.schema import REVISION


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def template(memory: Path) -> Path:
    async def make() -> None:
        engine = make_engine(embedded_url(memory / "template"))
        await migrate(engine)
        await engine.dispose()

    asyncio.run(make())
    return memory / "template"


class TestSqlite(DatabaseSuite):
    @pytest.fixture
    def empty(self, memory: Path) -> MakeEngine:
        return lambda: _database(memory, None)

    @pytest.fixture
    def fresh(self, memory: Path, template: Path) -> MakeEngine:
        return lambda: _database(memory, template)

    async def test_a_start_waits_for_another_that_is_changing_the_file(self, memory: Path) -> None:
        async with _database(memory, None) as engine:
            other = sqlite3.connect(str(engine.url.database), isolation_level=None)
            with closing(other):
                other.execute(
                    "BEGIN IMMEDIATE"
                )  # SQLite refuses the switch to its write-ahead log now, without a wait.
                start = asyncio.create_task(migrate(engine))
                finished, _ = await asyncio.wait([start], timeout=0.1)
                other.execute("COMMIT")
                assert (finished, await start) == (set(), REVISION)


@asynccontextmanager
async def _database(parent: Path, template: Path | None) -> AsyncIterator[AsyncEngine]:
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        if template:
            shutil.copytree(template, folder, dirs_exist_ok=True)
        engine = make_engine(embedded_url(folder))
        try:
            yield engine
        finally:
            await engine.dispose()
