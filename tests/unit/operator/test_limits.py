"""The limits: they reach a running node at once, and no change of them alone replaces a pod."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.operator.manifests import OWNER, auxiliaries, deployment, limits, pod, record, report, situation
from trading_api.risk import RiskLimits, dump_limits, limits_hash
from trading_operator.actions import Action, Annotate, Create, Replace, target_of
from trading_operator.desired.deployment import Known, desired
from trading_operator.desired.limits import generation_in, hash_of
from trading_operator.desired.names import ANNOTATION_LIMITS
from trading_operator.objects import CONFIG_MAP, POD, ROLE, STATEFUL_SET, Manifest, ObjectRef
from trading_operator.observe.conditions import verdicts
from trading_operator.observe.observed import Auxiliary
from trading_operator.observe.situation import Situation
from trading_operator.plan import plan
from trading_operator.settings import GcsSettings, RenderSettings

OLD = record(approval=1)
TIGHTER = {"maxOrderNotional": "100"}
REF = ObjectRef(CONFIG_MAP, OWNER.namespace, OWNER.limits_name)


def hash_in(risk: dict[str, Any]) -> str:
    return limits_hash(dump_limits(RiskLimits.model_validate(risk)))


def actions(one: Situation) -> list[Action]:
    return [action for stage in plan(one).stages for action in stage]


def condition(one: Situation, kind: str) -> tuple[str, str]:
    found = next(verdict for verdict in verdicts(one, None) if verdict.type == kind)
    return found.status, found.reason


def test_the_file_is_what_the_run_config_would_say() -> None:
    held = limits(max_order_notional="100")
    assert json.loads(held["data"]["limits.json"])["max_order_notional"] == "100"
    assert hash_of(held) == hash_in(TIGHTER)
    assert generation_in(held) == 1
    assert "immutable" not in held


def test_a_new_limit_is_written_under_lock_and_nothing_else_is_touched() -> None:
    raw = deployment(generation=2, risk=TIGHTER, status=report())
    one = situation(raw, OLD, auxiliaries=auxiliaries(OLD))
    by_kind = {target_of(action).kind: action for action in actions(one)}
    written = by_kind[CONFIG_MAP]
    assert isinstance(written, Replace)
    assert hash_of(written.manifest) == hash_in(TIGHTER)
    assert (written.manifest["metadata"]["uid"], written.manifest["metadata"]["resourceVersion"]) == ("limits-1", "5")
    assert STATEFUL_SET not in by_kind
    assert POD not in by_kind


def test_a_stranger_s_object_holds_up_no_limit_of_a_node_that_trades() -> None:
    """Somebody has taken the labels from a child, and then limits are tightened."""
    strangers = (ObjectRef(ROLE, OWNER.namespace, OWNER.base),)
    told = report(limits={"hash": "0123456789"})
    raw = deployment(generation=2, risk=TIGHTER, status=told)
    one = situation(raw, OLD, auxiliaries=auxiliaries(OLD), strangers=strangers)
    written, annotated = actions(one)
    assert isinstance(written, Replace)
    assert hash_of(written.manifest) == hash_in(TIGHTER)
    assert isinstance(annotated, Annotate)
    refusal = plan(one).refusal
    assert refusal is not None
    assert refusal.reason == "NameConflict"
    assert actions(situation(deployment(generation=2, risk=TIGHTER), strangers=strangers, auxiliaries={})) == []


limit_changes = st.fixed_dictionaries(
    {},
    optional={
        "maxOrderNotional": st.sampled_from(["1", "50000"]),
        "maxOrdersPerSecond": st.integers(1, 100),
        "selfCrossing": st.sampled_from(["Deny", "Allow"]),
        "strategies": st.just([{"name": "ema", "maxDailyLoss": "5"}]),
    },
)


@examples(20)
@given(
    changes=limit_changes,
    report_of=st.sampled_from([{}, report(), report("Starting"), report(limits={"hash": "0123456789"})]),
    newer_operator=st.booleans(),
    size=st.sampled_from(["1Gi", "2Gi"]),
)
def test_limits_alone_never_restart_a_pod(
    changes: dict[str, Any], report_of: Manifest, newer_operator: bool, size: str
) -> None:
    """Nor do they after an upgrade of the operator, which would render the pod differently."""
    before = record(deployment(state={"size": "1Gi"}), approval=1)
    raw = deployment(generation=2, risk=changes, status=report_of, state={"size": size, "whenDeleted": "Delete"})
    settings = RenderSettings(gcs=GcsSettings(image="gcsfuse:next")) if newer_operator else RenderSettings()
    found = desired(raw, Known(records=(before,), limits_generation=1), settings)
    assert found.refusal is None
    assert found.rendering == before.rendering
    for action in actions(situation(raw, before, auxiliaries=auxiliaries(before))):
        kind = target_of(action).kind
        assert kind is not STATEFUL_SET
        assert kind is not POD or isinstance(action, Annotate)


def test_limits_that_somebody_changed_or_removed_come_back() -> None:
    raw = deployment(risk=TIGHTER, status=report())
    held = limits(max_order_notional="100")
    edited = held | {"data": {"limits.json": "{}"}}
    known = auxiliaries(OLD)
    (heal,) = actions(situation(raw, OLD, auxiliaries=known | {REF: Auxiliary.of(edited, None)}))
    assert isinstance(heal, Replace)
    assert heal.manifest["data"] == held["data"]
    del known[REF]
    (make,) = actions(situation(raw, OLD, auxiliaries=known))
    assert isinstance(make, Create)
    assert make.manifest["data"] == held["data"]


def test_what_a_waiting_revision_drops_keeps_its_limits_while_it_runs() -> None:
    two = [
        {"name": name, "path": "desk.ema:Ema", "configPath": "desk.ema:EmaConfig", "orderIdTag": name.upper()}
        for name in ("ema", "mean")
    ]
    former: dict[str, Any] = {
        "strategies": ({"name": "ema", "max_daily_loss": "5"}, {"name": "mean", "max_daily_loss": "7"})
    }
    both, waits = record(deployment(strategies=two), approval=1), {"when": "OnApproval"}
    raw = deployment(generation=2, strategies=two[:1], rollout=waits, risk=TIGHTER, status=report())
    one = situation(raw, both, auxiliaries=auxiliaries(both, **former))
    assert one.pending is not None
    written = next(a for a in actions(one) if isinstance(a, Replace) and target_of(a) == REF)
    held = json.loads(written.manifest["data"]["limits.json"])
    assert held["max_order_notional"] == "100"
    assert [(limit["name"], limit["max_daily_loss"]) for limit in held["strategies"]] == [("mean", "7")]
    assert one.limits_hash == hash_of(written.manifest)
    approved = record(raw, generation=2, approval=2)
    later = situation(
        raw | {"metadata": raw["metadata"] | {"generation": 3}},
        approved,
        auxiliaries=auxiliaries(approved, generation=2, **former),
    )
    assert later.limits is not None
    assert json.loads(later.limits["data"]["limits.json"])["strategies"] == []


def test_the_kubelet_is_told_once_of_limits_that_the_node_has_not_yet() -> None:
    newest = hash_in({})
    one = situation(deployment(status=report(limits={"hash": "0123456789"})))
    (told,) = actions(one)
    assert isinstance(told, Annotate)
    assert told.annotations == {ANNOTATION_LIMITS: newest}
    assert condition(one, "Progressing") == ("True", "ApplyingLimits")
    marked = pod(OLD)
    marked["metadata"] |= {"annotations": {ANNOTATION_LIMITS: newest}}
    assert actions(situation(deployment(status=report(limits={"hash": "0123456789"})), pod=marked)) == []
    there = situation(deployment(status=report(limits={"hash": newest})))
    assert actions(there) == []
    assert condition(there, "Ready") == ("True", "Trading")


def test_a_pod_that_is_going_is_told_nothing() -> None:
    raw = deployment(status=report(limits={"hash": "0123456789"}))
    assert actions(situation(raw, pod=pod(OLD, deleted="2026-11-23T12:01:00Z"))) == []


def test_limits_that_the_node_cannot_apply_degrade_the_deployment() -> None:
    refused = {"hash": "0123456789", "error": "max_order_notional: write a number"}
    one = situation(deployment(status=report(limits=refused)))
    assert condition(one, "Degraded") == ("True", "LimitsRefused")
    assert condition(one, "Progressing")[0] == "False"
    assert condition(one, "Ready") == ("False", "LimitsRefused")


@pytest.mark.parametrize("wrong", [{"maxOrderNotional": "much"}, {"strategies": [{"name": "nobody"}]}])
def test_limits_of_a_spec_that_is_refused_are_not_applied(wrong: dict[str, Any]) -> None:
    one = situation(deployment(generation=2, risk=wrong), OLD, auxiliaries=auxiliaries(OLD))
    assert one.desired.refusal is not None
    assert actions(one) == []
