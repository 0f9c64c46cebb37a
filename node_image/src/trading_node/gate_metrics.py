"""The gate's metrics for Prometheus, read when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from trading_node.gate import Gate
from trading_node.risk.decision import Reason


class GateCollector(Collector):
    """Counts of one gate. Reasons that never occurred are told too, so that alerts have a zero to start from."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Read the gate."""
        admitted = CounterMetricFamily("trading_node_gate_admitted", "Orders and modifies that the gate let through.")
        admitted.add_metric([], self._gate.admitted)
        yield admitted
        refused = CounterMetricFamily(
            "trading_node_gate_refused", "Orders and modifies that the gate refused, by reason.", labels=["reason"]
        )
        for reason in Reason:
            refused.add_metric([reason.value], self._gate.denials[reason])
        yield refused
        yield GaugeMetricFamily(
            "trading_node_gate_admission", "0 active, 1 only reducing, 2 halted.", value=self._gate.standing.admission
        )
