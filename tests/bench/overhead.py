"""From `kubectl apply` to Trading, against the same pod (its gcsfuse included) applied by hand.

Both end when the node itself says at /readyz that it trades, asked again and again: a readiness probe asks every few
seconds. The operator's side ends when its status says so, too.
"""

import copy
import time
from dataclasses import dataclass
from statistics import median

from tests.bench.table import Row, spread
from tests.bench.thousand import bench_namespace
from tests.cluster.cluster import Cluster
from tests.e2e.deployments import Deployment, manifest
from tests.e2e.kubectl import Kubectl, KubectlError, Object
from tests.waiting import eventually
from trading_api.wiring import HTTP_PORT

ROUNDS = 5
GOAL_SECONDS = 0.5
TIME_LIMIT = 90.0


@dataclass(frozen=True)
class Overhead:
    """Seconds of each round, measured in turn."""

    by_operator: tuple[float, ...]
    by_hand: tuple[float, ...]

    @property
    def difference(self) -> float:
        """The median of the rounds' differences."""
        return median(one - other for one, other in zip(self.by_operator, self.by_hand, strict=True))


def measure(cluster: Cluster) -> Overhead:
    """Apply one deployment and its pod by hand in turn; the first round of each warms caches and does not count."""
    operator_times, hand_times = [], []
    with bench_namespace(cluster, "bench-overhead") as kubectl:
        for number in range(ROUNDS + 1):
            name = f"round-{number}"
            kubectl_seconds, objects = _by_operator(kubectl, name)
            operator_times.append(kubectl_seconds)
            hand_times.append(_by_hand(kubectl, objects))
    return Overhead(tuple(operator_times[1:]), tuple(hand_times[1:]))


def _by_operator(kubectl: Kubectl, name: str) -> tuple[float, list[Object]]:
    began = time.monotonic()
    kubectl.apply(manifest(name))
    deployment = Deployment(kubectl, name)
    eventually(
        lambda: deployment.status().get("phase") == "Trading", f"{name} is Trading", within=TIME_LIMIT, every=0.02
    )
    seconds = time.monotonic() - began
    if not _trades(kubectl, deployment.pod_name):
        raise RuntimeError(f"{name} is said to trade, and its node says that it does not")
    objects = hand_made(kubectl, name)
    kubectl.run("delete", "td", name, timeout=TIME_LIMIT)
    return seconds, objects


def _by_hand(kubectl: Kubectl, objects: list[Object]) -> float:
    began = time.monotonic()
    kubectl.apply(*objects)
    pod = objects[-1]["metadata"]["name"]
    eventually(lambda: _trades(kubectl, pod), f"{pod} trades", within=TIME_LIMIT, every=0.02)
    seconds = time.monotonic() - began
    names = [f"{one['kind']}/{one['metadata']['name']}" for one in objects]
    kubectl.run("delete", *names, timeout=TIME_LIMIT)
    return seconds


def hand_made(kubectl: Kubectl, name: str) -> list[Object]:
    """The account, the config, the limits and the pod that the operator made, as files that a person would apply."""
    base = f"{name}-node"
    pod = kubectl.get("pod", f"{base}-0") or {}
    config_maps = [volume["configMap"]["name"] for volume in pod["spec"]["volumes"] if "configMap" in volume]
    found = [kubectl.get("serviceaccount", base), *(kubectl.get("configmap", each) for each in config_maps), pod]
    return [_stripped(one) for one in found if one]


def _stripped(live: Object) -> Object:
    """An object without what the cluster wrote into it; the pod's name, too, is the one that its node accepts."""
    wanted: Object = copy.deepcopy({key: live[key] for key in ("apiVersion", "kind", "data", "spec") if key in live})
    wanted["metadata"] = {"name": live["metadata"]["name"]}
    spec = wanted.get("spec", {})
    for field in ("nodeName", "hostname", "subdomain", "priority", "preemptionPolicy", "tolerations"):
        spec.pop(field, None)
    return wanted


def _trades(kubectl: Kubectl, pod: str) -> bool:
    """Ask the node itself, through the API server; without an answer it does not."""
    try:
        kubectl.run("get", "--raw", f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}:{HTTP_PORT}/proxy/readyz")
    except KubectlError:
        return False
    return True


def rows(result: Overhead) -> list[Row]:
    """The table's row."""
    return [
        Row(
            "kubectl apply to Trading",
            spread(result.by_operator, "s"),
            f"the same pod by hand until it trades: {spread(result.by_hand, 's')}",
            f"{result.difference:+.2f} s, {median(result.by_operator) / median(result.by_hand):.2f} times",
            f"<= +{GOAL_SECONDS} s",
            result.difference <= GOAL_SECONDS,
        )
    ]
