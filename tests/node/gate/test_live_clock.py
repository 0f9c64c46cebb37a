"""In a live node the gate goes by this machine's clock, and on where that is set back."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from nautilus_trader.model.enums import OrderStatus

from tests.node.reconciliation.desk import life
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue, VenueConfig
from trading_api.risk import RiskLimits
from trading_node import nautilus_gate
from trading_node.risk.limits import compile_limits

SECOND = 1_000_000_000


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Venue]:
    async with Venue(VenueConfig(seed=7)) as running:
        yield running


async def test_orders_pass_again_a_second_after_the_clock_was_set_back(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.time_ns()]
    clock = SimpleNamespace(time_ns=lambda: now[0], monotonic_ns=time.monotonic_ns)
    monkeypatch.setattr(nautilus_gate, "time", clock)
    async with life(venue, tmp_path) as desk:
        desk.gate.set_limits(compile_limits(RiskLimits(max_orders_per_second=1)))
        sent: list[Any] = []
        for step in (0, -3600 * SECOND, SECOND):
            now[0] += step
            sent.append(desk.rest())
            await until(lambda: sent[-1].is_open or sent[-1].is_closed, "answered")
        assert [order.status for order in sent] == [OrderStatus.ACCEPTED, OrderStatus.DENIED, OrderStatus.ACCEPTED]
