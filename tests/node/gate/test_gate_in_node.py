"""The gate in a node's process: the live kernel, its queues and clocks, on a replay with the sandbox venue."""

from pathlib import Path
from typing import Any

from tests.node.processes import EMA_CROSS, node_process, run_config

WILD = """
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy


class WildConfig(StrategyConfig, frozen=True):
    instrument_id: str


class Wild(Strategy):
    # Sends a list with one order that is too large, and then an order for each of a hundred trades.
    def on_start(self):
        self.left = 100
        self.subscribe_trade_ticks(InstrumentId.from_str(self.config.instrument_id))

    def on_trade_tick(self, tick):
        instrument = self.cache.instrument(tick.instrument_id)
        make = self.order_factory.limit
        if self.left == 100:
            low = instrument.make_price(float(tick.price) / 2)
            sizes = [instrument.make_qty("0.01"), instrument.make_qty("500")]
            orders = [make(instrument.id, OrderSide.BUY, size, low) for size in sizes]
            self.submit_order_list(self.order_factory.create_list(orders))
        if self.left:
            self.left -= 1
            self.submit_order(self.order_factory.market(instrument.id, OrderSide.BUY, instrument.make_qty("0.0001")))
"""


def wild(catalog: Path, **limits: Any) -> dict[str, Any]:
    strategy = {
        "name": "wild",
        "path": "wild:Wild",
        "config_path": "wild:WildConfig",
        "config": {"instrument_id": "BTCUSDT.BINANCE"},
    }
    return {**run_config(catalog, strategy), "risk_engine": limits}


def test_a_strategy_that_runs_wild_is_held_by_its_limits(tmp_path: Path, catalog: Path) -> None:
    config = wild(catalog, strategies=[{"name": "wild", "max_orders_per_minute": 10}], max_order_notional="10000")
    with node_process(tmp_path, config, modules={"wild": WILD}) as node:
        assert node.wait() == 0, node.stderr
        orders = node.summary["orders"]
        assert orders["total"] == 102
        assert orders["open"] == 0
        assert orders["filled"] + orders["denied"] == 102
        assert 10 <= orders["filled"] < 100
        refusals = [record["message"] for record in node.records if " refused: " in record["message"]]
        assert any("OrdersPerMinute wild: 11, limit 10" in text for text in refusals)
        assert len(refusals) < 20
        assert not any("did not apply" in record["message"] for record in node.records)


def test_limits_of_a_strategy_that_is_not_there_are_refused(tmp_path: Path, catalog: Path) -> None:
    config = {**run_config(catalog, EMA_CROSS), "risk_engine": {"strategies": [{"name": "emma"}]}}
    with node_process(tmp_path, config) as node:
        assert node.wait() != 0
        (line,) = node.stderr
        assert '["emma"]' in line or "[emma]" in line
        assert "is none of strategies or venues" in line
