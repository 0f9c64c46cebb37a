"""The node's own report, as far as it may be believed."""

from dataclasses import dataclass

from trading_api.status import NodeState
from trading_operator.objects import Manifest, uid_of


@dataclass(frozen=True, slots=True)
class Report:
    """What the node of the present pod last said."""

    state: str
    reason: str
    message: str
    reconciled: bool
    limits_hash: str = ""
    """The limits that it applies; empty where it does not say."""
    limits_error: str = ""
    """Why it does not apply newer ones."""

    @property
    def trading(self) -> bool:
        """Whether the node says that it trades."""
        return self.state == NodeState.TRADING

    @property
    def completed(self) -> bool:
        """Whether the node says that its replay is over."""
        return self.state == NodeState.COMPLETED


def present_report(deployment: Manifest, pod: Manifest | None) -> Report | None:
    """Return the report of the present pod; one of another pod is stale."""
    node = (deployment.get("status") or {}).get("node") or {}
    if pod is None or not node or node.get("podUid") != uid_of(pod):
        return None
    limits = node.get("limits") or {}
    return Report(
        state=str(node.get("state", "")),
        reason=str(node.get("reason", "")),
        message=str(node.get("message", "")),
        reconciled=node.get("reconciled") is True,
        limits_hash=str(limits.get("hash", "")),
        limits_error=str(limits.get("error", "")),
    )
