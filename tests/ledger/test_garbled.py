"""A venue that talks nonsense: a third of what it says is cut off, odd or new. No crash, and no wrong book."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ledger.history import Outcome, Setting, run_history
from tests.ledger.plan import Do, End, Life, Plan, Step
from tests.ledger.rooms import ROOMS, LedgerRoom

SECONDS = 6.0
SEED = 21


def garbled(room: LedgerRoom, **which: str) -> Step:
    fault: dict[str, Any] = {"action": "garble", "room": room.room, "count": None, "probability": 0.3, "seed": SEED}
    return Step(at_s=0.0, do=Do.FAULT, for_s=SECONDS - 1, details={**fault, **which})


def plan_of(room: LedgerRoom) -> Plan:
    """One life that hears nonsense on every stream and in every reply, then one that hears well."""
    steps = (garbled(room, stream="*"), garbled(room, endpoint="*"))
    life = Life(number=0, end=End.STOP, after_s=SECONDS, trades_s=SECONDS, trading=steps)
    return Plan(seed=SEED, room=room.name, lives=(life,))


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    async def all_of_them() -> list[Outcome]:
        settings = [Setting(room=name, seed=SEED, kills=0) for name in ROOMS]
        return await asyncio.gather(*(run_history(setting, plan=plan_of(ROOMS[setting.room])) for setting in settings))

    return dict(zip(ROOMS, asyncio.run(all_of_them()), strict=True))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("room", ROOMS)
def test_nonsense_ends_neither_the_node_nor_the_books(room: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[room]
    assert not outcome.differences, f"{outcome.folder}\n" + "\n".join(map(str, outcome.differences))
    assert outcome.ends["garble"] == 2
    assert outcome.orders > 10, "the strategies hardly traded: this history shows nothing"
