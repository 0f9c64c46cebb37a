"""The conditions of a deployment that is there to stay, from its situation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trading_api import wiring
from trading_api.reasons import AcceptedReason, DegradedReason, ProgressReason, UpdateReason
from trading_api.status import ConditionStatus, ConditionType, NodeState
from trading_operator.desired.names import ANNOTATION_APPROVE
from trading_operator.desired.refusal import Refusal
from trading_operator.observe.finding import sentence
from trading_operator.observe.situation import Situation


@dataclass(frozen=True, slots=True)
class Verdict:
    """A condition without its bookkeeping."""

    type: ConditionType
    status: ConditionStatus
    reason: str
    message: str = ""


def verdict(kind: ConditionType, holds: bool | None, reason: str, message: str = "") -> Verdict:
    """Make a verdict; None means that nobody knows."""
    status = {True: ConditionStatus.TRUE, False: ConditionStatus.FALSE, None: ConditionStatus.UNKNOWN}[holds]
    return Verdict(kind, status, reason, sentence(message))


def verdicts(situation: Situation, refusal: Refusal | None) -> tuple[Verdict, ...]:
    """Return every condition once."""
    first = (
        accepted(refusal),
        _progressing(situation, refusal),
        _reconciled(situation),
        _trading(situation),
        _degraded(situation),
        _update_pending(situation),
    )
    return (*first, _ready(situation, first))


def accepted(refusal: Refusal | None) -> Verdict:
    """Say whether the spec can be run."""
    if refusal is None:
        return verdict(ConditionType.ACCEPTED, True, AcceptedReason.ACCEPTED, "the spec can be run")
    return verdict(ConditionType.ACCEPTED, False, refusal.reason, refusal.message)


def _progressing(situation: Situation, refusal: Refusal | None) -> Verdict:
    still = _standstill(situation, refusal)
    reason, message = still or _movement(situation)
    return verdict(ConditionType.PROGRESSING, still is None, reason, message)


def _standstill(situation: Situation, refusal: Refusal | None) -> tuple[str, str] | None:
    """Return why nothing moves; None where something does."""
    outcome = situation.wanted_outcome
    if not situation.wanted_replicas:
        if situation.pod is not None:
            return None
        if outcome is None:
            return ProgressReason.SUSPENDED, "set spec.suspend to false to start the node"
        return outcome.reason, _after(situation)
    if not situation.records and refusal is not None:
        return refusal.reason, "nothing runs until the spec is accepted"
    return _running_still(situation) if not situation.leaving else None


def _running_still(situation: Situation) -> tuple[str, str] | None:
    """Return why nothing moves while a pod runs that is to stay."""
    if situation.silent:
        return ProgressReason.NO_REPORT, _silence(situation)
    if situation.report is not None and situation.report.trading and not situation.limits_on_their_way:
        return ProgressReason.TRADING, "the node trades"
    return None


def _movement(situation: Situation) -> tuple[str, str]:
    if situation.pod is None:
        return ProgressReason.CREATING_POD, "the pod is about to be made"
    if not situation.wanted_replicas:
        return ProgressReason.STOPPING, "the node is being stopped"
    if situation.leaving:
        pod_ends = f"the pod of revision {situation.running} ends before revision {situation.target} starts"
        return ProgressReason.REPLACING, pod_ends
    if situation.report is not None and situation.report.trading:
        return ProgressReason.APPLYING_LIMITS, "the new limits reach the node within seconds; it goes on trading"
    return ProgressReason.STARTING, (situation.report.message if situation.report else "") or "the node starts"


def _after(situation: Situation) -> str:
    outcome = situation.wanted_outcome
    if outcome is not None and outcome.failed:
        return "the node is not started again until the spec changes, or spec.suspend is set to true and back to false"
    return "to run it again, set spec.suspend to true and back to false"


def _silence(situation: Situation) -> str:
    report = situation.report
    return f"the node's last report is of {report.updated} and says {report.state}" if report is not None else ""


def _reconciled(situation: Situation) -> Verdict:
    report = situation.report
    if situation.silent:
        return verdict(ConditionType.RECONCILED, None, ProgressReason.NO_REPORT, _silence(situation))
    if report is None:
        return verdict(ConditionType.RECONCILED, None, ProgressReason.NO_REPORT, "no node of this deployment reports")
    if report.reconciled:
        return verdict(
            ConditionType.RECONCILED, True, ProgressReason.AGREES_WITH_VENUES, "orders and positions equal the venues'"
        )
    return verdict(ConditionType.RECONCILED, False, ProgressReason.NOT_RECONCILED, report.message)


def _trading(situation: Situation) -> Verdict:
    report, outcome = situation.report, situation.wanted_outcome
    if outcome is not None:
        return verdict(ConditionType.TRADING, False, outcome.reason, outcome.message)
    if report is None:
        reason = ProgressReason.SUSPENDED if situation.desired.suspended else ProgressReason.NO_REPORT
        return verdict(ConditionType.TRADING, False, reason, "no node of this deployment reports")
    if situation.silent:
        return verdict(ConditionType.TRADING, None, ProgressReason.NO_REPORT, _silence(situation))
    if report.trading:
        return verdict(ConditionType.TRADING, True, ProgressReason.TRADING, report.message)
    return verdict(ConditionType.TRADING, False, report.reason or report.state or NodeState.STARTING, report.message)


def _degraded(situation: Situation) -> Verdict:
    outcome = situation.wanted_outcome
    if outcome is not None and outcome.failed:
        return verdict(ConditionType.DEGRADED, True, outcome.reason, sentence(outcome.message, _after(situation)))
    if situation.finding is not None:
        return verdict(ConditionType.DEGRADED, True, situation.finding.reason, situation.finding.message)
    return verdict(ConditionType.DEGRADED, False, DegradedReason.AS_EXPECTED)


def _update_pending(situation: Situation) -> Verdict:
    pending, owner = situation.pending, situation.desired.owner
    if pending is None:
        return verdict(ConditionType.UPDATE_PENDING, False, UpdateReason.UP_TO_DATE)
    if situation.granted:
        says = "waits until the cluster takes it: see Accepted" if situation.refused else "is about to be started"
        return verdict(ConditionType.UPDATE_PENDING, True, UpdateReason.REPLACING, f"revision {pending.hash} {says}")
    return verdict(
        ConditionType.UPDATE_PENDING,
        True,
        UpdateReason.AWAITING_APPROVAL,
        f"revision {pending.hash} waits for its approval; to start it: kubectl annotate {wiring.PLURAL} {owner.name}"
        f" -n {owner.namespace} --overwrite {ANNOTATION_APPROVE}={pending.hash}",
    )


def _ready(situation: Situation, others: Iterable[Verdict]) -> Verdict:
    """Ready: this generation runs, agrees with its venues, trades, is not degraded. Else the first reason why not."""
    by_type = {other.type: other for other in others}
    wanted = {
        ConditionType.ACCEPTED: ConditionStatus.TRUE,
        ConditionType.DEGRADED: ConditionStatus.FALSE,
        ConditionType.UPDATE_PENDING: ConditionStatus.FALSE,
        ConditionType.PROGRESSING: ConditionStatus.FALSE,
        ConditionType.TRADING: ConditionStatus.TRUE,
        ConditionType.RECONCILED: ConditionStatus.TRUE,
    }
    for kind, status in wanted.items():
        if by_type[kind].status != status:
            return verdict(ConditionType.READY, False, by_type[kind].reason, by_type[kind].message)
    return verdict(ConditionType.READY, True, ProgressReason.TRADING, f"revision {situation.running} trades")


def conditions(
    found: Iterable[Verdict], previous: Iterable[Mapping[str, Any]], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Return the conditions as the API holds them; the time of a transition stays while the status does."""
    before = {condition["type"]: condition for condition in previous}
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        {
            "type": str(one.type),
            "status": str(one.status),
            "reason": one.reason,
            "message": one.message,
            "lastTransitionTime": before[one.type]["lastTransitionTime"]
            if one.type in before and before[one.type]["status"] == one.status
            else stamp,
            "observedGeneration": generation,
        }
        for one in found
    ]
