"""What a node lets go of: closed orders that are old, never an open one, a position or a balance."""

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderStatus

from tests.node.gate.backtests import BUY, SELL, Script, backtest
from trading_node import nautilus_purge
from trading_node.nautilus_purge import Purger
from trading_node.tally import Tally


def test_old_orders_go_and_what_counts_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nautilus_purge, "KEPT_ORDERS", 3)
    monkeypatch.setattr(nautilus_purge, "KEPT_SECONDS", 5)
    seen: dict[str, Any] = {}

    def trade(script: Script) -> None:
        script.market(BUY, "0.5")
        script.market(SELL, "0.2")

    def purge(name: str) -> Any:
        def step(script: Script) -> None:
            purger = seen.setdefault("purger", Purger(run.cache, script.clock.timestamp_ns))
            purger.purge()
            (account,) = run.cache.accounts()
            seen[name] = (len(run.orders()), purger.purged, run.position(), account.event_count)
            seen[f"{name} balance"] = account.balances_total()

        return step

    steps: dict[float, Any] = {
        1: lambda s: s.limit(BUY, "1", "40000"),
        2: trade,
        3: purge("few"),
        4: trade,
        6: purge("young"),
        8: purge("old"),
        11: purge("later"),
        12: lambda s: s.market(SELL, "0.6"),
        13: purge("end"),
    }
    with backtest(steps) as run:
        tally = Tally(run.cache)
        run.engine.kernel.msgbus.subscribe("events.order.*", tally.on_order_event)
        run.run()
        assert not run.reasons()
        assert seen["few"][:3] == (3, 0, Decimal("0.3"))  # no more than are kept
        assert seen["young"][:3] == (5, 0, Decimal("0.6"))
        assert seen["old"][:3] == (3, 2, Decimal("0.6"))
        assert seen["later"][:3] == (3, 2, Decimal("0.6"))  # few again
        assert seen["later"][3] == 1
        assert seen["later balance"] == seen["young balance"]
        assert seen["end"][2] == 0
        assert [order.status for order in run.orders(OrderStatus.ACCEPTED)] == [OrderStatus.ACCEPTED]
        assert run.gate is not None
        assert list(run.gate.book.pending) == [run.orders(OrderStatus.ACCEPTED)[0].client_order_id.value]
        assert len(tally.snapshot(["BINANCE"], "").recent_orders) == 4  # those that are still there
