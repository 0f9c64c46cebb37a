"""What ``spec.podTemplate`` may not change: all that a safe start and stop of the node rest on.

Some of it the API server refuses at once (:mod:`trading_api.pod_template`); all of it is checked here, because a
resource may be older than a rule.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from trading_api import wiring
from trading_api.pod_template import FORBIDDEN_IN_NODE_CONTAINER, FORBIDDEN_IN_POD, RESERVED_ENV_PREFIX
from trading_operator.objects import Manifest

_POD = dict(FORBIDDEN_IN_POD) | {
    "activeDeadlineSeconds": "it would kill a trading node without a stop: remove this field",
    "automountServiceAccountToken": "the token is mounted into the node's container alone: remove this field",
    "ephemeralContainers": "they are added to a running pod: use kubectl debug",
    "hostIPC": "the node shares nothing with its machine: remove this field",
    "hostNetwork": "two nodes on one machine would meet on one port: remove this field",
    "hostPID": "the node shares nothing with its machine: remove this field",
    "hostname": "the StatefulSet names the pod: remove this field",
    "nodeName": "it evades the scheduler: use nodeSelector or affinity",
    "shareProcessNamespace": "a sidecar could signal the node: remove this field",
    "subdomain": "the StatefulSet names the pod: remove this field",
}
_NODE_CONTAINER = dict(FORBIDDEN_IN_NODE_CONTAINER) | {
    "lifecycle": "hooks would eat the budget of the node's stop: remove this field",
    "restartPolicy": "the kubelet restarts the node: remove this field",
    "terminationMessagePath": "the operator reads the node's last words there: remove this field",
    "terminationMessagePolicy": "the operator reads the node's last words: remove this field",
    "workingDir": "the operator starts the node: remove this field",
}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PROBE_TIMINGS = frozenset({"failureThreshold", "initialDelaySeconds", "periodSeconds", "timeoutSeconds"})
_OF_OUR_INIT_CONTAINERS = frozenset({"name", "resources"})


def broken_guard_rails(base: Manifest, patch: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a patch of the pod spec may not do, one sentence each; ``base`` is the pod spec without the patch."""
    yield from (f"{field}: {says}" for field, says in _POD.items() if field in patch)
    yield from _collections_removed(patch)
    yield from _our_volumes(base, patch)
    for container in _items(patch, "containers"):
        if container.get("name") == wiring.NODE_CONTAINER:
            yield from (f"containers[node].{fault}" for fault in _node_container(base, container))
    ours = {container["name"] for container in base.get("initContainers", ())}
    for container in _items(patch, "initContainers"):
        if container.get("name") in ours and not container.keys() <= _OF_OUR_INIT_CONTAINERS:
            yield f"initContainers[{container['name']}]: it mounts a catalog: only its resources can be set"


def _items(patch: Mapping[str, Any], field: str) -> Iterator[Mapping[str, Any]]:
    items = patch.get(field)
    return (item for item in items if isinstance(item, Mapping)) if isinstance(items, list) else iter(())


def _collections_removed(patch: Mapping[str, Any]) -> Iterator[str]:
    for field in ("containers", "initContainers", "volumes"):
        if field in patch and not isinstance(patch[field], list):
            yield f"{field}: it holds what the node needs: write a list of additions"


def _our_volumes(base: Manifest, patch: Mapping[str, Any]) -> Iterator[str]:
    ours = {volume["name"] for volume in base["volumes"]}
    for volume in _items(patch, "volumes"):
        if volume.get("name") in ours:
            yield f"volumes[{volume['name']}]: the operator makes this volume: choose another name"


def _node_container(base: Manifest, patch: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{field}: {says}" for field, says in _NODE_CONTAINER.items() if field in patch)
    for field in ("env", "volumeMounts", "ports"):
        if field in patch and not isinstance(patch[field], list):
            yield f"{field}: it holds what the node needs: write a list of additions"
    for variable in _items(patch, "env"):
        if str(variable.get("name", "")).startswith(RESERVED_ENV_PREFIX):
            yield f"env[{variable['name']}]: the operator sets {RESERVED_ENV_PREFIX} variables: choose another name"
    for probe in _PROBES:
        settings = patch.get(probe, {})
        if not isinstance(settings, Mapping) or not settings.keys() <= _PROBE_TIMINGS:
            yield f"{probe}: the operator knows what to ask: only {', '.join(sorted(_PROBE_TIMINGS))} can be set"
    for port in _items(patch, "ports"):
        if port.get("containerPort") == wiring.HTTP_PORT or port.get("name") == "http":
            yield f"ports[{wiring.HTTP_PORT}]: the node serves its API there: choose another port and name"
    yield from _hidden_mounts(base, patch)


def _hidden_mounts(base: Manifest, patch: Mapping[str, Any]) -> Iterator[str]:
    node = next(container for container in base["containers"] if container["name"] == wiring.NODE_CONTAINER)
    ours = [PurePosixPath(mount["mountPath"]) for mount in node["volumeMounts"]]
    for mount in _items(patch, "volumeMounts"):
        path = PurePosixPath(str(mount.get("mountPath", "/")))
        if any(own.is_relative_to(path) for own in ours):
            yield f"volumeMounts[{path}]: it would hide what the node needs: choose another path"
