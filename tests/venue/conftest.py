"""A fresh venue for each test, on free ports, with quotes that stand still."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.venue.venue import Venue, VenueConfig


def pytest_configure(config: pytest.Config) -> None:
    # pandas 2.3 warns about itself under NumPy 2.5 while Nautilus is being imported: nobody's fault here.
    config.addinivalue_line("filterwarnings", "ignore:The 'generic' unit for NumPy timedelta:DeprecationWarning")


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Venue]:
    async with Venue(VenueConfig(seed=7)) as running:
        yield running
