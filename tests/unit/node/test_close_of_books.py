"""Once the books close nothing passes the gate any more, also when the stop before it failed."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.orders import PERPETUAL as CONTRACT
from tests.unit.gate.orders import START, hold, order, set_price
from trading_api.node_config import NodeConfig
from trading_node.environment import Environment
from trading_node.errors import NodeError
from trading_node.gate import Gate
from trading_node.risk.decision import Deny, Reason
from trading_node.runner import Runner
from trading_node.shutdown import Shutdown
from trading_node.snapshot import Snapshot


class Stuck:
    """A node whose stop raises; its strategies still run."""

    stopped = False
    opened = True

    async def stop(self, *_: object) -> None:
        raise RuntimeError("a client of a venue raised")

    def snapshot(self, _: object) -> Snapshot:
        return Snapshot()

    def agreements(self) -> tuple[()]:
        return ()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    config = NodeConfig.model_validate(
        {
            "trading_node": {
                "mode": "Paper",
                "trader_id": "DESK-001",
                "strategies": [{"name": "ema", "path": "a.b:C", "config_path": "a.b:D", "order_id_tag": "1"}],
                "catalogs": [{"name": "ticks", "path": "ticks"}],
                "venues": [
                    {
                        "name": "X",
                        "adapter": "Replay",
                        "replay": {"catalog": "ticks"},
                        "paper": {"starting_balances": ["1000 USDT"]},
                    }
                ],
            },
            "database": {"directory": "books"},
        }
    )
    logs: Any = None
    return Runner(config, tmp_path, Environment(), Shutdown(str(tmp_path / "last-words"), 30.0), logs)


def answers(gate: Gate) -> list[Reason | None]:
    """Return what becomes of an order that opens and of one that only closes."""
    denials = [gate.submit(order("BUY", "1"), START), gate.submit(order("SELL", "1", reduce_only=True), START)]
    return [denial.reason if isinstance(denial, Deny) else None for denial in denials]


async def test_what_strategies_send_after_a_stop_that_failed_is_refused_before_the_books_close(runner: Runner) -> None:
    gate, books = runner._gate, runner._keeping._books
    assert books is not None
    await books.open()
    gate.set_reconciled(True)
    set_price(gate, CONTRACT, "99", "101")
    hold(gate, "5")
    assert answers(gate) == [None, None]
    stuck: Any = Stuck()
    runner._node = stuck
    error = await runner._stop(None)
    assert isinstance(error, NodeError)
    assert "a client of a venue raised" in str(error)
    assert answers(gate) == [None, None], "nothing but the books' close stops these"
    while_closing: list[Reason | None] = []
    close = books.close

    async def closing(seconds: float) -> None:
        while_closing.extend(answers(gate))
        await close(seconds)

    books.close = closing  # type: ignore[method-assign]
    await runner._close_books()
    assert while_closing == [Reason.HALTED, Reason.HALTED]
    assert answers(gate) == [Reason.HALTED, Reason.HALTED]
