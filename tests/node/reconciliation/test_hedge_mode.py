"""An account that keeps long and short apart is not traded on, and the person is told what to set at the venue."""

from pathlib import Path

import pytest

from tests.node.reconciliation.desk import ACCOUNT, life, market_of
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.reconciliation.difference import Kind

pytestmark = pytest.mark.asyncio
SETTINGS = {"futures": "dualSidePosition=false", "okx": "posMode=net_mode"}


@pytest.mark.parametrize("room", SETTINGS)
async def test_a_node_does_not_trade_before_the_account_is_set_to_one_position(
    venue: Venue, tmp_path: Path, room: str
) -> None:
    floor = market_of(venue, room).server.floor
    assert floor.set_two_way(ACCOUNT, on=True)
    async with life(venue, tmp_path, room, trades_at_once=False) as desk:
        await until(lambda: bool(desk.stats.unresolved), "it is told")
        (told,) = desk.stats.unresolved
        assert told.kind is Kind.HEDGE_MODE
        assert SETTINGS[room] in told.remedy
        assert SETTINGS[room] in desk.reconciliation.message
        assert not desk.is_open()
        assert not desk.node.trader.is_running
        assert floor.set_two_way(ACCOUNT, on=False)
        await until(lambda: desk.node.trader.is_running and desk.is_open(), "it goes on by itself")
        assert desk.stats.raised == {Kind.HEDGE_MODE: 1}


@pytest.mark.parametrize("room", SETTINGS)
async def test_one_that_is_changed_later_closes_the_gate(
    venue: Venue, tmp_path: Path, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading_node.nautilus_position_mode.ASK_SECONDS", 0.0)
    floor = market_of(venue, room).server.floor
    async with life(venue, tmp_path, room, interval_seconds=0.1) as desk:
        assert floor.set_two_way(ACCOUNT, on=True)
        await until(lambda: not desk.is_open(), "the gate closes")
        assert desk.stats.unresolved[0].kind is Kind.HEDGE_MODE
        assert floor.set_two_way(ACCOUNT, on=False)
        await until(desk.is_open, "and opens")


async def test_spot_has_no_such_setting(venue: Venue, tmp_path: Path) -> None:
    assert venue.spot.server.floor.set_two_way(ACCOUNT, on=True)
    async with life(venue, tmp_path, "spot") as desk:
        assert desk.is_open()
