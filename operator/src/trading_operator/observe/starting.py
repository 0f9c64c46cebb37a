"""Why a pod does not start: keys that are missing, volumes that cannot be mounted or bound."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from trading_api.reasons import DegradedReason
from trading_operator.objects import Manifest, name_of, timestamp
from trading_operator.observe.containers import container_states, pod_condition
from trading_operator.observe.finding import Finding, sentence

MOUNTED_WITHIN = timedelta(seconds=5)
"""How long a kubelet may take to mount a pod's volumes before its Events are asked."""
BOUND_WITHIN = timedelta(seconds=60)
"""How long a claim may take to get its volume before somebody should look."""
_LOOKS = tuple(timedelta(seconds=seconds) for seconds in (6, 15, 60, 180))
"""When to look at a pod that does not start: no event of ours tells of the kubelet's Events."""

_NO_SECRET = re.compile(r'secret "([^"]+)" not found')
_NO_KEY = re.compile(r"non-existent secret key: (\S+)|couldn't find key (\S+) in Secret")
_OF_VOLUME = re.compile(r'for volume "([^"]+)"')
_STORAGE = re.compile(r"persistentvolumeclaim|storageclass|volume node affinity|volume binding", re.IGNORECASE)


def mounting_since(pod: Manifest) -> datetime | None:
    """Return since when a pod waits on its machine for its volumes; None where it does not."""
    scheduled = pod_condition(pod, "PodScheduled")
    if not pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
        return None
    if pod_condition(pod, "PodReadyToStartContainers").get("status") == "True":
        return None  # they are mounted, and an image is being pulled
    states = [*container_states(pod), *container_states(pod, "initContainerStatuses")]
    if any(state.waiting_reason not in {"ContainerCreating", "PodInitializing"} for state in states):
        return None
    return timestamp(scheduled.get("lastTransitionTime"))


def start_deadlines(pod: Manifest | None) -> Iterator[datetime]:
    """Yield when to look again at a pod that has not started."""
    if pod is None or pod["metadata"].get("deletionTimestamp"):
        return
    if since := mounting_since(pod):
        yield from (since + after for after in _LOOKS)
    created = timestamp(pod["metadata"].get("creationTimestamp"))
    if created is not None and not pod["spec"].get("nodeName"):
        yield created + BOUND_WITHIN


def diagnose_start(pod: Manifest, claim: Manifest | None, mount_failure: str, now: datetime) -> Finding | None:
    """Return why a pod has not started, as far as its volumes and keys tell."""
    if mount_failure:
        return missing_secret(pod, mount_failure) or Finding(
            DegradedReason.VOLUME_NOT_MOUNTED, sentence("a volume of the pod cannot be mounted", mount_failure)
        )
    created = timestamp(pod["metadata"].get("creationTimestamp"))
    unbound = claim is not None and (claim.get("status") or {}).get("phase") == "Pending"
    if unbound and not pod["spec"].get("nodeName") and created is not None and now >= created + BOUND_WITHIN:
        return _not_bound(pod, "")
    return None


def unbound_storage(pod: Manifest, scheduler_says: str) -> Finding | None:
    """Return what is wrong with the state volume, where that is what keeps the pod from a machine."""
    return _not_bound(pod, scheduler_says) if _STORAGE.search(scheduler_says) else None


def missing_secret(pod: Manifest, kubelet_says: str) -> Finding | None:
    """Return which Secret or key is missing and how to add it, where that is what the kubelet says."""
    namespace = pod["metadata"]["namespace"]
    if found := _NO_SECRET.search(kubelet_says):
        secret = found[1]
        keys = _keys_of(pod, secret) or ["url"]
        files = " ".join(f"--from-file={key}=FILE" for key in keys)
        return Finding(
            DegradedReason.SECRET_MISSING,
            f"Secret {namespace}/{secret} does not exist: kubectl create secret generic {secret} -n {namespace} {files}"
            "; the node starts by itself when it is there",
        )
    if found := _NO_KEY.search(kubelet_says):
        key = (found[1] or found[2]).rstrip(".,")
        secret = _secret_of(pod, kubelet_says, key)
        return Finding(
            DegradedReason.SECRET_KEY_MISSING,
            f"Secret {namespace}/{secret} lacks the key {key}: add it; the node starts by itself when it is there",
        )
    return None


def _not_bound(pod: Manifest, scheduler_says: str) -> Finding:
    namespace = pod["metadata"]["namespace"]
    claims = [claim["claimName"] for volume in _volumes(pod) if (claim := volume.get("persistentVolumeClaim"))]
    asked = "; ".join(f"kubectl describe pvc {claim} -n {namespace}" for claim in claims)
    return Finding(
        DegradedReason.STORAGE_NOT_BOUND,
        sentence(
            f"pod {name_of(pod)} waits for its storage: see {asked}; for the state volume write a StorageClass of this"
            " cluster (kubectl get storageclass) as spec.state.storageClassName",
            scheduler_says,
        ),
    )


def _volumes(pod: Manifest) -> list[Mapping[str, Any]]:
    return pod["spec"].get("volumes") or []


def _keys_of(pod: Manifest, secret: str) -> list[str]:
    return [
        item["key"]
        for volume in _volumes(pod)
        if (volume.get("secret") or {}).get("secretName") == secret
        for item in volume["secret"].get("items") or ()
    ]


def _secret_of(pod: Manifest, kubelet_says: str, key: str) -> str:
    """Return the Secret that the kubelet speaks of: it names the Secret itself, or the volume."""
    if named := re.search(r"in Secret (?:\S+/)?([^/\s]+)", kubelet_says):
        return named[1]
    volume_name = _OF_VOLUME.search(kubelet_says)
    for volume in _volumes(pod):
        if volume_name and volume["name"] == volume_name[1]:
            return str((volume.get("secret") or {}).get("secretName", ""))
    return next((str(v["secret"]["secretName"]) for v in _volumes(pod) if key in str(v.get("secret", ""))), "")
