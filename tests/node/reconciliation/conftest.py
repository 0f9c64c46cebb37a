"""A venue for each test, on free ports, with quotes that stand still."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.venue.venue import Venue, VenueConfig


def pytest_configure(config: pytest.Config) -> None:
    """Let pandas be imported, whose use of NumPy is not ours to correct."""
    config.addinivalue_line("filterwarnings", "ignore:The 'generic' unit for NumPy timedelta:DeprecationWarning")


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Venue]:
    """Give a venue."""
    async with Venue(VenueConfig(seed=7)) as running:
        yield running
