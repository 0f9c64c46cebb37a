"""Histories of kills and faults in every room: in the end the books are the venue's ledger (`python -m tests.ledger`).

The seeds are fixed, so that a failure is the code's and not the dice's; the long form draws new ones.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.ledger.history import Outcome, Setting, run_history

AT_ONCE = 2
"""Histories side by side: starts cost a processor, the rest is waiting."""
KILLS, RESTARTS = 20, 2
HISTORIES = (
    Setting(room="futures", seed=11, kills=7, database="postgres", redis=True, ending="running"),
    Setting(room="futures", seed=12, kills=6, database="sqlite", drain="Keep"),
    Setting(room="spot", seed=13, kills=5, database="postgres", drain="Keep"),
    Setting(room="okx", seed=18, kills=5, database="sqlite"),
)


@pytest.fixture(scope="module")
def outcomes() -> dict[Setting, Outcome | BaseException]:
    """Run them all; one that cannot be carried out fails its own test only."""

    async def all_of_them() -> list[Outcome | BaseException]:
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(setting: Setting) -> Outcome:
            async with turn:
                return await run_history(setting)

        return await asyncio.gather(*map(one, HISTORIES), return_exceptions=True)

    return dict(zip(HISTORIES, asyncio.run(all_of_them()), strict=True))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("setting", HISTORIES, ids=str)
def test_books_are_the_venues_ledger(setting: Setting, outcomes: dict[Setting, Outcome | BaseException]) -> None:
    outcome = outcomes[setting]
    if isinstance(outcome, BaseException):
        raise outcome
    print(outcome)
    found = "\n".join(map(str, outcome.differences))
    assert not found, f"again: python -m tests.ledger {setting}\nlogs and books: {outcome.folder}\n{found}"
    assert outcome.orders > 50, "the strategies hardly traded: this history shows nothing"
    assert outcome.fills > 20
    assert outcome.kills >= setting.kills, "nodes ended before their kills, too often"


@pytest.mark.timeout(900)
def test_as_much_went_wrong_as_was_to(outcomes: dict[Setting, Outcome | BaseException]) -> None:
    """Twenty kills that really happened, and servers that really went away and came back."""
    told = [outcome for outcome in outcomes.values() if isinstance(outcome, Outcome)]
    assert sum(outcome.kills for outcome in told) >= KILLS
    assert sum(outcome.database_restarts for outcome in told) >= RESTARTS
    assert sum(outcome.redis_restarts for outcome in told) >= RESTARTS
