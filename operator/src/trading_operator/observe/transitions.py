"""What a person should hear of: the changes between two statuses, as Kubernetes Events."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from trading_api.status import ConditionType, Phase
from trading_operator.objects import ObjectRef
from trading_operator.observe.finding import Finding


@dataclass(frozen=True, slots=True)
class Note:
    """One Event to be."""

    type: str
    """Normal or Warning."""
    reason: str
    action: str
    note: str


class Telling(NamedTuple):
    """Which status of a condition is worth an Event."""

    status: str
    type: str
    action: str


_REMOVE_CLAIM = (
    "a deployment of the same name, trader and mode takes it up again; to delete it for good, use kubectl delete pvc"
)
_TELLING_CONDITIONS = {
    ConditionType.ACCEPTED: Telling("False", "Warning", "Validate"),
    ConditionType.DEGRADED: Telling("True", "Warning", "Diagnose"),
    ConditionType.UPDATE_PENDING: Telling("True", "Normal", "Rollout"),
}
_TELLING_PHASES = {
    Phase.TRADING: "the node trades",
    Phase.COMPLETED: "the replay ran to its end; the node is scaled to zero",
    Phase.SUSPENDED: "the node is stopped, because spec.suspend is true",
    Phase.STOPPING: "the node is being stopped",
}
_LEAVING = frozenset({Phase.STOPPING, Phase.SUSPENDED})
"""What was wrong with a node that is stopped is over with it, and not mended."""


def transitions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Note]:
    """Yield what is new in ``after``; both are statuses of one deployment."""
    phase = after["phase"]
    if phase != before.get("phase") and phase in _TELLING_PHASES:
        yield Note("Normal", phase, "Reconcile", _TELLING_PHASES[Phase(phase)])
    old, new = _by_type(before), _by_type(after)
    for kind, telling in _TELLING_CONDITIONS.items():
        then, now = old.get(kind, {}), new.get(kind, {})
        if now.get("status") == telling.status and (then.get("status"), then.get("reason")) != (
            telling.status,
            now["reason"],
        ):
            yield Note(telling.type, now["reason"], telling.action, now.get("message", ""))
        ended = kind == ConditionType.DEGRADED and then.get("status") == "True" and now.get("status") == "False"
        if ended and phase not in _LEAVING:
            yield Note("Normal", "Recovered", telling.action, f"{then['reason']} is over")


def kept(claims: Iterable[ObjectRef]) -> Note:
    """Return what to say of the claims that a deletion leaves."""
    names = ", ".join(map(str, claims))
    return Note("Normal", "StateRetained", "Delete", f"{names} is kept with the books that it holds; {_REMOVE_CLAIM}")


def left(finding: Finding) -> Note:
    """Return what to say of a stop that left something, where the deployment goes before a status can tell."""
    return Note("Warning", finding.reason, "Delete", finding.message)


def _by_type(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {condition["type"]: condition for condition in status.get("conditions") or ()}
