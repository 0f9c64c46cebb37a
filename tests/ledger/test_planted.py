"""A test that finds nothing has to be able to find something: bugs on purpose, each of which it must find."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from tests.ledger.compare import Kind
from tests.ledger.history import Outcome, Setting, run_history
from tests.ledger.plan import Do, End, Life, Plan, Step

AT_ONCE = 3
"""Histories side by side: they wait most of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    module: str
    found: frozenset[Kind]
    """What the ledger test must say, whatever else it says."""
    faults: tuple[dict[str, Any], ...] = ()
    """In force while the node trades, until it is killed."""
    drain: str = "Keep"
    trades_s: float = 2.5
    killed: bool = True
    """Whether it trades and is killed before: a node that finds by itself that its books are wrong does not go on."""


def planted(module: str, *found: Kind, **more: Any) -> Planted:
    return Planted(module=module, found=frozenset(found), **more)


SILENT = {"action": "drop", "stream": "user", "count": None}
"""Nothing of what happens to orders is told; the node learns it by asking, after its restart."""
UNANSWERED = {"action": "server_error", "executed": True, "endpoint": "POST /fapi/v1/order", "count": None}
"""The venue does what it is asked and answers that it is out of order: nobody can know."""
BUGS = (
    planted("lost_event", Kind.LOST_FILL, Kind.POSITION),
    planted("doubled_write", Kind.PHANTOM_FILL, Kind.POSITION, killed=False),
    planted("changing_fill_id", Kind.LOST_FILL, Kind.PHANTOM_FILL, faults=(SILENT,)),
    planted("skipped_repair", Kind.LOST_FILL, Kind.ORDER_STATE, faults=(SILENT,)),
    planted("inflight_rejected", Kind.ORDER_STATE, faults=(SILENT, UNANSWERED)),
    planted("late_journal", Kind.OWNER),
    planted("forgotten_fee", Kind.PROFIT),
    planted("sent_again", Kind.OWNER),
    planted("forgetful_cancel", Kind.LEFT_OPEN, drain="Cancel"),
    # All the same without a bug: then it is the bugs that are found.
    planted("", faults=(SILENT, UNANSWERED), drain="Cancel"),
)


def plan_of(bug: Planted) -> Plan:
    """Trade, be killed once, start again: more than enough for each of them."""
    steps = tuple(
        Step(at_s=0.0, do=Do.FAULT, for_s=bug.trades_s, details={"room": "binance-futures", **fault})
        for fault in bug.faults
    )
    life = Life(number=0, end=End.KILL_TRADING, after_s=bug.trades_s, trades_s=bug.trades_s, trading=steps)
    return Plan(seed=7, room="futures", lives=(life,) if bug.killed else ())


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    async def all_of_them() -> list[Outcome]:
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(bug: Planted) -> Outcome:
            async with turn:
                module = f"tests.ledger.planted.{bug.module}" if bug.module else "tests.ledger.trader"
                setting = Setting(room="futures", seed=7, kills=1, module=module, drain=bug.drain)
                return await run_history(setting, plan=plan_of(bug), keep_evidence=False)

        return await asyncio.gather(*map(one, BUGS))

    return dict(zip((bug.module for bug in BUGS), asyncio.run(all_of_them()), strict=True))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS, ids=[bug.module or "no bug" for bug in BUGS])
def test_the_bug_is_found(bug: Planted, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[bug.module]
    kinds = {difference.kind for difference in outcome.differences}
    told = f"{outcome}\n" + "\n".join(map(str, outcome.differences))
    assert bug.found <= kinds, told
    assert bug.module or not kinds, told
