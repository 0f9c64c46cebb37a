"""The books in the embedded database."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.unit.books.database_suite import DatabaseSuite, MakeEngine
from tests.unit.books.memory import memory_folder
from trading_node.store.engine import embedded_url, make_engine
from trading_node.store.migrate import migrate


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
