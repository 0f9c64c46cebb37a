"""Histories in which everything goes wrong that can; each must keep the promises and end well.

``--histories N`` plays more of them, ``--seed N`` plays one again.
"""

import pytest

from tests.sim.history import play

BATCHES = 8


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_every_history_keeps_the_promises_and_ends_well(batch: int, request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("--seed")
    each = request.config.getoption("--histories") // BATCHES
    for one in [seed] if seed is not None else range(batch * each, (batch + 1) * each):
        await play(one)
