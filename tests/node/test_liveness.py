"""A loop that does not turn is seen from outside of it."""

import asyncio
import logging
import time

import pytest

from trading_node.liveness import LoopWatch


def hold_the_loop(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_blocked_loop_is_reported_once_with_what_it_was_doing(caplog: pytest.LogCaptureFixture) -> None:
    lags: list[float] = []
    watch = LoopWatch(lags.append, blocked_seconds=0.4)
    beating = asyncio.ensure_future(watch.run())
    await asyncio.sleep(0.01)
    with caplog.at_level(logging.ERROR):
        hold_the_loop(0.8)
        assert watch.age_seconds() >= 0.7
        await asyncio.sleep(0.3)
    beating.cancel()
    assert watch.age_seconds() < 0.4
    assert max(lags) > 0.1
    records = [record for record in caplog.records if "blocked" in record.message]
    assert len(records) == 1
    assert "hold_the_loop" in records[0].fields["stack"]  # type: ignore[attr-defined]


async def test_a_loop_that_turns_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    watch = LoopWatch(lambda _: None, blocked_seconds=5.0)
    beating = asyncio.ensure_future(watch.run())
    await asyncio.sleep(0.05)
    assert watch.age_seconds() < 5.0
    beating.cancel()
    assert not caplog.records
