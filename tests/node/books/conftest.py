"""The books with real databases, real processes and real Nautilus engines."""

from collections.abc import Iterator

import pytest

from tests.node.books.postgres_server import PostgresServer


def pytest_configure(config: pytest.Config) -> None:
    """Let pandas be imported, whose use of NumPy is not ours to correct."""
    config.addinivalue_line("filterwarnings", "ignore:The 'generic' unit for NumPy timedelta:DeprecationWarning")


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running
