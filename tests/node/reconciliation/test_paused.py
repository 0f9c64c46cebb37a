"""A node that was paused asks its venues before an order passes, also one that was decided as it woke up."""

import time
from pathlib import Path

import pytest
from nautilus_trader.model.enums import OrderStatus

from tests.node.reconciliation.desk import ACCOUNT, life
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue

pytestmark = pytest.mark.asyncio


async def test_what_is_decided_on_waking_up_is_not_sent(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading_node.nautilus_reconciliation.ASLEEP_SECONDS", 0.3)
    monkeypatch.setattr("trading_node.nautilus_reconciliation.BEAT_SECONDS", 0.1)
    async with life(venue, tmp_path) as desk:
        looks = desk.stats.looks
        time.sleep(0.5)  # noqa: ASYNC251  # as if the process was stopped
        order = desk.rest()
        await until(lambda: order.status != OrderStatus.INITIALIZED, "it is decided")
        assert order.status == OrderStatus.DENIED
        assert "NotReconciled" in order.last_event.reason
        await until(desk.is_open, "the gate opens again")
        assert desk.stats.looks >= looks + 2
        assert not list(venue.futures.exchange.account_orders(ACCOUNT))
        later = desk.rest()
        await until(lambda: later.status == OrderStatus.ACCEPTED, "orders pass")


async def test_a_loop_that_is_only_busy_is_not_doubted(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as desk:
        time.sleep(0.5)  # noqa: ASYNC251  # less than a pause
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "it passes")
