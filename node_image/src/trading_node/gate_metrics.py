"""The gate's metrics for Prometheus, read when they are asked for."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from trading_node.gate import Gate
from trading_node.limits_file import LimitsInForce
from trading_node.risk.decision import Reason


class GateCollector(Collector):
    """Counts of one gate. Reasons that never occurred are told too, so that alerts have a zero to start from."""

    def __init__(self, gate: Gate, venues: Callable[[], Iterable[str]] = tuple) -> None:
        """Take the gate and the names of venues, beside those that the gate knows."""
        self._gate = gate
        self._venues = venues

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
        yield from self._standing()

    def _standing(self) -> Iterator[GaugeMetricFamily]:
        standing, markets = self._gate.standing, self._gate.book.markets.values()
        yield GaugeMetricFamily(
            "trading_node_gate_admission",
            "What orders meet at the venue where least is taken: 0 all pass, 1 only reducing ones, 2 none.",
            value=standing.effective(),
        )
        at_venue = GaugeMetricFamily(
            "trading_node_gate_venue_admission",
            "What orders to the venue meet: 0 all pass, 1 only reducing ones, 2 none.",
            labels=["venue"],
        )
        restrictions = GaugeMetricFamily(
            "trading_node_gate_restricted",
            "1 for what holds orders to the venue back: admission (halted, or only reducing), a stop of the node, no"
            " agreement with the venue, or books that take nothing.",
            labels=["venue", "reason"],
        )
        known = {market.contract.venue for market in markets}
        for venue in sorted(known.union(self._venues(), standing.venue_admissions, standing.unreconciled_venues)):
            at_venue.add_metric([venue], standing.effective_at(venue))
            for reason, holds in standing.restrictions_at(venue).items():
                restrictions.add_metric([venue, reason], float(holds))
        yield at_venue
        yield restrictions


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
