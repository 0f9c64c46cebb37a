"""Plans: the examples that show the order of things, and the laws that hold for every look at the cluster."""

import functools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.operator.manifests import (
    NOW,
    OWNER,
    auxiliaries,
    deployment,
    live_stateful_set,
    pod,
    record,
    report,
    situation,
)
from trading_api import wiring
from trading_operator.actions import Action, Apply, Create, Decide, Delete, Replace, SetFinalizers, delete, target_of
from trading_operator.desired.controller_revision import Recorded
from trading_operator.desired.deployment import Known, desired
from trading_operator.desired.names import ANNOTATION_APPROVE, FINALIZER
from trading_operator.desired.stateful_set import replicas_of, revision_in
from trading_operator.objects import (
    CONFIG_MAP,
    CONTROLLER_REVISION,
    POD,
    ROLE,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    Manifest,
    ObjectRef,
    labels_of,
)
from trading_operator.observe.observed import Auxiliary, Observed, Remains
from trading_operator.observe.situation import Situation, assess
from trading_operator.outcome import ANNOTATION, Outcome, recorded_outcome
from trading_operator.plan import Plan, plan, plan_removal
from trading_operator.settings import RenderSettings

OLD = record(approval=1)
NEW_SPEC: dict[str, Any] = {"image": "example/trading-node:2.0.0"}
NEW = record(deployment(**NEW_SPEC), generation=2)


def actions(found: Plan) -> list[Action]:
    return [action for stage in found.stages for action in stage]


def kinds(found: Plan) -> list[list[str]]:
    return [[f"{type(action).__name__} {target_of(action).kind}" for action in stage] for stage in found.stages]


def test_a_new_deployment_is_held_then_furnished_then_given_a_stateful_set_that_runs_nothing_yet() -> None:
    raw = deployment()
    raw["metadata"]["finalizers"] = []
    found = plan(fresh(raw))
    assert kinds(found)[0] == ["SetFinalizers TradingDeployment"]
    assert sorted(kinds(found)[1]) == [
        "Create ConfigMap",
        "Create ConfigMap",
        "Create ControllerRevision",
        "Create Role",
        "Create Service",
        "Create ServiceAccount",
    ]
    # The API server refuses a binding to a Role that it has not seen yet.
    assert kinds(found)[2:] == [["Create RoleBinding", "Create StatefulSet"]]
    made = actions(found)[-1]
    assert isinstance(made, Create)
    assert replicas_of(made.manifest) == 0


def fresh(raw: Manifest) -> Situation:
    return assess(desired(raw, Known(), RenderSettings()), Observed(key=OWNER.key, deployment=raw), NOW)


def test_a_settled_deployment_needs_nothing() -> None:
    assert plan(situation(deployment(status=report()))).stages == ()


def test_a_new_revision_goes_into_the_template_right_before_the_old_pod_goes() -> None:
    raw = deployment(generation=2, **NEW_SPEC)
    found = plan(situation(raw, NEW, OLD, stateful_set=live_stateful_set(OLD), pod=pod(OLD)))
    assert kinds(found) == [["Decide StatefulSet"], ["Delete Pod"]]
    replaced, deleted = actions(found)
    assert isinstance(replaced, Decide)
    assert revision_in(replaced.manifest) == NEW.hash
    assert replaced.manifest["metadata"]["resourceVersion"] == "7"
    assert deleted == Delete(ObjectRef(POD, OWNER.namespace, f"{OWNER.base}-0"), "pod-1", "9")


def test_a_revision_that_is_to_be_approved_waits_outside_of_the_template() -> None:
    raw = deployment(generation=2, rollout={"when": "OnApproval"}, **NEW_SPEC)
    new = record(raw, generation=2)
    seen: dict[str, Any] = {"stateful_set": live_stateful_set(OLD), "pod": pod(OLD)}
    assert plan(situation(raw, new, OLD, **seen)).stages == ()
    raw["metadata"]["annotations"] = {ANNOTATION_APPROVE: "another"}
    assert plan(situation(raw, new, OLD, **seen)).stages == ()
    raw["metadata"]["annotations"] = {ANNOTATION_APPROVE: new.hash}
    assert kinds(plan(situation(raw, new, OLD, **seen))) == [["Decide StatefulSet"], ["Delete Pod"]]


def test_a_lost_stateful_set_comes_back_with_the_approved_revision() -> None:
    raw = deployment(generation=2, rollout={"when": "OnApproval"}, **NEW_SPEC)
    new = record(raw, generation=2)
    (made,) = actions(plan(situation(raw, new, OLD, stateful_set=None, pod=None)))
    assert isinstance(made, Create)
    assert revision_in(made.manifest) == OLD.hash


def test_suspending_stops_and_resuming_clears_what_had_ended() -> None:
    (stop,) = actions(plan(situation(deployment(suspend=True))))
    assert isinstance(stop, Decide)
    assert replicas_of(stop.manifest) == 0
    ended = live_stateful_set(OLD, 0)
    ended["metadata"]["annotations"] = {ANNOTATION: Outcome(OLD.hash, "Completed", "Completed", "").to_json()}
    assert plan(situation(stateful_set=ended, pod=None)).stages == ()
    (clear,) = actions(plan(situation(deployment(suspend=True), stateful_set=ended, pod=None)))
    assert isinstance(clear, Decide)
    assert recorded_outcome(clear.manifest) is None
    (start,) = actions(plan(situation(stateful_set=live_stateful_set(OLD, 0), pod=None)))
    assert isinstance(start, Decide)
    assert replicas_of(start.manifest) == 1


def test_a_pod_that_is_not_made_after_a_resume_is_looked_for() -> None:
    """Why it is not made is told by Events alone, which nobody hears of; the StatefulSet itself is old."""
    old = live_stateful_set(OLD)
    old["metadata"]["creationTimestamp"] = "2026-11-01T00:00:00Z"
    resumed = {"type": "Progressing", "status": "False", "reason": "Suspended"}
    seen: dict[str, Any] = {"stateful_set": old, "pod": None}
    raw = deployment(status={"conditions": [resumed]})
    assert plan(situation(raw, **seen)).wake_at == NOW + timedelta(seconds=6)
    waiting = {"type": "Progressing", "status": "True", "reason": "CreatingPod"}
    # A condition is as old as its status: a pod that was starting for an hour may have been lost just now.
    for since, seconds in (("2026-11-23T11:59:52Z", 7), ("2026-11-23T11:00:00Z", 60)):
        raw = deployment(status={"conditions": [waiting | {"lastTransitionTime": since}]})
        assert plan(situation(raw, **seen)).wake_at == NOW + timedelta(seconds=seconds)
        told = plan(situation(raw, **seen, creation_failure="exceeded quota")).wake_at
        assert told == (NOW + timedelta(seconds=7) if seconds == 7 else None)


def test_a_completed_replay_is_recorded_and_scaled_to_zero_in_one_write() -> None:
    (stop,) = actions(plan(situation(deployment(status=report("Completed")))))
    assert isinstance(stop, Decide)
    assert replicas_of(stop.manifest) == 0
    outcome = recorded_outcome(stop.manifest)
    assert outcome is not None
    assert (outcome.revision, outcome.phase) == (OLD.hash, "Completed")


def test_a_new_revision_starts_what_had_ended() -> None:
    ended = live_stateful_set(OLD, 0)
    ended["metadata"]["annotations"] = {ANNOTATION: Outcome(OLD.hash, "Failed", "StrategyRefused", "").to_json()}
    found = plan(situation(deployment(generation=2, **NEW_SPEC), NEW, OLD, stateful_set=ended, pod=None))
    (start,) = actions(found)
    assert isinstance(start, Decide)
    assert (replicas_of(start.manifest), revision_in(start.manifest)) == (1, NEW.hash)
    assert recorded_outcome(start.manifest) is None


def test_a_stranger_is_never_taken_over() -> None:
    found = plan(situation(strangers=(ObjectRef(ROLE, OWNER.namespace, OWNER.base),)))
    assert found.stages == ()
    assert found.refusal is not None
    assert found.refusal.reason == "NameConflict"
    assert f"Role {OWNER.namespace}/{OWNER.base}" in found.refusal.message


def test_what_was_changed_or_lost_is_restored() -> None:
    known = auxiliaries(OLD)
    role_ref = ObjectRef(ROLE, OWNER.namespace, OWNER.base)
    known[role_ref] = Auxiliary("u", "2", OWNER.uid, faithful=False)
    config_ref = ObjectRef(CONFIG_MAP, OWNER.namespace, OWNER.revision_name(OLD.hash))
    del known[config_ref]
    found = actions(plan(situation(auxiliaries=known)))
    assert [(type(one), target_of(one)) for one in found] == [(Apply, role_ref), (Create, config_ref)]


def test_a_template_that_somebody_edited_is_healed_unless_the_server_answered_so() -> None:
    edited = live_stateful_set(OLD)
    edited["spec"] = edited["spec"] | {"template": edited["spec"]["template"] | {"spec": {"containers": []}}}
    (heal,) = actions(plan(situation(stateful_set=edited)))
    assert isinstance(heal, Decide)
    assert heal.manifest["spec"]["template"] == OLD.template
    assert plan(situation(stateful_set=edited, answered_generation=1)).stages == ()


@pytest.mark.parametrize(
    "edit", [{"updateStrategy": {"type": "RollingUpdate"}}, {"ordinals": {"start": 1}}, {"replicas": 2}]
)
def test_an_edit_that_could_make_a_second_pod_is_taken_back(edit: Manifest) -> None:
    edited = live_stateful_set(OLD)
    edited["spec"] = edited["spec"] | edit
    (heal,) = actions(plan(situation(stateful_set=edited)))
    assert isinstance(heal, Decide)
    assert heal.manifest["spec"] == live_stateful_set(OLD)["spec"]


def test_old_revisions_are_forgotten_but_not_what_is_needed() -> None:
    old = [record(deployment(image=f"example/node:{n}"), generation=n) for n in range(1, 8)]
    running, latest = old[0], old[-1]
    latest_approved = record(deployment(image="example/node:7"), generation=7, approval=3)
    known = (*old[:-1], latest_approved)
    found = plan(
        situation(
            deployment(generation=7, image="example/node:7"),
            *known,
            stateful_set=live_stateful_set(latest),
            pod=pod(running, deleted="2026-11-23T12:01:00Z"),
        )
    )
    gone = {target_of(one).name for one in actions(found)}
    assert {target_of(one).kind for one in actions(found)} == {CONTROLLER_REVISION, CONFIG_MAP}
    assert gone == {OWNER.revision_name(one.hash) for one in old[1:3]}


def remains(*found: Manifest, deployment_: Manifest | None = None) -> Plan:
    return plan_removal(Remains(OWNER.key, deployment_, found), NOW)


def test_a_removal_stops_then_waits_then_takes_away_then_lets_go() -> None:
    going = deployment()
    going["metadata"]["deletionTimestamp"] = "2026-11-23T11:59:00Z"
    live, stopped, stopping = (
        live_stateful_set(OLD),
        live_stateful_set(OLD, 0),
        pod(OLD, deleted="2026-11-23T12:00:30Z"),
    )
    assert kinds(remains(live, pod(OLD), deployment_=going)) == [["Decide StatefulSet"]]
    waiting = remains(stopped, stopping, deployment_=going)
    assert waiting == Plan(wake_at=NOW + timedelta(seconds=45))
    unheard = stopped | {"status": {"observedGeneration": 0, "replicas": 0}}
    assert remains(unheard, deployment_=going).stages == ()
    assert kinds(remains(stopped, deployment_=going)) == [["Delete StatefulSet"]]
    assert kinds(remains(OLD.manifest, deployment_=going)) == [["Delete ControllerRevision"]]
    (let_go,) = actions(remains(deployment_=going))
    assert let_go == SetFinalizers(going, ())


def test_a_copy_of_a_pod_does_not_hold_up_a_removal() -> None:
    """Somebody made it with all labels: its StatefulSet, which runs none any more, does not know it."""
    stopped, copy = live_stateful_set(OLD, 0), pod(OLD)
    copy["metadata"] = copy["metadata"] | {"name": "copy", "uid": "pod-2"}
    assert actions(remains(stopped, copy)) == [delete(copy)]
    going = copy | {"metadata": copy["metadata"] | {"deletionTimestamp": "2026-11-23T12:00:30Z"}}
    assert remains(stopped, going).stages == ()
    own = stopped | {"status": {"observedGeneration": 1, "replicas": 1}}
    assert remains(own, copy).stages == (), "the StatefulSet stops its own pod"


def test_a_pod_without_its_stateful_set_is_stopped_in_order() -> None:
    assert kinds(remains(pod(OLD))) == [["Delete Pod"]]
    assert remains(pod(OLD, deleted="2026-11-23T12:00:30Z"), OLD.manifest).stages == ()


def test_what_an_earlier_deployment_left_goes_first() -> None:
    found = plan(situation(stateful_set=None, pod=None, leftovers=(live_stateful_set(OLD),)))
    assert kinds(found) == [["Decide StatefulSet"]]


# Laws


@functools.cache
def _record(image: str, generation: int, approval: int) -> Recorded:
    """Render each of the few revisions that situations are made of once."""
    return record(deployment(image=f"example/node:{image}"), generation=generation, approval=approval)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Any mixture of wish, records, StatefulSet, pod and report that could be seen."""
    images = draw(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True))
    approvals = draw(st.permutations(range(len(images))))
    records = [
        _record(image, number + 1, approval)
        for number, (image, approval) in enumerate(zip(images, approvals, strict=True))
    ]
    generation = len(images) + draw(st.integers(0, 1))
    raw = deployment(
        generation=generation,
        image=draw(st.sampled_from([f"example/node:{image}" for image in (*images, "z", "not an image")])),
        suspend=draw(st.booleans()),
        rollout={"when": draw(st.sampled_from(["Immediately", "OnApproval"]))},
        status=draw(st.sampled_from([{}, report(), report("Completed"), report("Failed"), report(pod_uid="x")])),
    )
    raw["metadata"]["finalizers"] = draw(st.sampled_from([[], [FINALIZER]]))
    raw["metadata"]["annotations"] = {ANNOTATION_APPROVE: draw(st.sampled_from(["", *(one.hash for one in records)]))}
    of_template, of_pod = draw(st.sampled_from(records)), draw(st.sampled_from(records))
    live = live_stateful_set(of_template, draw(st.integers(0, 1))) if draw(st.booleans()) else None
    present = pod(of_pod, deleted=draw(st.sampled_from(["", "2026-11-23T12:00:30Z"]))) if draw(st.booleans()) else None
    return situation(
        raw,
        *records,
        stateful_set=live,
        pod=present,
        auxiliaries=auxiliaries(*draw(st.lists(st.sampled_from(records), max_size=2, unique_by=id))),
    )


def stateful_sets(found: Plan) -> Iterator[Manifest]:
    for action in actions(found):
        if isinstance(action, Create | Decide | Replace | Apply) and target_of(action).kind is STATEFUL_SET:
            yield action.manifest


@examples(20)
@given(situations())
def test_no_plan_could_leave_two_pods(one: Situation) -> None:
    found = plan(one)
    for manifest in stateful_sets(found):
        assert manifest["metadata"]["name"] == OWNER.base
        assert replicas_of(manifest) in {0, 1}
        assert manifest["spec"]["updateStrategy"] == {"type": "OnDelete"}
    for action in actions(found):
        assert target_of(action).kind is not POD or isinstance(action, Delete)
        assert target_of(action).kind is not TRADING_DEPLOYMENT or isinstance(action, SetFinalizers)
        if isinstance(action, Delete):
            assert action.uid
            assert action.resource_version
            # Only a removal deletes a StatefulSet.
            assert target_of(action).kind in {POD, CONTROLLER_REVISION, CONFIG_MAP}


@examples(20)
@given(situations())
def test_a_template_holds_only_what_is_approved(one: Situation) -> None:
    for manifest in stateful_sets(plan(one)):
        revision = revision_in(manifest)
        assert revision in {one.approved, one.target}
        if revision != one.approved:
            assert one.latest is not None
            assert revision == one.latest.hash
            assert not one.desired.needs_approval or one.desired.approved_by_person == revision
        assert labels_of(manifest["spec"]["template"])[wiring.LABEL_REVISION] == revision


@examples(20)
@given(situations())
def test_a_pod_is_deleted_only_after_the_template_says_what_comes_next(one: Situation) -> None:
    found = plan(one)
    stages = [[target_of(action).kind for action in stage if not isinstance(action, Create)] for stage in found.stages]
    deleting = [number for number, stage in enumerate(stages) if POD in stage]
    writing = [number for number, stage in enumerate(stages) if STATEFUL_SET in stage]
    assert all(write < number for number in deleting for write in writing)
    if deleting:
        live = one.observed.stateful_set
        assert live is not None
        assert writing or revision_in(live) == one.target


@examples(20)
@given(situations())
def test_nothing_that_is_needed_is_deleted(one: Situation) -> None:
    needed = {OWNER.revision_name(revision) for revision in (one.approved, one.running, one.target) if revision}
    gone = {target_of(action).name for action in actions(plan(one)) if isinstance(action, Delete)}
    assert not needed & (gone - {f"{OWNER.base}-0"})


@examples(10)
@given(situations())
def test_plans_are_deterministic(one: Situation) -> None:
    assert plan(one) == plan(one)


@pytest.mark.parametrize("suspend", [True, False])
def test_a_refused_spec_can_still_be_suspended(suspend: bool) -> None:
    found = plan(situation(deployment(generation=2, image="not an image", suspend=suspend), OLD))
    assert found.refusal is not None
    assert kinds(found) == ([["Decide StatefulSet"]] if suspend else [])
