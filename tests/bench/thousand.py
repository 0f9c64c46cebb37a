"""1,000 deployments until each has a StatefulSet that runs its pod, against `kubectl apply` of the same raw objects.

Nodes are played by KWOK: what is measured is the operator and the API server, not kubelets. The operator makes a
StatefulSet of 0 and starts it by a second write: it has done its part when that is done.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.bench.kwok import ON_KWOK, kwok_nodes
from tests.bench.operator_process import OperatorUsage, PeakMemory, operator_usage
from tests.bench.table import Row
from tests.cluster.cluster import Cluster
from tests.e2e.deployments import manifest
from tests.e2e.kubectl import Kubectl, Object
from tests.e2e.operator_install import OperatorInstall
from tests.waiting import eventually
from trading_operator.desired.config_map import config_map
from trading_operator.desired.controller_revision import controller_revision
from trading_operator.desired.deployment import Known, desired, named_children
from trading_operator.desired.stateful_set import stateful_set
from trading_operator.settings import GcsSettings, RenderSettings

COUNT = 1000
NODES = 10
TIME_LIMIT = 480.0
GOAL_RATIO = 1.2
GOAL_RSS_MIB = 200
REST_SECONDS = 10.0
"""Without a write for so long, the operator has come to rest."""
_RUNNING = (("/api/v1", "pods"), ("/apis/trading-operator.io/v1alpha1", "tradingdeployments"))


@dataclass(frozen=True)
class Thousand:
    """What the run took."""

    count: int
    operator_seconds: float
    kubectl_seconds: float
    usage: OperatorUsage
    """Until the operator had come to rest, and the most memory of that time."""


def deployments(count: int) -> list[Object]:
    """The TradingDeployments of the benchmark."""
    return [manifest(f"bench-{number:04d}", podTemplate=ON_KWOK) for number in range(count)]


def raw_objects(deployment: Object, namespace: str) -> list[Object]:
    """The objects that the operator makes for one deployment, as a person would write them into a file."""
    named = {
        **deployment,
        "metadata": {**deployment["metadata"], "namespace": namespace, "uid": "by-hand", "generation": 1},
    }
    wanted = desired(named, Known(), RenderSettings(gcs=GcsSettings(image="localhost/gcsfuse:dev")))
    if wanted.rendering is None or wanted.limits is None:
        raise RuntimeError(f"the benchmark's own deployment is refused: {wanted.refusal}")
    owner, rendering = wanted.owner, wanted.rendering
    return [
        *named_children(owner),
        wanted.limits,
        config_map(owner, rendering.hash, rendering.config),
        controller_revision(owner, rendering, 1),
        stateful_set(owner, rendering.template, 1),
    ]


def measure(cluster: Cluster, operator: OperatorInstall, folder: Path, count: int = COUNT) -> Thousand:
    """Run both ways one after the other on the same cluster, each in an empty namespace."""
    with kwok_nodes(cluster, folder, count=NODES, pods_per_node=2 * count // NODES + 1):
        with operator.away(), bench_namespace(cluster, "bench-raw") as kubectl:
            objects = [one for item in deployments(count) for one in raw_objects(item, kubectl.namespace)]
            kubectl_seconds = _apply_and_wait(kubectl, objects, count, folder)
        before = operator_usage(operator)
        with bench_namespace(cluster, "bench-operator") as kubectl, PeakMemory(operator) as memory:
            operator_seconds = _apply_and_wait(kubectl, deployments(count), count, folder)
            used = _at_rest(operator).since(before)
            peak = memory.peak_mib
    return Thousand(count, operator_seconds, kubectl_seconds, replace(used, rss_mib=max(used.rss_mib, peak)))


def _at_rest(operator: OperatorInstall) -> OperatorUsage:
    """Wait until the operator writes nothing more; return what it has used by then."""
    usage, since = operator_usage(operator), time.monotonic()

    def rests() -> bool:
        nonlocal usage, since
        present = operator_usage(operator)
        if present.writes != usage.writes:
            since = time.monotonic()
        usage = present
        return time.monotonic() - since >= REST_SECONDS

    eventually(rests, "the operator comes to rest", within=TIME_LIMIT, every=1)
    return usage


def _apply_and_wait(kubectl: Kubectl, objects: list[Object], count: int, folder: Path) -> float:
    """Seconds from `kubectl apply` until every StatefulSet is there and is to run its pod."""
    file = folder / "objects.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    began = time.monotonic()
    kubectl.run("apply", "--filename", str(file), timeout=TIME_LIMIT)
    eventually(lambda: _started(kubectl) >= count, f"{count} StatefulSets of 1", within=TIME_LIMIT, every=0.5)
    seconds = time.monotonic() - began
    # At once: what follows takes longer than what was measured, and may fail.
    print(f"[bench] {kubectl.namespace}: {seconds:.1f} s", file=sys.stderr, flush=True)
    return seconds


def _started(kubectl: Kubectl) -> int:
    """Return how many StatefulSets are to run a pod."""
    # The API server's own table: the objects of a thousand are megabytes. Its second column is READY, such as 0/1.
    table = kubectl.run("get", "statefulsets", "--no-headers", "--ignore-not-found", timeout=TIME_LIMIT)
    return started(table)


def started(table: str) -> int:
    """Count the lines of `kubectl get statefulsets` that want one pod, whether or not it is ready."""
    return sum(line.split()[1].endswith("/1") for line in table.splitlines() if line.strip())


def _count(kubectl: Kubectl, path: str) -> int:
    # One page of one object: the answer says how many remain, without reading them all.
    page: dict[str, Any] = json.loads(kubectl.run("get", "--raw", f"{path}?limit=1"))
    return len(page["items"]) + int(page["metadata"].get("remainingItemCount", 0))


@contextmanager
def bench_namespace(cluster: Cluster, name: str) -> Iterator[Kubectl]:
    """An empty namespace, gone with the block."""
    kubectl = Kubectl(cluster.environment, name)
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield kubectl
    finally:
        clear(kubectl)
        kubectl.run("delete", "namespace", name, "--ignore-not-found", timeout=TIME_LIMIT)


def clear(kubectl: Kubectl) -> None:
    """Take away what runs in a namespace, at once: left to the namespace, each pod of 1,000 has its grace period.

    What an operator drains ends with its pod; its finalizers are its own business and gone before the namespace is.
    """
    # One by one: a whole collection takes longer than the API server lets a request take.
    for kind in ("tradingdeployments", "statefulsets"):
        kubectl.run("delete", kind, "--all", "--wait=false", timeout=TIME_LIMIT)
    left = [f"{prefix}/namespaces/{kubectl.namespace}/{plural}" for prefix, plural in _RUNNING]

    def gone() -> bool:
        kubectl.run("delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false", timeout=TIME_LIMIT)
        return not any(_count(kubectl, path) for path in left)

    eventually(gone, f"{kubectl.namespace} is empty", within=TIME_LIMIT, every=1)


def rows(result: Thousand) -> list[Row]:
    """The table's rows."""
    ratio = result.operator_seconds / result.kubectl_seconds
    rss = result.usage.rss_mib
    return [
        Row(
            f"{result.count} deployments to StatefulSet of 1 applied",
            f"{result.operator_seconds:.1f} s",
            f"kubectl apply of the raw objects: {result.kubectl_seconds:.1f} s",
            f"{ratio:.2f} times",
            f"<= {GOAL_RATIO} times",
            ratio <= GOAL_RATIO,
        ),
        Row(
            "operator's memory until it rests",
            f"{rss:.0f} MiB RSS at most",
            f"{result.usage.cpu_seconds:.1f} s of CPU for the {result.count}",
            f"{rss / GOAL_RSS_MIB:.2f} of the goal",
            f"<= {GOAL_RSS_MIB} MiB",
            rss <= GOAL_RSS_MIB,
        ),
    ]
