"""Histories in which everything goes wrong that can; each must keep the promises and end well.

``--histories N`` plays that many of them, ``--seed N`` plays one again.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.examples import is_thorough, times
from tests.sim.history import play

HISTORIES = 500
FAST_HISTORIES = 100
"""Played in the fast tests, where a second is dear; the planted bugs are found within fewer."""
BATCH = 125
"""Histories that a process plays in one go."""


def _seeds(config: pytest.Config) -> range:
    seed: int | None = config.getoption("--seed")
    count: int = config.getoption("--histories") or (times(HISTORIES) if is_thorough() else FAST_HISTORIES)
    return range(count) if seed is None else range(seed, seed + 1)


def _play_all(seeds: range) -> int:
    async def one_by_one() -> None:
        for seed in seeds:
            await play(seed)

    logging.getLogger("trading_operator").setLevel(logging.CRITICAL)
    asyncio.run(one_by_one())
    return len(seeds)


def _batches(seeds: range) -> Iterator[range]:
    for start in range(0, len(seeds), BATCH):
        yield seeds[start : start + BATCH]


@pytest.mark.timeout(900)
def test_every_history_keeps_the_promises_and_ends_well(request: pytest.FixtureRequest) -> None:
    seeds = _seeds(request.config)
    batches = list(_batches(seeds))
    if len(batches) == 1:
        assert _play_all(seeds) == len(seeds)
        return
    workers = min(os.cpu_count() or 1, len(batches))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as processes:
        played = sum(processes.map(_play_all, batches))
    assert played == len(seeds)
