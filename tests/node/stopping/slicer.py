"""A strategy whose one order is executed by TWAP in many small ones; a run-config cannot name algorithms yet."""

from decimal import Decimal
from typing import Any

from nautilus_trader.examples.algorithms.twap import TWAPExecAlgorithm
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import ExecAlgorithmId, InstrumentId
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from trading_node import nautilus

build = nautilus.NautilusNode.build


def build_with_algorithm(node: Any, *arguments: Any) -> None:
    build(node, *arguments)
    node._node.trader.add_exec_algorithm(TWAPExecAlgorithm())


nautilus.NautilusNode.build = build_with_algorithm  # type: ignore[assignment, method-assign]


class SlicerConfig(StrategyConfig, frozen=True, forbid_unknown_fields=True):  # type: ignore[misc, call-arg]
    instrument_id: InstrumentId


class Slicer(Strategy):  # type: ignore[misc]
    def __init__(self, config: SlicerConfig) -> None:
        super().__init__(config)
        self.placed = False

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.config.instrument_id)

    def on_quote_tick(self, tick: Any) -> None:
        if self.placed:
            return
        self.placed = True
        instrument = self.cache.instrument(tick.instrument_id)
        order = self.order_factory.market(
            instrument.id,
            OrderSide.BUY,
            instrument.make_qty(Decimal(3)),
            exec_algorithm_id=ExecAlgorithmId("TWAP"),
            exec_algorithm_params={"horizon_secs": 60.0, "interval_secs": 0.2},
        )
        self.submit_order(order)
