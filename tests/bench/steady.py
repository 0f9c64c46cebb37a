"""API writes by the operator while deployments trade and nothing changes, against those while they were set up."""

import time
from dataclasses import dataclass

from tests.bench.operator_process import operator_usage
from tests.bench.table import Row
from tests.bench.thousand import bench_namespace
from tests.cluster.cluster import Cluster
from tests.e2e.deployments import Deployment, manifest
from tests.e2e.operator_install import OperatorInstall

COUNT = 3
SETTLE_SECONDS = 10
WATCHED_SECONDS = 120


@dataclass(frozen=True)
class Steady:
    """Writes as counted."""

    setting_up: float
    per_minute: float


def measure(cluster: Cluster, operator: OperatorInstall) -> Steady:
    """Set three deployments up, let them trade, and count."""
    start = operator_usage(operator)
    with bench_namespace(cluster, "bench-steady") as kubectl:
        names = [f"steady-{number}" for number in range(COUNT)]
        kubectl.apply(*(manifest(name) for name in names))
        for name in names:
            Deployment(kubectl, name).wait_trading()
        time.sleep(SETTLE_SECONDS)
        before = operator_usage(operator)
        time.sleep(WATCHED_SECONDS)
        after = operator_usage(operator)
        kubectl.run("delete", "td", "--all", timeout=120)
    return Steady(before.since(start).writes, after.since(before).writes * 60 / WATCHED_SECONDS)


def rows(result: Steady) -> list[Row]:
    """The table's row."""
    return [
        Row(
            "API writes once steady",
            f"{result.per_minute:.1f} a minute",
            f"{result.setting_up:.0f} to set {COUNT} deployments up",
            f"{result.per_minute:.1f}",
            "0",
            result.per_minute == 0,
        )
    ]
