"""A fill between two questions of one look is no reason to take in trades from before the books."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.enums import OrderStatus

from tests.node.reconciliation.desk import life, position
from tests.node.reconciliation.test_restart import outside
from tests.node.reconciliation.test_while_trading import sell_by_hand
from tests.venue.core.model import Side
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.nautilus_reader_binance import BinanceReader
from trading_node.reconciliation.difference import Kind
from trading_node.reconciliation.facts import VenueFill

pytestmark = pytest.mark.asyncio
MANY_S = 20.0
TEN_MINUTES_MS = 600_000
LATE_MS = 900
"""By so much the venue's stream is slower than its answers: more than a look waits for it."""


class Between:
    """Does something once between the answer with the fills and the one with the positions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._actions: list[Callable[[], object]] = []
        self._done = asyncio.Event()
        self._done.set()
        fills_since, positions = BinanceReader.fills_since, BinanceReader.positions

        async def fills_then_action(reader: BinanceReader, instrument_id: str, since_ns: int) -> list[VenueFill]:
            found = await fills_since(reader, instrument_id, since_ns)
            if self._actions:
                self._actions.pop()()
                self._done.set()
            return found

        async def positions_after_action(reader: BinanceReader) -> dict[str, Decimal] | None:
            await self._done.wait()
            return await positions(reader)

        monkeypatch.setattr(BinanceReader, "fills_since", fills_then_action)
        monkeypatch.setattr(BinanceReader, "positions", positions_after_action)

    def do(self, action: Callable[[], object]) -> None:
        """Do it in the next look."""
        self._done.clear()
        self._actions.append(action)

    @property
    def is_done(self) -> bool:
        """Whether it was done."""
        return self._done.is_set()


def trade_before_the_books(venue: Venue, *sides: Side) -> int:
    """Trade long ago, and leave an order that has the instrument watched from the first look on; return its number."""
    room = venue.futures.server.room.name
    skew = venue.faults.add(Fault(Action.CLOCK_SKEW, room=room, skew_ms=-TEN_MINUTES_MS))
    for number, side in enumerate(sides):
        outside(venue, "futures", side, "0.100", f"web_{number}")
    venue.faults.remove(skew)
    resting: int = sell_by_hand(venue, "0.300", 51_000).id
    return resting


async def test_while_trading(venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trade_before_the_books(venue, Side.SELL, Side.BUY)
    between = Between(monkeypatch)
    async with life(venue, tmp_path, interval_seconds=0.3) as desk:
        order = desk.rest("0.100")
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        venue.faults.add(Fault(Action.DELAY, stream="user", count=None, delay_ms=LATE_MS))
        between.do(lambda: venue.futures.fill(int(order.venue_order_id.value)))
        await until(lambda: between.is_done, "filled during a look", MANY_S)
        looks = desk.stats.looks
        await until(lambda: order.is_closed and desk.stats.looks >= looks + 3, "looked at again", MANY_S)
        assert position(desk) == Decimal("0.100"), "nothing is made up"
        await until(desk.is_open, "the gate opens", MANY_S)
        assert desk.stats.repairs[Kind.EXTERNAL_ORDER] == 1, "the order that rests, and none from before"


async def test_before_the_first_agreement(venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = trade_before_the_books(venue, Side.BUY, Side.SELL)
    between = Between(monkeypatch)
    venue.faults.add(Fault(Action.DELAY, stream="user", count=None, delay_ms=LATE_MS))
    between.do(lambda: venue.futures.fill(theirs, Decimal("0.100")))
    async with life(venue, tmp_path, interval_seconds=0.3) as desk:
        assert between.is_done
        assert position(desk) == Decimal("-0.100"), "nothing is made up"
        assert desk.stats.repairs[Kind.EXTERNAL_ORDER] == 1, "the order that rests, and none from before"
