"""Status and conditions of a deployment in every stage of its life, and the Events of its changes."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.operator.manifests import NOW, OWNER, deployment, live_stateful_set, pod, record, report, situation
from trading_api.codec import parse_deployment
from trading_api.status import ConditionType
from trading_operator.desired.refusal import Refusal
from trading_operator.observe.observed import Remains
from trading_operator.observe.situation import Situation
from trading_operator.observe.status import changed, removal_status, status
from trading_operator.observe.transitions import transitions
from trading_operator.outcome import ANNOTATION, Outcome

OLD = record(approval=1)
NEW_SPEC: dict[str, Any] = {"image": "example/trading-node:2.0.0"}
NEW = record(deployment(**NEW_SPEC), generation=2)
REFUSED = {
    "terminated": {"exitCode": 4, "message": json.dumps({"reason": "StrategyRefused", "message": "no desk.ema"})}
}


def conditions(found: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in found["conditions"]}


def ended(phase: str, reason: str) -> dict[str, Any]:
    live = live_stateful_set(OLD, 0)
    live["metadata"]["annotations"] = {ANNOTATION: Outcome(OLD.hash, phase, reason, "what happened").to_json()}
    return {"stateful_set": live, "pod": None}


CASES: dict[str, tuple[Situation, str, str, str]] = {
    "pod to be made": (situation(pod=None), "Pending", "CreatingPod", "AsExpected"),
    "starting": (situation(), "Starting", "Starting", "AsExpected"),
    "trading": (situation(deployment(status=report())), "Trading", "Trading", "AsExpected"),
    "report of another pod": (situation(deployment(status=report(pod_uid="x"))), "Starting", "Starting", "AsExpected"),
    "replacing": (
        situation(deployment(generation=2, **NEW_SPEC), NEW, OLD, stateful_set=live_stateful_set(NEW), pod=pod(OLD)),
        "Updating",
        "Replacing",
        "AsExpected",
    ),
    "stopping to suspend": (situation(deployment(suspend=True)), "Stopping", "Stopping", "AsExpected"),
    "suspended": (
        situation(deployment(suspend=True), stateful_set=live_stateful_set(OLD, 0), pod=None),
        "Suspended",
        "Suspended",
        "AsExpected",
    ),
    "completed": (situation(**ended("Completed", "Completed")), "Completed", "Completed", "AsExpected"),
    "failed": (situation(**ended("Failed", "StrategyRefused")), "Failed", "StrategyRefused", "StrategyRefused"),
    "image": (
        situation(pod=pod(OLD, containerStatuses=[{"name": "node", "state": {"waiting": {"reason": "ErrImagePull"}}}])),
        "Starting",
        "ImagePullFailed",
        "ImagePullFailed",
    ),
    "pod refused": (
        situation(pod=None, creation_failure="pods is forbidden: exceeded quota"),
        "Pending",
        "PodRefused",
        "PodRefused",
    ),
    "node reports failure": (
        situation(deployment(status=report("Failed", reason="VenueGone", message="m"))),
        "Starting",
        "VenueGone",
        "VenueGone",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_stage_has_its_phase_and_reasons(name: str) -> None:
    one, phase, ready, degraded = CASES[name]
    found = status(one, None)
    by_type = conditions(found)
    assert found["phase"] == phase
    assert by_type["Ready"] == ("True" if name == "trading" else "False", ready)
    assert by_type["Degraded"] == ("False" if degraded == "AsExpected" else "True", degraded)
    assert set(by_type) == set(ConditionType)
    # The API's own model takes it as it is.
    parsed = parse_deployment(deployment(status=found)).status
    assert len(parsed.conditions) == len(ConditionType)
    assert parsed.phase == phase


def test_a_silent_node_is_named_after_a_while() -> None:
    one = situation()
    late = situation(pod=pod(OLD, containerStatuses=[_running_since("2026-11-23T11:58:00Z")]))
    assert one.finding is None
    assert one.wake_at == NOW + timedelta(seconds=30)
    assert late.finding is not None
    assert late.finding.reason == "NodeNotReporting"


def _running_since(text: str) -> dict[str, Any]:
    return {"name": "node", "ready": False, "state": {"running": {"startedAt": text}}}


def test_awaiting_approval_tells_the_exact_command() -> None:
    raw = deployment(generation=2, status=report(), rollout={"when": "OnApproval"}, **NEW_SPEC)
    new = record(raw, generation=2)
    found = status(situation(raw, new, OLD, stateful_set=live_stateful_set(OLD), pod=pod(OLD)), None)
    pending = next(one for one in found["conditions"] if one["type"] == "UpdatePending")
    assert (pending["status"], pending["reason"]) == ("True", "AwaitingApproval")
    assert (
        f"kubectl annotate tradingdeployments {OWNER.name} -n {OWNER.namespace} --overwrite"
        f" trading-operator.io/approve={new.hash}" in pending["message"]
    )
    assert found["phase"] == "Trading"
    assert found["revision"] == {"approved": OLD.hash, "pending": new.hash, "running": OLD.hash, "failed": ""}
    assert conditions(found)["Ready"] == ("False", "AwaitingApproval")


def test_a_refused_spec_leaves_what_runs_trading() -> None:
    found = status(situation(deployment(status=report())), Refusal("SpecInvalid", "spec.image: write an image"))
    assert found["phase"] == "Trading"
    assert conditions(found)["Accepted"] == ("False", "SpecInvalid")
    assert conditions(found)["Ready"] == ("False", "SpecInvalid")
    assert conditions(found)["Trading"] == ("True", "Trading")


def test_the_time_of_a_transition_stays_while_the_status_does() -> None:
    first = status(situation(deployment(status=report())), None)
    for one in first["conditions"]:
        one["lastTransitionTime"] = "2020-01-01T00:00:00Z"
    again = status(situation(deployment(status=report() | first)), None)
    assert {one["lastTransitionTime"] for one in again["conditions"]} == {"2020-01-01T00:00:00Z"}
    assert not changed(deployment(status=report() | first), again)
    stopped = status(situation(deployment(suspend=True, status=report() | first)), None)
    moved = {one["type"] for one in stopped["conditions"] if one["lastTransitionTime"] != "2020-01-01T00:00:00Z"}
    assert moved == {"Progressing", "Ready"}


def test_a_permanent_end_is_an_outcome_and_not_a_crash_loop() -> None:
    one = situation(pod=pod(OLD, containerStatuses=[{"name": "node", "state": {}, "lastState": REFUSED}]))
    assert one.outcome == Outcome(OLD.hash, "Failed", "StrategyRefused", "no desk.ema")
    assert one.wanted_replicas == 0


def test_a_node_that_trades_again_has_not_ended() -> None:
    recovered = pod(OLD, containerStatuses=[{"name": "node", "state": {"running": {}}, "lastState": REFUSED}])
    assert situation(deployment(status=report()), pod=recovered).outcome is None


def test_suspending_clears_an_outcome() -> None:
    assert situation(deployment(suspend=True), **ended("Completed", "Completed")).outcome is None


def test_a_deletion_says_what_it_waits_for() -> None:
    raw = deployment(status=report() | {"conditions": status(situation(), None)["conditions"]})
    remains = Remains(OWNER.key, raw, (live_stateful_set(OLD, 0), pod(OLD, deleted="2026-11-23T11:00:00Z")))
    found = removal_status(raw, remains, NOW)
    assert found["phase"] == "Stopping"
    assert conditions(found)["Degraded"] == ("True", "StopOverdue")
    assert conditions(found)["Ready"] == ("False", "Stopping")
    assert found["revision"]["running"] == OLD.hash


def test_events_tell_of_changes_and_of_nothing_else() -> None:
    trading = status(situation(deployment(status=report())), None)
    starting = status(situation(), None)
    refused = status(situation(), Refusal("SpecInvalid", "spec.image: write an image"))
    degraded = status(CASES["image"][0], None)
    assert [one.reason for one in transitions({}, starting)] == []
    assert [one.reason for one in transitions(starting, trading)] == ["Trading"]
    assert list(transitions(trading, trading)) == []
    assert [(one.type, one.reason) for one in transitions(starting, refused)] == [("Warning", "SpecInvalid")]
    assert [(one.type, one.reason) for one in transitions(starting, degraded)] == [("Warning", "ImagePullFailed")]
    assert [one.reason for one in transitions(degraded, trading)] == ["Trading", "Recovered"]
