"""What a person wants to see of a namespace after a failure."""

import json
from contextlib import suppress
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError


def report(cluster: Cluster, namespace: str) -> str:
    """Return what a person wants to see of a namespace after a failure: objects, events, the pods' logs."""
    parts = [f"=== namespace {namespace}"]
    for arguments in (
        ("get", "all,pvc,configmaps,controllerrevisions", "-o", "wide"),
        ("get", "tradingdeployments", "-o", "yaml"),
        ("get", "events", "--sort-by=.lastTimestamp"),
    ):
        with suppress(ClusterError):
            parts.append(cluster.kubectl(*arguments, "-n", namespace))
    for pod, container in _containers(cluster, namespace):
        for previous in (False, True):
            with suppress(ClusterError):
                options = ["-n", namespace, "-c", container, "--tail=60", *(["--previous"] if previous else [])]
                log = cluster.kubectl("logs", pod, *options)
                parts.append(f"--- {pod}/{container}{' (before its restart)' if previous else ''}\n{log}")
    return "\n".join(parts)


def _containers(cluster: Cluster, namespace: str) -> list[tuple[str, str]]:
    try:
        pods: dict[str, Any] = json.loads(cluster.kubectl("get", "pods", "-n", namespace, "-o", "json"))
    except ClusterError:
        return []
    return [
        (pod["metadata"]["name"], container["name"])
        for pod in pods["items"]
        for container in (*pod["spec"].get("initContainers", []), *pod["spec"]["containers"])
    ]
