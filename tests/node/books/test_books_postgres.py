"""The books in PostgreSQL: the suite of every database, and what only a server does to its clients."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.node.books.postgres_server import PostgresServer
from tests.unit.books.database_suite import DatabaseSuite, MakeEngine
from trading_node.store.engine import database_url, make_engine
from trading_node.store.migrate import migrate
from trading_node.store.writer import is_refusal

_numbers = itertools.count()


@pytest.fixture(scope="module")
def template(server: PostgresServer) -> str:
    async def make() -> None:
        engine = make_engine(database_url(server.create("template_books")))
        await migrate(engine)
        await engine.dispose()

    asyncio.run(make())
    return "template_books"


@asynccontextmanager
async def _database(server: PostgresServer, template: str) -> AsyncIterator[AsyncEngine]:
    name = f"books_{next(_numbers)}"
    engine = make_engine(database_url(server.create(name, template)))
    try:
        yield engine
    finally:
        await engine.dispose()
        server.drop(name)


class TestPostgres(DatabaseSuite):
    @pytest.fixture
    def empty(self, server: PostgresServer) -> MakeEngine:
        return lambda: _database(server, "template0")

    @pytest.fixture
    def fresh(self, server: PostgresServer, template: str) -> MakeEngine:
        return lambda: _database(server, template)

    @pytest.mark.parametrize(
        "value", [Decimal("1e40"), "no number"], ids=["the server finds it", "the driver finds it"]
    )
    async def test_a_number_that_cannot_be_is_a_refusal(self, fresh: MakeEngine, value: Decimal | str) -> None:
        async with fresh() as engine:
            with pytest.raises(DBAPIError) as caught:
                async with engine.begin() as connection:
                    await connection.execute(text("SELECT CAST(:value AS NUMERIC(38, 18))"), {"value": value})
            assert is_refusal(caught.value)
