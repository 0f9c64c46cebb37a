"""A node that did not trade for long asks for its fills no more often than the venue lets it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.node.reconciliation.desk import life, position
from tests.node.reconciliation.test_restart import outside, resting
from tests.venue.core.model import Side
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.nautilus_reader_binance import BinanceReader
from trading_node.nautilus_reconciliation import NautilusReconciliation
from trading_node.reconciliation.difference import Kind
from trading_node.reconciliation.facts import VenueFill

pytestmark = pytest.mark.asyncio
DAY_NS = 86_400_000_000_000
DAYS = 400
"""Asked for day by day, this is more than Binance allows in a minute."""


def long_ago(reconciliation: NautilusReconciliation) -> None:
    """Have the newest fill in the books be an old one."""
    (reconciler,) = reconciliation._reconcilers
    restored = reconciler.questions.restored
    reconciler.questions.restored = lambda last_fill_ns: restored(last_fill_ns - DAYS * DAY_NS)  # type: ignore[method-assign]


async def test_the_gate_opens(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, "spot") as first:
        _, theirs = await resting(first, "spot")
        venue.spot.fill(theirs)
        await until(lambda: position(first) > 0, "filled")
    outside(venue, "spot", Side.BUY, "0.20000")
    async with life(venue, tmp_path, "spot", before_start=long_ago) as second:
        assert second.stats.failures == 0, "no limit was hit"
        assert second.stats.repairs[Kind.MISSING_FILL] == 1, "the trade of nobody's, and the other not again"


async def test_more_trades_than_one_answer_holds_are_found_by_day(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Callable[[], Awaitable[list[VenueFill]]]] = []
    async with life(venue, tmp_path, "spot", before_start=lambda each: asked.append(all_of(each))) as desk:
        _, theirs = await resting(desk, "spot")
        for _ in range(3):
            venue.spot.fill(theirs, desk.quantity("0.01000").as_decimal())
            await asyncio.sleep(0.005)  # a page that is full within one millisecond cannot be told from all there is
        monkeypatch.setattr("trading_node.nautilus_reader_binance.PAGE", 2)
        assert len(await asked[0]()) == 3


def all_of(reconciliation: NautilusReconciliation) -> Callable[[], Awaitable[list[VenueFill]]]:
    """Return what asks for the fills of some days."""
    (reconciler,) = reconciliation._reconcilers
    reader = reconciler.questions._reader
    assert isinstance(reader, BinanceReader)
    begun = reconciler.questions.fills_since_ns
    return lambda: reader.fills_since("BTCUSDT.BINANCE", begun - 3 * DAY_NS)
