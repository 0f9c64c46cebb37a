"""API writes by the operator while deployments trade and nothing changes, against those while they were set up.

Counted by the API server's audit log where it is in reach, else by the operator itself.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.audit import OPERATOR, writes
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
    once_steady: float
    by: str
    """Who counted."""

    @property
    def per_minute(self) -> float:
        """How many of them in a minute."""
        if self.setting_up <= 0 or self.once_steady < 0:
            raise RuntimeError(
                f"{self.by} counted {self.setting_up:.0f} writes while {COUNT} deployments were set up and"
                f" {self.once_steady:.0f} after that: it does not count the operator's"
            )
        return self.once_steady * 60 / WATCHED_SECONDS


def measure(cluster: Cluster, operator: OperatorInstall) -> Steady:
    """Set three deployments up, let them trade, and count."""
    count = _audited(cluster.audit_log) if cluster.audit_log else lambda: operator_usage(operator).writes
    start = count()
    with bench_namespace(cluster, "bench-steady") as kubectl:
        names = [f"steady-{number}" for number in range(COUNT)]
        kubectl.apply(*(manifest(name) for name in names))
        for name in names:
            Deployment(kubectl, name).wait_trading()
        time.sleep(SETTLE_SECONDS)
        before = count()
        time.sleep(WATCHED_SECONDS)
        after = count()
        kubectl.run("delete", "td", "--all", timeout=120)
    return Steady(before - start, after - before, "the audit log" if cluster.audit_log else "the operator")


def _audited(log: Path) -> Callable[[], float]:
    """Return a counter of the operator's writes so far, its leader lease aside; it tells the latest ones."""

    def count() -> float:
        found = [one for one in writes(log, OPERATOR) if not one.startswith(("create leases ", "update leases "))]
        print(f"[bench] {len(found)} writes by the operator, the latest: {found[-3:]}", file=sys.stderr, flush=True)
        return len(found)

    return count


def rows(result: Steady) -> list[Row]:
    """The table's row."""
    return [
        Row(
            "API writes once steady",
            f"{result.per_minute:.1f} a minute",
            f"{result.setting_up:.0f} to set {COUNT} deployments up",
            f"counted by {result.by}",
            "0",
            result.per_minute == 0,
        )
    ]
