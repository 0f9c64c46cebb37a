"""Status and conditions of a deployment in every stage of its life, and the Events of its changes."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.unit.operator.manifests import NOW, OWNER, deployment, live_stateful_set, pod, record, report, situation
from trading_api.codec import parse_deployment
from trading_api.status import ConditionType
from trading_operator.desired.refusal import Refusal
from trading_operator.observe.observed import Remains
from trading_operator.observe.report import present_report
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


STARTED = "2026-11-23T11:59:00Z"
"""When the container of the pods here started."""
ENDED = {"terminated": {"exitCode": 137, "startedAt": "2026-11-23T11:00:00Z", "finishedAt": "2026-11-23T11:58:59Z"}}
RESTARTED = pod(OLD, containerStatuses=[{"name": "node", "state": {"running": {"startedAt": STARTED}}}])
WAITING = pod(
    OLD, containerStatuses=[{"name": "node", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ENDED}]
)


@pytest.mark.parametrize(
    ("one", "state", "started", "believed"),
    [
        (RESTARTED, "Trading", "2026-11-23T11:00:01.5Z", False),
        (RESTARTED, "Completed", "2026-11-23T11:00:01.5Z", False),
        (RESTARTED, "Trading", "2026-11-23T11:59:00.7Z", True),
        (RESTARTED, "Trading", "2026-11-23T11:58:59.5Z", True),  # the kubelet's second may be another than the node's
        (RESTARTED, "Trading", "2026-11-23T11:59:00.123456789Z", True),
        (WAITING, "Trading", "2026-11-23T11:00:01.5Z", False),
        (WAITING, "Starting", "2026-11-23T11:00:01.5Z", False),
        (WAITING, "Completed", "2026-11-23T11:00:01.5Z", True),
        (WAITING, "Failed", "2026-11-23T11:00:01.5Z", True),
        (WAITING, "Failed", "2026-11-23T10:59:01.5Z", False),
        (WAITING, "Trading", "2026-11-23T11:59:00.5Z", True),  # the kubelet has not told of the new process yet
        (pod(OLD, containerStatuses=[]), "Trading", STARTED, True),
        (RESTARTED, "Trading", "soon", True),
        (RESTARTED, "Trading", "2026-11-23T11:00:01", False),
    ],
)
def test_a_report_is_believed_of_the_process_that_wrote_it(
    one: dict[str, Any], state: str, started: str, believed: bool
) -> None:
    found = present_report(deployment(status=report(state, startedAt=started)), one)
    assert (found is not None) == believed
    assert found is None or (found.reconciled == (state == "Trading"))


@pytest.mark.parametrize("reason", ["it broke!", "", " ", "x" * 129, 7, None])
@pytest.mark.parametrize("state", ["Starting", "Trading", "Failed"])
def test_whatever_a_node_gives_as_its_reason_the_conditions_are_lawful(state: str, reason: object) -> None:
    """Strategy code may write there what it likes."""
    raw = deployment(status=report(state, reason=reason, reconciled=False, message="m"))
    found = status(situation(raw), None)
    parse_deployment(deployment(status=found))
    assert conditions(found)["Trading"][1] in {state, "NodeFailed"}


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_a_time_from_the_end_of_the_calendar_keeps_nobody_from_stopping_the_node(time: str) -> None:
    raw = deployment(suspend=True, status=report(startedAt=time, updatedAt=time))
    one = situation(raw)
    assert one.wanted_replicas == 0
    assert status(one, None)["phase"] == "Stopping"


@pytest.mark.parametrize("changes", [{"phase": "Odd"}, {"phase": "Trading"}, {"reason": "it broke!"}, {"reason": ""}])
def test_an_outcome_that_somebody_has_made_unreadable_is_none(changes: dict[str, str]) -> None:
    fields = {"revision": OLD.hash, "phase": "Failed", "reason": "StrategyRefused", "message": "m"}
    live = live_stateful_set(OLD, 0)
    live["metadata"]["annotations"] = {ANNOTATION: json.dumps(fields | changes)}
    one = situation(stateful_set=live, pod=None)
    assert one.outcome is None
    assert status(one, None)["phase"] == "Pending"


def test_what_an_ended_process_said_last_does_not_agree_with_any_venue() -> None:
    raw = deployment(status=report("Stopped", reconciled=True, startedAt="2026-11-23T11:00:01.5Z"))
    assert not (present_report(raw, WAITING) or pytest.fail("it is not believed")).reconciled


def test_a_permanent_end_after_a_kill_is_an_outcome_though_the_killed_process_traded() -> None:
    refused = {"terminated": REFUSED["terminated"] | ENDED["terminated"] | {"exitCode": 4}}
    status_of_node = {"name": "node", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": refused}
    for started in ("2026-11-23T10:00:00Z", "2026-11-23T11:00:01Z"):
        one = situation(deployment(status=report(startedAt=started)), pod=pod(OLD, containerStatuses=[status_of_node]))
        assert one.outcome == Outcome(OLD.hash, "Failed", "StrategyRefused", "no desk.ema")
        assert one.wanted_replicas == 0


def test_a_report_that_nobody_refreshed_says_nothing_of_the_present() -> None:
    def reported(updated: str, one: dict[str, Any] | None = None, state: str = "Trading") -> Situation:
        raw = deployment(status=report(state, startedAt=STARTED, updatedAt=updated))
        return situation(raw, pod=one or pod(OLD))

    fresh, silent = reported("2026-11-23T11:48:00.5Z"), reported("2026-11-23T11:48:00Z")
    assert fresh.wake_at == NOW + timedelta(milliseconds=500)
    assert conditions(status(fresh, None))["Ready"] == ("True", "Trading")
    found = status(silent, None)
    assert silent.wake_at == NOW + timedelta(seconds=30)  # what every pod is looked at for
    assert found["phase"] == "Unknown"
    assert conditions(found) == {
        "Accepted": ("True", "Accepted"),
        "Progressing": ("False", "NoReport"),
        "Reconciled": ("Unknown", "NoReport"),
        "Trading": ("Unknown", "NoReport"),
        "Degraded": ("True", "NodeNotReporting"),
        "UpdatePending": ("False", "UpToDate"),
        "Ready": ("False", "NodeNotReporting"),
    }
    degraded = next(one for one in found["conditions"] if one["type"] == "Degraded")
    assert "does not report since 2026-11-23T11:48:00Z" in degraded["message"]
    # One that stops is told of by its grace period, and one that is done has nothing more to say.
    stopping = reported("2026-11-23T11:00:00Z", pod(OLD, deleted="2026-11-23T13:00:00Z"), "Stopping")
    assert not stopping.silent
    assert not reported("2026-11-23T11:00:00Z", state="Completed").silent


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [("60", 720), ("1", 180), ("600", 7200), ("a while", 180), ("1e400", 180), (None, 180)],
)
def test_how_long_silence_may_be_goes_by_the_interval_that_the_node_was_told(
    interval: str | None, seconds: int
) -> None:
    one = pod(OLD)
    env = [] if interval is None else [{"name": "TRADING_REPORT_INTERVAL_SECONDS", "value": interval}]
    one["spec"] = one["spec"] | {"containers": [{"name": "node", "env": env}]}
    found = present_report(deployment(status=report(startedAt=STARTED, updatedAt=STARTED)), one)
    assert found is not None
    assert found.silent_at == datetime.fromisoformat(STARTED) + timedelta(seconds=seconds)


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


def test_a_revision_that_the_cluster_refuses_replaces_nothing_and_says_so() -> None:
    raw = deployment(generation=2, status=report(), **NEW_SPEC)
    new = record(raw, generation=2)
    one = situation(raw, new, OLD, stateful_set=live_stateful_set(OLD), pod=pod(OLD))
    assert status(one, None)["phase"] == "Updating"
    found = status(replace(one, refused=True), Refusal("PodTemplateRefused", "tolerations"))
    assert found["phase"] == "Trading"
    assert found["revision"] == {"approved": OLD.hash, "pending": new.hash, "running": OLD.hash, "failed": ""}
    assert conditions(found) == {
        "Accepted": ("False", "PodTemplateRefused"),
        "Progressing": ("False", "Trading"),
        "Reconciled": ("True", "AgreesWithVenues"),
        "Trading": ("True", "Trading"),
        "Degraded": ("False", "AsExpected"),
        "UpdatePending": ("True", "Replacing"),
        "Ready": ("False", "PodTemplateRefused"),
    }


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


def test_a_crash_loop_is_not_over_before_the_node_trades_again() -> None:
    crash = {"terminated": ENDED["terminated"] | {"exitCode": 1, "message": "boom"}}
    waiting = {"name": "node", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": crash}
    running = {"name": "node", "state": {"running": {"startedAt": STARTED}}, "lastState": crash}
    fresh = {"startedAt": STARTED, "updatedAt": STARTED}
    starting, trading = (deployment(status=report(state, **fresh)) for state in ("Starting", "Trading"))
    told = [
        status(situation(raw, pod=pod(OLD, containerStatuses=[one])), None)
        for raw, one in ((deployment(), waiting), (deployment(), running), (starting, running), (trading, running))
    ]
    reasons = [conditions(one)["Degraded"] for one in told]
    assert reasons == [("True", "CrashLooping")] * 3 + [("False", "AsExpected")]
    assert [[note.reason for note in transitions(a, b)] for a, b in pairwise(told)] == [
        [],
        [],
        ["Trading", "Recovered"],
    ]
    stopping = deployment(status=report("Stopping", **fresh))
    assert situation(stopping, pod=pod(OLD, containerStatuses=[running])).finding is None


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
    suspended = trading | {"phase": "Suspended"}
    assert [one.reason for one in transitions(degraded, suspended)] == ["Suspended"], "nothing was mended"
