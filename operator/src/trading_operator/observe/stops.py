"""What a stop has left, for as long as nobody has looked after it.

The pod that was stopped goes within moments, and its words with it. What it said is carried on in the deployment's own
condition, until a node of the deployment trades, which has agreed with its venues before.
"""

from trading_api.exit_codes import ExitCode
from trading_api.reasons import DegradedReason
from trading_api.status import ConditionStatus, ConditionType
from trading_operator.objects import Manifest
from trading_operator.observe.containers import End, node_container
from trading_operator.observe.finding import Finding, sentence

_LOOK = "look at the venue for open orders and positions"


def unfinished_stop(pod: Manifest) -> Finding | None:
    """Return what is to be told of the end of the node in a pod that is being stopped; None where it ended in order."""
    node = node_container(pod)
    if node is None or node.running or node.end is None:
        return None
    end, words = node.end, node.end.last_words
    if words is not None and words.reason == DegradedReason.STOP_INCOMPLETE:
        return Finding(DegradedReason.STOP_INCOMPLETE, sentence(words.message, words.remedy))
    if end.exit_code == ExitCode.STOP_INCOMPLETE or _was_killed(end):
        return Finding(
            DegradedReason.STOP_INCOMPLETE,
            sentence(
                f"the node ended with exit code {end.exit_code} and without a stop that was done to its end", _LOOK
            ),
        )
    return None


def left_by_the_last_stop(deployment: Manifest) -> Finding | None:
    """Return what the deployment's own status says of a stop that was not done to its end."""
    return _told(deployment) or untold_stop(deployment)


def untold_stop(deployment: Manifest) -> Finding | None:
    """Return what the last node's report, which outlives its pod, says of its stop, where no condition tells it."""
    node = (deployment.get("status") or {}).get("node") or {}
    if node.get("reason") != DegradedReason.STOP_INCOMPLETE or _told(deployment) is not None:
        return None
    return Finding(DegradedReason.STOP_INCOMPLETE, sentence(str(node.get("message") or ""), _LOOK))


def _told(deployment: Manifest) -> Finding | None:
    for one in (deployment.get("status") or {}).get("conditions") or ():
        told = (one.get("type"), one.get("status"), one.get("reason"))
        if told == (ConditionType.DEGRADED, ConditionStatus.TRUE, DegradedReason.STOP_INCOMPLETE):
            return Finding(DegradedReason.STOP_INCOMPLETE, one.get("message", ""))
    return None


def _was_killed(end: End) -> bool:
    """Tell whether a process that had begun was ended by something else than itself.

    A container that never ran is called killed too, by a kubelet that does not find it: without a time of its start.
    """
    return end.exit_code > 128 and end.started is not None
