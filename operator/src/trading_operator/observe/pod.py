"""What is wrong with a pod, if anything is."""

from datetime import datetime, timedelta

from trading_api.reasons import DegradedReason
from trading_operator.desired import gcsfuse
from trading_operator.objects import Manifest, name_of, timestamp
from trading_operator.observe.containers import ContainerState, container_states, node_container, pod_condition
from trading_operator.observe.finding import Finding, sentence
from trading_operator.observe.mounts import mount_failure
from trading_operator.observe.starting import missing_secret, unbound_storage
from trading_operator.observe.stops import unfinished_stop

_IMAGE_REASONS = frozenset(
    {"ErrImageNeverPull", "ErrImagePull", "ImageInspectError", "ImagePullBackOff", "InvalidImageName"}
)
_CREATE_REASONS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
STOP_SLACK = timedelta(seconds=15)
"""How long after its grace period a pod may take to vanish before somebody should look."""


def diagnose(pod: Manifest, now: datetime) -> Finding | None:
    """Return what is wrong with the pod; None where nothing is, or nothing yet."""
    if pod["metadata"].get("deletionTimestamp"):
        return unfinished_stop(pod) or _overdue(pod, now)
    return _node_lost(pod) or _unschedulable(pod) or _broken_mount(pod) or _broken_container(pod)


def stop_deadline(pod: Manifest) -> datetime | None:
    """Return when a pod that is being stopped should be gone; None where it is not being stopped."""
    end = timestamp(pod["metadata"].get("deletionTimestamp"))
    return end + STOP_SLACK if end else None


def _overdue(pod: Manifest, now: datetime) -> Finding | None:
    deadline = stop_deadline(pod)
    if deadline is None or now < deadline:
        return None
    if _silent(pod):
        return Finding(DegradedReason.NODE_LOST, sentence(_lost(pod), _way_out(pod)))
    return Finding(
        DegradedReason.STOP_OVERDUE,
        sentence(
            f"pod {name_of(pod)} has not ended within its grace period",
            f"see kubectl describe pod {name_of(pod)} -n {pod['metadata']['namespace']}",
            _way_out(pod),
        ),
    )


def _lost(pod: Manifest) -> str:
    machine = pod["spec"].get("nodeName", "")
    return f"machine {machine} of pod {name_of(pod)} does not answer; its node may still be trading"


def _way_out(pod: Manifest) -> str:
    return (
        "once the machine is certainly off, and only then, kubectl delete pod "
        f"{name_of(pod)} -n {pod['metadata']['namespace']} --force --grace-period=0"
    )


def _silent(pod: Manifest) -> bool:
    """Tell whether the pod's machine stopped reporting.

    The node controller then marks the pod not ready, while its containers stay as the kubelet last saw them. Where the
    kubelet itself calls it not ready, because of a sidecar for instance, it says so of the containers too.
    """
    containers = list(container_states(pod))
    by_kubelet = pod_condition(pod, "ContainersReady").get("status") == "False"
    marked = pod_condition(pod, "Ready").get("status") == "False" and not by_kubelet
    taint = pod_condition(pod, "DisruptionTarget").get("reason") == "DeletionByTaintManager"
    return bool(containers) and (taint or (marked and all(state.ready for state in containers)))


def _node_lost(pod: Manifest) -> Finding | None:
    if not _silent(pod) or pod_condition(pod, "Ready").get("reason") == "ReadinessGatesNotReady":
        return None
    return Finding(
        DegradedReason.NODE_LOST,
        sentence(_lost(pod), "it is replaced only after its machine answers, or", _way_out(pod)),
    )


def _unschedulable(pod: Manifest) -> Finding | None:
    scheduled = pod_condition(pod, "PodScheduled")
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    says = scheduled.get("message", "")
    return unbound_storage(pod, says) or Finding(
        DegradedReason.UNSCHEDULABLE, sentence("no machine takes the pod", says)
    )


def _broken_mount(pod: Manifest) -> Finding | None:
    for state in container_states(pod, "initContainerStatuses"):
        if found := _cannot_start(pod, state):
            return found
        if state.name.startswith(gcsfuse.SIDECAR_PREFIX) and state.end is not None and not state.started:
            return mount_failure(state.name, state.end.text)
    return None


def _cannot_start(pod: Manifest, state: ContainerState) -> Finding | None:
    if state.waiting_reason in _IMAGE_REASONS:
        return Finding(
            DegradedReason.IMAGE_PULL_FAILED,
            sentence(
                f"the image {state.image} of container {state.name} cannot be pulled; correct its name,"
                " or give the pod imagePullSecrets",
                state.waiting_message or state.waiting_reason,
            ),
        )
    if state.waiting_reason in _CREATE_REASONS:
        return missing_secret(pod, state.waiting_message) or Finding(
            DegradedReason.CONTAINER_REFUSED,
            sentence(f"container {state.name} cannot be made", state.waiting_message or state.waiting_reason),
        )
    return None


def _broken_container(pod: Manifest) -> Finding | None:
    for state in container_states(pod):
        if found := _cannot_start(pod, state):
            return found
    node = node_container(pod)
    return node_failure(node) if node is not None and not node.running and node.end is not None else None


def node_failure(node: ContainerState) -> Finding | None:
    """Return how the node's process last ended, in the node's own words where it left some."""
    end = node.end
    if end is None or end.exit_code == 0:
        return None
    if words := end.last_words:
        return Finding(words.reason, sentence(words.message, words.remedy))
    if end.reason == "OOMKilled":
        return Finding(
            DegradedReason.OUT_OF_MEMORY,
            "the node used more memory than its limit; raise resources.limits.memory in spec.podTemplate",
        )
    return Finding(
        DegradedReason.CRASH_LOOPING,
        sentence(
            f"the node ended with exit code {end.exit_code} and left no reason; see kubectl logs --previous",
            end.text[-300:],
        ),
    )
