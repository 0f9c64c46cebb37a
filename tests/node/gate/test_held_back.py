"""Orders that the gate let through and that are halted before the client takes them up: on Nautilus' own clients."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from nautilus_trader.model.enums import OrderSide, OrderStatus

from tests.node.reconciliation.desk import ACCOUNT, Desk, life, market_of
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue, VenueConfig
from trading_node.gate import Denial
from trading_node.risk.decision import Reason
from trading_node.risk.standing import Admission

pytestmark = pytest.mark.asyncio
ROOMS = ["futures", "okx"]


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[Venue]:
    async with Venue(VenueConfig(seed=7)) as running:
        yield running


def halt_after(desk: Desk, question: str) -> list[Denial]:
    """Halt once the gate has said yes: what it let through is on its way to the client then."""
    told: list[Denial] = []
    desk.gate._on_denial = told.append
    ask: Callable[..., Any] = getattr(desk.gate, question)

    def asked(*arguments: Any) -> Any:
        answer = ask(*arguments)
        desk.gate.set_admission(Admission.HALT)
        return answer

    setattr(desk.gate, question, asked)
    return told


@pytest.mark.parametrize("room", ROOMS)
async def test_an_order_and_a_list(venue: Venue, tmp_path: Path, room: str) -> None:
    async with life(venue, tmp_path, room) as desk:
        told = halt_after(desk, "submit")
        order = desk.rest(price="49000.0")
        await until(lambda: order.is_closed, "held back")
        desk.gate.set_admission(Admission.ACTIVE)
        halt_after(desk, "submit_list")
        make = desk.probe.order_factory.limit
        listed = [
            make(desk.instrument.id, OrderSide.BUY, desk.quantity("1.0"), desk.price(price))
            for price in ("48000.0", "47000.0")
        ]
        desk.probe.submit_order_list(desk.probe.order_factory.create_list(listed))
        await until(lambda: all(each.is_closed for each in listed), "held back")
        assert [each.status for each in (order, *listed)] == [OrderStatus.DENIED] * 3
        assert not market_of(venue, room).exchange.open_orders(ACCOUNT)
        assert not desk.gate.book.pending
        assert dict(desk.gate.denials) == {Reason.HALTED: 2, Reason.LIST_DENIED: 1}
        assert [(each.order.order_id, each.deny.reason) for each in told][:1] == [
            (order.client_order_id.value, Reason.HALTED)
        ]


@pytest.mark.parametrize("room", ROOMS)
async def test_a_modify(venue: Venue, tmp_path: Path, room: str) -> None:
    async with life(venue, tmp_path, room) as desk:
        order = desk.rest("1.0", "49000.0")
        await until(lambda: order.is_open, "rests")
        told = halt_after(desk, "modify")
        desk.probe.modify_order(order, price=desk.price("48000.0"))
        await until(lambda: type(order.last_event).__name__ == "OrderModifyRejected", "held back")
        assert order.last_event.reason.startswith("Halted")
        (resting,) = market_of(venue, room).exchange.open_orders(ACCOUNT)
        assert resting.price == 49000
        assert [(each.modify, each.deny.reason) for each in told] == [(True, Reason.HALTED)]
        assert desk.gate.denials[Reason.HALTED] == 1
