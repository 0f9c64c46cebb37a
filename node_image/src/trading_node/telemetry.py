"""The node's metrics for Prometheus."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from trading_api.status import NodeState
from trading_node import __version__
from trading_node.environment import Environment
from trading_node.snapshot import Snapshot
from trading_node.status import Life

LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Telemetry:
    """A registry of its own: what is counted as it happens, and what is read when it is asked for."""

    def __init__(self, environment: Environment) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.loop_lag = Histogram(
            "trading_node_event_loop_lag_seconds",
            "By how much the event loop was late.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        self.reports = Counter(
            "trading_node_status_reports_total",
            "Reports to the API server by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self._environment = environment

    def observe(self, life: Callable[[], Life], snapshot: Callable[[], Snapshot]) -> None:
        """Have each scrape read the node."""
        self.registry.register(_NodeCollector(self._environment, life, snapshot))


class _NodeCollector(Collector):
    def __init__(self, environment: Environment, life: Callable[[], Life], snapshot: Callable[[], Snapshot]) -> None:
        self._environment = environment
        self._life = life
        self._snapshot = snapshot

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name nothing beforehand: registering must not read a node that is not there yet."""
        yield from ()

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily | InfoMetricFamily]:
        """Read the node."""
        life, snapshot = self._life(), self._snapshot()
        yield InfoMetricFamily(
            "trading_node",
            "What runs here.",
            value={
                "version": __version__,
                "deployment": self._environment.deployment,
                "revision": self._environment.revision,
            },
        )
        state = GaugeMetricFamily("trading_node_state", "1 for the state that the node is in.", labels=["state"])
        for known in NodeState:
            state.add_metric([known.value], float(known is life.state))
        yield state
        yield GaugeMetricFamily(
            "trading_node_reconciled", "1 while the node agrees with its venues.", value=float(life.reconciled)
        )
        yield from _trading(snapshot)
        if snapshot.replay is not None:
            yield CounterMetricFamily(
                "trading_node_replay_events", "Events of market data replayed.", value=snapshot.replay.events
            )
            yield GaugeMetricFamily(
                "trading_node_replay_time_seconds",
                "Time of the last event in the catalog's own time.",
                value=snapshot.replay.time_ns / 1e9,
            )


def _trading(snapshot: Snapshot) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    orders = CounterMetricFamily("trading_node_orders", "Orders by outcome.", labels=["outcome"])
    orders.add_metric(["submitted"], snapshot.orders_total)
    orders.add_metric(["filled"], snapshot.orders_filled)
    orders.add_metric(["rejected"], snapshot.orders_rejected)
    orders.add_metric(["denied"], snapshot.orders_denied)
    yield orders
    yield GaugeMetricFamily("trading_node_orders_open", "Orders that may still fill.", value=snapshot.orders_open)
    yield CounterMetricFamily("trading_node_fills", "Fills.", value=snapshot.fills)
    yield GaugeMetricFamily("trading_node_positions_open", "Open positions.", value=snapshot.positions_open)
    profit = GaugeMetricFamily("trading_node_profit", "Profit by currency and kind.", labels=["currency", "kind"])
    for item in snapshot.profits:
        profit.add_metric([item.currency, "realized"], float(item.realized))
        profit.add_metric([item.currency, "unrealized"], float(item.unrealized))
    yield profit
