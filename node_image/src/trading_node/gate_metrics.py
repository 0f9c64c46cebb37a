"""The gate's metrics for Prometheus, read when they are asked for."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from trading_node.gate import Gate
from trading_node.limits_file import LimitsInForce
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


class LimitsCollector(Collector):
    """Which limits are in force, where they come from a file that is followed."""

    def __init__(self, in_force: Callable[[], LimitsInForce | None]) -> None:
        """Take the source; it gives None where no file is followed, and then there are no metrics."""
        self._in_force = in_force

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Read how the file fared."""
        now = self._in_force()
        if now is None:
            return
        yield GaugeMetricFamily(
            "trading_node_limits_valid",
            "1 while the limits file as it is now is in force; 0 while former limits stay because it is refused.",
            value=float(bool(now.hash) and not now.error),
        )
        yield GaugeMetricFamily(
            "trading_node_limits_applied_timestamp_seconds",
            "When the limits that are in force came into force.",
            value=now.applied_ns / 1e9,
        )
        changes = CounterMetricFamily(
            "trading_node_limits_changes", "Changes of the limits file by outcome.", labels=["outcome"]
        )
        changes.add_metric(["applied"], now.applied)
        changes.add_metric(["refused"], now.refused)
        yield changes
