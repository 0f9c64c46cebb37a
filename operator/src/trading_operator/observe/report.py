"""The node's own report, as far as it may be believed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from trading_api import wiring
from trading_api.status import ConditionReason, NodeState
from trading_operator.objects import Manifest, is_terminating, uid_of
from trading_operator.observe.containers import ContainerState, node_container

SILENT_AFTER_INTERVALS = 2 * wiring.QUIET_REPORT_INTERVALS + 2
"""Intervals after which a report says nothing of the present any more: two that were due have not come."""
SILENT_AFTER_AT_LEAST = timedelta(minutes=3)
"""Where intervals are short: what a node may wait between two tries to report, and clocks that differ."""
KUBELET_SECOND = timedelta(seconds=1)
"""The kubelet tells whole seconds, rounded down."""
_LAST_WORDS = frozenset({NodeState.COMPLETED, NodeState.STOPPED, NodeState.FAILED})


@dataclass(frozen=True, slots=True)
class Report:
    """What the present process of the present pod last said."""

    state: str
    reason: str
    message: str
    reconciled: bool
    limits_hash: str = ""
    """The limits that it applies; empty where it does not say."""
    limits_error: str = ""
    """Why it does not apply newer ones."""
    updated: str = ""
    """When it was written, by the node's clock, as it stands there."""
    silent_at: datetime | None = None
    """When the node counts as silent unless it reports again; None where nothing more is to come."""

    @property
    def trading(self) -> bool:
        """Whether the node says that it trades."""
        return self.state == NodeState.TRADING

    @property
    def completed(self) -> bool:
        """Whether the node says that its replay is over."""
        return self.state == NodeState.COMPLETED

    def is_silent(self, now: datetime) -> bool:
        """Tell whether the node has said nothing for so long that nobody knows what it does."""
        return self.silent_at is not None and now >= self.silent_at


def present_report(deployment: Manifest, pod: Manifest | None) -> Report | None:
    """Return the report of the present process; one of another pod, or of an earlier process in this one, is stale.

    A container that is started again in its pod keeps the pod's uid, and the report of the process that was killed
    stands there until the new one reports. Both of its times are compared as the machine of the pod tells them.
    """
    node = (deployment.get("status") or {}).get("node") or {}
    if pod is None or not node or node.get("podUid") != uid_of(pod):
        return None
    container, started = node_container(pod), _time(node.get("startedAt"))
    ended = container is not None and _has_ended(container, started)
    if container is not None and _is_of_an_earlier_process(container, started):
        return None
    if ended and node.get("state") not in _LAST_WORDS:
        return None
    limits = node.get("limits") or {}
    return Report(
        state=str(node.get("state", "")),
        reason=_word(node.get("reason")),
        message=str(node.get("message", "")),
        reconciled=node.get("reconciled") is True and not ended,
        limits_hash=str(limits.get("hash", "")),
        limits_error=str(limits.get("error", "")),
        updated=str(node.get("updatedAt", "")),
        silent_at=None if ended or is_terminating(pod) else _silent_at(node, pod),
    )


def _is_of_an_earlier_process(container: ContainerState, started: datetime | None) -> bool:
    """Tell whether a report is of a process before the one whose start the kubelet told last."""
    last = container.running_since if container.running else container.end.started if container.end else None
    return last is not None and started is not None and started < last - KUBELET_SECOND


def _has_ended(container: ContainerState, started: datetime | None) -> bool:
    """Tell whether the process that reports has ended; one that started after that end is news to the kubelet."""
    if container.running or container.end is None:
        return False
    finished = container.end.finished
    return finished is None or started is None or started < finished + KUBELET_SECOND


def _silent_at(node: Manifest, pod: Manifest) -> datetime | None:
    updated = _time(node.get("updatedAt"))
    if updated is None or node.get("state") == NodeState.COMPLETED:
        return None
    try:
        return updated + max(SILENT_AFTER_INTERVALS * _interval(pod), SILENT_AFTER_AT_LEAST)
    except OverflowError:
        return None  # from the end of time, which may not keep anybody from stopping the node


def _interval(pod: Manifest) -> timedelta:
    """Return how often the pod's node may report; it was told when its revision was rendered."""
    containers = (one for one in pod["spec"].get("containers") or () if one["name"] == wiring.NODE_CONTAINER)
    told = (one.get("value") for node in containers for one in node.get("env") or () if one["name"] == _INTERVAL)
    try:
        return timedelta(seconds=float(next(told, None) or 0))
    except (ValueError, OverflowError):
        return timedelta()


def _word(reason: object) -> str:
    """Return a reason as a condition takes it; empty where it is no word, because all conditions would be refused."""
    try:
        return _REASON.validate_python(reason)
    except ValidationError:
        return ""


_REASON: TypeAdapter[str] = TypeAdapter(ConditionReason)
_INTERVAL = wiring.ENV_REPORT_INTERVAL


def _time(text: object) -> datetime | None:
    """Read a time that the node wrote; None where it cannot be read."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
