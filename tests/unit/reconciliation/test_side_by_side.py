"""What does not depend on each other is asked at the same time."""

import asyncio
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.identifiers import AccountId

from tests.unit.reconciliation.model import INSTRUMENT
from trading_node.nautilus_look import Questions
from trading_node.nautilus_own import OwnSide
from trading_node.nautilus_reader import VenueSilentError
from trading_node.reconciliation.facts import VenueFill, VenueOrder, VenueStatus
from trading_node.side_by_side import AT_ONCE, side_by_side

OTHER = "ETHUSDT-PERP.BINANCE"


async def test_answers_come_in_the_order_of_the_questions_and_not_too_many_are_asked_at_once() -> None:
    under_way, most = 0, 0

    async def ask(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(50 - number):
            await asyncio.sleep(0)
        under_way -= 1
        return number

    assert await side_by_side(partial(ask, number) for number in range(40)) == list(range(40))
    assert most == AT_ONCE


async def test_the_first_error_is_raised_as_itself_and_ends_the_others() -> None:
    ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise VenueSilentError("503")

    with pytest.raises(VenueSilentError, match="503"):
        await side_by_side([waits, fails])
    assert ended.is_set()


class Meeting:
    """A venue that answers fills, balances and positions only when it was asked for all of them."""

    def __init__(self, questions: int) -> None:
        self._all = asyncio.Barrier(questions)

    async def open_orders(self, _: object = None) -> list[VenueOrder]:
        return [
            VenueOrder(instrument_id=each, venue_order_id=each, status=VenueStatus.OPEN, quantity=Decimal(1))
            for each in (INSTRUMENT, OTHER)
        ]

    async def fills_since(self, *_: object) -> list[VenueFill]:
        await self._all.wait()
        return []

    async def refresh_account(self) -> None:
        await self._all.wait()

    async def positions(self) -> dict[str, Decimal]:
        await self._all.wait()
        return {INSTRUMENT: Decimal(1)}


async def test_a_look_asks_for_fills_balances_and_positions_together() -> None:
    cache, account = Cache(), AccountId("BINANCE-001")
    client: Any = SimpleNamespace(account_id=account)
    reader: Any = Meeting(questions=4)
    restorer: Any = SimpleNamespace(restore_orders=list)

    async def find_orders(*_: object) -> list[Any]:
        return []

    own = OwnSide(cache, account, lambda _: True)
    questions = Questions(
        client=client, cache=cache, own=own, reader=reader, restorer=restorer, find_orders=find_orders
    )  # fmt: skip
    async with asyncio.timeout(5):
        view, _, _ = await questions.ask({})
    assert view.positions == {INSTRUMENT: Decimal(1)}
