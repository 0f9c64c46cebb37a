"""The operator's part of a TradingDeployment's status."""

from datetime import datetime
from typing import Any

from trading_api import wiring
from trading_api.reasons import DegradedReason, ProgressReason
from trading_api.status import ConditionType, Phase
from trading_operator.desired.refusal import Refusal
from trading_operator.desired.stateful_set import revision_in
from trading_operator.objects import (
    POD,
    STATEFUL_SET,
    Manifest,
    generation_of,
    is_terminating,
    kind_of,
    labels_of,
)
from trading_operator.observe.conditions import Verdict, conditions, verdict, verdicts
from trading_operator.observe.finding import sentence
from trading_operator.observe.observed import Remains
from trading_operator.observe.pod import diagnose
from trading_operator.observe.situation import Situation
from trading_operator.observe.stops import left_by_the_last_stop

OWN_FIELDS = ("phase", "observedGeneration", "conditions", "revision")


def status(situation: Situation, refusal: Refusal | None) -> dict[str, Any]:
    """Return the status of a deployment that is there to stay."""
    deployment = situation.observed.deployment
    outcome = situation.wanted_outcome
    found = verdicts(situation, refusal)
    return {
        "phase": str(_phase(situation, refusal)),
        "observedGeneration": situation.desired.generation,
        "conditions": conditions(found, _previous(deployment), situation.desired.generation, situation.now),
        "revision": {
            "approved": situation.target,
            "pending": situation.pending.hash if situation.pending and not situation.gate_open else "",
            "running": situation.running,
            "failed": outcome.revision if outcome is not None and outcome.failed else "",
        },
    }


def _phase(situation: Situation, refusal: Refusal | None) -> Phase:
    pod, outcome = situation.pod, situation.wanted_outcome
    if outcome is not None:
        return Phase(outcome.phase)
    if pod is None:
        if situation.desired.suspended:
            return Phase.SUSPENDED
        return Phase.FAILED if refusal is not None and not situation.records else Phase.PENDING
    return Phase.STOPPING if situation.desired.suspended else _phase_of_pod(situation)


def _phase_of_pod(situation: Situation) -> Phase:
    if situation.running != situation.target:
        return Phase.UPDATING
    if situation.silent and not situation.leaving:
        return Phase.UNKNOWN
    trading = situation.report is not None and situation.report.trading and not situation.leaving
    return Phase.TRADING if trading else Phase.STARTING


def removal_status(
    deployment: Manifest, remains: Remains, now: datetime, refusal: Refusal | None = None
) -> dict[str, Any]:
    """Return the status of a deployment that is being deleted, for as long as it is still there.

    refusal: what the cluster has just refused of its removal.
    """
    pods = [manifest for manifest in remains.found if kind_of(manifest) is POD]
    stateful_sets = [manifest for manifest in remains.found if kind_of(manifest) is STATEFUL_SET]
    message = "the node is being stopped" if pods else "what belongs to the deployment is being deleted"
    found = next((finding for pod in pods if (finding := diagnose(pod, now))), None)
    wrong = refusal or (found if any(map(is_terminating, pods)) else None) or left_by_the_last_stop(deployment)
    degraded = (
        verdict(ConditionType.DEGRADED, True, wrong.reason, wrong.message)
        if wrong is not None
        else verdict(ConditionType.DEGRADED, False, DegradedReason.AS_EXPECTED)
    )
    by_type: dict[str, Verdict] = {
        condition["type"]: Verdict(
            ConditionType(condition["type"]), condition["status"], condition["reason"], condition.get("message", "")
        )
        for condition in _previous(deployment)
    }
    news = (
        verdict(ConditionType.PROGRESSING, True, ProgressReason.STOPPING, sentence(message)),
        degraded,
        verdict(ConditionType.TRADING, False, ProgressReason.STOPPING, message),
        verdict(ConditionType.READY, False, ProgressReason.STOPPING, message),
    )
    by_type.update({one.type: one for one in news})
    revision = (deployment.get("status") or {}).get("revision") or {}
    return {
        "phase": str(Phase.STOPPING),
        "observedGeneration": generation_of(deployment),
        "conditions": conditions(by_type.values(), _previous(deployment), generation_of(deployment), now),
        "revision": {
            "approved": revision_in(stateful_sets[0]) if stateful_sets else revision.get("approved", ""),
            "pending": "",
            "running": labels_of(pods[0]).get(wiring.LABEL_REVISION, "") if pods else "",
            "failed": revision.get("failed", ""),
        },
    }


def changed(deployment: Manifest, wanted: dict[str, Any]) -> bool:
    """Tell whether a status says anything else than what stands there."""
    there = deployment.get("status") or {}
    return any(there.get(name) != wanted[name] for name in OWN_FIELDS)


def _previous(deployment: Manifest) -> list[dict[str, Any]]:
    return (deployment.get("status") or {}).get("conditions") or []
