"""Nodes that KWOK plays: pods on them run and end at once, and cost nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster import process, programs
from tests.cluster.cluster import Cluster
from tests.e2e.kubectl import Kubectl, Object
from tests.waiting import eventually

LABEL = "kwok.x-k8s.io/node"
"""Annotation of the nodes that are played, and their taint."""
ON_KWOK = {
    "spec": {
        "nodeSelector": {"type": "kwok"},
        "tolerations": [{"key": LABEL, "operator": "Exists", "effect": "NoSchedule"}],
    }
}
"""A pod template that runs there and nowhere else."""
NODE_READY = """\
conditions:
- {type: Ready, status: "True", reason: Played, message: "", lastHeartbeatTime: {{ Now | Quote }}}
"""
POD_READY = """\
phase: Running
startTime: {{ Now | Quote }}
conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ Now | Quote }}}
- {type: ContainersReady, status: "True", lastTransitionTime: {{ Now | Quote }}}
- {type: Ready, status: "True", lastTransitionTime: {{ Now | Quote }}}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ Now | Quote }}}}
{{ end }}
"""


def _stage(name: str, kind: str, then: Object, *when: tuple[Any, ...]) -> Object:
    expressions = [
        {"key": key, "operator": operator, **({"values": values} if values else {})} for key, operator, *values in when
    ]
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": expressions},
            "next": then,
        },
    }


_DELETED = ".metadata.deletionTimestamp"
_READY = '.status.conditions.[] | select( .type == "Ready" ) | .status'
STAGES = [
    _stage("node-ready", "Node", {"statusTemplate": NODE_READY}, (_READY, "NotIn", "True")),
    _stage(
        "pod-ready",
        "Pod",
        {"statusTemplate": POD_READY},
        (_DELETED, "DoesNotExist"),
        (".status.phase", "In", "Pending"),
    ),
    _stage("pod-gone", "Pod", {"delete": True}, (_DELETED, "Exists")),
]
"""What KWOK does, without which it does nothing."""


@contextmanager
def kwok_nodes(cluster: Cluster, folder: Path, *, count: int, pods_per_node: int) -> Iterator[None]:
    """Play nodes that are gone with the block."""
    kubectl = Kubectl(cluster.environment, "default")
    stages = folder / "kwok-stages.yaml"
    stages.write_text("---\n".join(json.dumps(stage) + "\n" for stage in STAGES), encoding="utf-8")
    record = process.start(
        "kwok",
        [programs.kwok(), "--kubeconfig", cluster.kubeconfig, f"--config={stages}", "--manage-all-nodes=false",
         f"--manage-nodes-with-annotation-selector={LABEL}=fake", "--node-ip=127.0.0.1"],
        records=folder,
        logs=folder,
    )  # fmt: skip
    nodes = [_node(f"kwok-{number}", pods_per_node) for number in range(count)]

    def ready() -> bool:
        process.ended_early(record, folder)
        return _ready_nodes(kubectl) >= count

    try:
        kubectl.apply(*nodes)
        eventually(ready, f"{count} nodes are played (log: {folder / 'kwok.log'})", within=60, every=0.5)
        yield
    finally:
        kubectl.run("delete", "node", *(node["metadata"]["name"] for node in nodes), "--ignore-not-found")
        process.stop(record, records=folder)


def _ready_nodes(kubectl: Kubectl) -> int:
    conditions = [
        {one["type"]: one["status"] for one in node["status"].get("conditions", ())}
        for node in kubectl.list("nodes", "type=kwok")
    ]
    return sum(one.get("Ready") == "True" for one in conditions)


def _node(name: str, pods: int) -> Object:
    capacity = {"cpu": "1000", "memory": "1000Gi", "pods": str(pods)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {LABEL: "fake"},
            "labels": {"type": "kwok", "kubernetes.io/hostname": name},
        },
        "spec": {"taints": [{"key": LABEL, "value": "fake", "effect": "NoSchedule"}]},
        "status": {"capacity": capacity, "allocatable": capacity},
    }
