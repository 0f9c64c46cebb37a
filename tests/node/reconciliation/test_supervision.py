"""An error in what keeps the agreement: no order passes by it, and the node is told to end.

Nothing real raises there; what does is put in by hand.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never

import pytest
from nautilus_trader.model.enums import OrderStatus

from tests.node.reconciliation.desk import Desk, life
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_api.exit_codes import ExitCode
from trading_node.errors import NodeError, not_trading
from trading_node.nautilus_reconciliation import NautilusReconciliation

pytestmark = pytest.mark.asyncio


def broken(*_: object) -> Never:
    raise RuntimeError("broken on purpose")


def the_watch(desk: Desk) -> None:
    reconciler: Any = desk.reconciliation._reconcilers[0]
    reconciler._watch.is_up = broken


def what_the_gate_is_told(desk: Desk) -> None:
    reconciliation: Any = desk.reconciliation
    reconciliation._resync = broken


def the_look(desk: Desk) -> None:
    reconciler: Any = desk.reconciliation._reconcilers[0]
    reconciler.agreement.on_look = broken


@pytest.mark.parametrize("part", [the_watch, what_the_gate_is_told, the_look])
async def test_an_error_of_ours_closes_the_gate_and_ends_the_node(
    venue: Venue, tmp_path: Path, caplog: pytest.LogCaptureFixture, part: Callable[[Desk], None]
) -> None:
    async with life(venue, tmp_path, interval_seconds=0.3) as desk:
        part(desk)
        venue.futures.server.disconnect_all()
        await until(lambda: desk.failures, "the node is told to end", 20.0)
        assert not desk.is_open()
        assert not desk.gate.standing.is_reconciled("BINANCE")
        assert not desk.reconciliation.agreed
        (failure,) = desk.failures
        assert failure.exit_code == ExitCode.CRASHED
        assert "BINANCE" in str(failure)
        assert "broken on purpose" in str(failure)
        (record,) = [each for each in caplog.records if each.levelname == "CRITICAL"]
        assert record.exc_info is not None
        order = desk.rest()
        await until(lambda: order.status == OrderStatus.DENIED, "nothing passes")
        with contextlib.suppress(RuntimeError):
            await desk.reconciliation.look()
        assert not desk.is_open(), "also not when a stop asks once more"
        assert len(desk.failures) == 1


async def test_an_error_of_ours_at_the_start_is_not_blamed_on_a_strategy(venue: Venue, tmp_path: Path) -> None:
    def break_the_look(reconciliation: NautilusReconciliation) -> None:
        reconcilers: Any = reconciliation._reconcilers
        reconcilers[0].agreement.on_look = broken

    with pytest.raises(NodeError, match="could not take up what its books and venues have: RuntimeError") as raised:
        async with life(venue, tmp_path, before_start=break_the_look):
            pass
    assert raised.value.exit_code == ExitCode.CRASHED


async def test_books_that_can_never_be_read_say_so(venue: Venue, tmp_path: Path) -> None:
    class Refused:
        async def read(self) -> Never:
            raise not_trading("The books are about another account", "Name another database", reason="BooksFailed")

    def refuse(reconciliation: NautilusReconciliation) -> None:
        parts: Any = reconciliation
        parts._memory = Refused

    with pytest.raises(NodeError, match="about another account") as raised:
        async with life(venue, tmp_path, before_start=refuse):
            pass
    assert (raised.value.exit_code, raised.value.reason) == (ExitCode.NOT_TRADING, "BooksFailed")
