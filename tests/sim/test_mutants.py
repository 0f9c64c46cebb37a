"""The histories are worth what they find: each planted bug must be found within a few hundred of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

import pytest

from tests.examples import times
from tests.sim import operators
from tests.sim.history import HistoryError, play
from trading_operator import load, plan, reconcile
from trading_operator.actions import Action, Apply, Create, Delete, Replace
from trading_operator.desired import revision
from trading_operator.desired.deployment import Known
from trading_operator.desired.stateful_set import stateful_set
from trading_operator.kube.json_patch import Operation, json_patch
from trading_operator.objects import CONFIG_MAP, Manifest
from trading_operator.observe import situation
from trading_operator.observe.observed import Observed, Remains
from trading_operator.observe.report import present_report
from trading_operator.observe.situation import Situation

HISTORIES = 600
Patch = Callable[[pytest.MonkeyPatch], None]


def _lets_go_at_once(patch: pytest.MonkeyPatch) -> None:
    """The finalizer goes while the node still stops."""
    original = plan.plan_removal

    def mutant(remains: Remains, now: datetime) -> plan.Plan:
        if remains.deployment is not None:
            return plan.Plan.of(plan._let_go(remains.deployment))
        return original(remains, now)

    patch.setattr(reconcile, "plan_removal", mutant)


def _runs_what_is_pending(patch: pytest.MonkeyPatch) -> None:
    """The gate is always open."""
    patch.setattr(Situation, "gate_open", property(lambda self: self.pending is not None))


def _recreates_from_the_latest(patch: pytest.MonkeyPatch) -> None:
    """A StatefulSet that was lost comes back with the latest revision instead of the approved one."""
    original = situation._approved

    def mutant(observed: Observed, records: Any) -> str:
        return records[0].hash if observed.stateful_set is None and records else original(observed, records)

    patch.setattr(situation, "_approved", mutant)


def _starts_at_creation(patch: pytest.MonkeyPatch) -> None:
    """The StatefulSet is made with its pod: a former leader that wakes up starts what was deleted."""
    original = plan._stateful_set

    def mutant(one: Situation) -> Iterator[Action]:
        for action in original(one):
            if isinstance(action, Create):
                template = action.manifest["spec"]["template"]
                yield Create(stateful_set(one.desired.owner, template, one.wanted_replicas))
            else:
                yield action

    patch.setattr(plan, "_stateful_set", mutant)


def _deletes_too_early(patch: pytest.MonkeyPatch) -> None:
    """The StatefulSet is deleted before its controller has heard of the zero, and may make a pod afterwards."""
    patch.setattr(plan, "_settled", lambda _: True)


def _writes_blindly(patch: pytest.MonkeyPatch) -> None:
    """The StatefulSet is changed whatever it has become."""

    def mutant(live: Manifest, wanted: Manifest) -> list[Operation]:
        return [one for one in json_patch(live, wanted) if one["op"] != "test" or one["path"] == "/metadata/uid"]

    patch.setattr(operators, "json_patch", mutant)
    patch.setattr(operators, "_decided", lambda _: None)


def _forgets_outcomes(patch: pytest.MonkeyPatch) -> None:
    """What ended for good is started again and again."""
    patch.setattr(situation, "_outcome", lambda *_: None)


def _believes_any_report(patch: pytest.MonkeyPatch) -> None:
    """The last report of a pod that is gone counts for its successor."""
    original = present_report

    def mutant(deployment: Manifest, pod: Manifest | None) -> Any:
        node = (deployment.get("status") or {}).get("node") or {}
        if pod is not None and node:
            pod = pod | {"metadata": pod["metadata"] | {"uid": node["podUid"]}}
        return original(deployment, pod)

    patch.setattr(situation, "present_report", mutant)


def _prunes_what_runs(patch: pytest.MonkeyPatch) -> None:
    """Only the latest revision's ConfigMap is kept."""

    def mutant(one: Situation) -> Iterator[Action]:
        latest = one.desired.owner.revision_name(one.latest.hash) if one.latest else ""
        for ref, there in one.observed.auxiliaries.items():
            if ref.kind is CONFIG_MAP and ref.name != latest:
                yield Delete(ref, there.uid, there.resource_version)

    patch.setattr(plan, "_prune", mutant)


def _leaves_orphans(patch: pytest.MonkeyPatch) -> None:
    """Only what runs is taken away."""
    original = plan.plan_removal

    def mutant(remains: Remains, now: datetime) -> plan.Plan:
        running = tuple(one for one in remains.found if one["kind"] in {"StatefulSet", "Pod"})
        return original(replace(remains, found=running), now)

    patch.setattr(reconcile, "plan_removal", mutant)


def _holds_nothing(patch: pytest.MonkeyPatch) -> None:
    """The deployment is never given the finalizer."""
    patch.setattr(plan, "_finalizer", lambda _: iter(()))


def _never_rests(patch: pytest.MonkeyPatch) -> None:
    """The status is written whether or not it says anything new."""
    patch.setattr(reconcile, "changed", lambda *_: True)


def _restarts_for_limits(patch: pytest.MonkeyPatch) -> None:
    """Limits are part of what a revision is made from, and an upgraded operator renders it anew."""
    patch.setattr(revision, "_NOT_RENDERED", frozenset({"suspend", "rollout", "live_confirmation"}))


def _renders_each_generation(patch: pytest.MonkeyPatch) -> None:
    """Whatever changed in a spec, an upgraded operator renders the pod anew, and that counts as a change."""
    patch.setattr(Known, "made_from", lambda *_: None)
    patch.setattr(Situation, "latest", property(lambda self: self.records[0] if self.records else None))


def _keeps_the_first_limits(patch: pytest.MonkeyPatch) -> None:
    """Limits are made, and never changed."""
    original = plan._limits
    patch.setattr(plan, "_limits", lambda one: (a for a in original(one) if isinstance(a, Create)))


def _writes_limits_blindly(patch: pytest.MonkeyPatch) -> None:
    """Limits are written whatever they have become: a former leader that wakes up brings back former ones."""
    original = plan._limits
    patch.setattr(
        plan, "_limits", lambda one: (Apply(a.manifest) if isinstance(a, Replace) else a for a in original(one))
    )


def _deletes_books(patch: pytest.MonkeyPatch) -> None:
    """Every claim goes with its deployment."""
    patch.setattr(load, "goes_with_its_deployment", lambda _: True)


def _overhears_the_last_word(patch: pytest.MonkeyPatch) -> None:
    """A claim goes by its mark alone, though a person wrote Retain right before the deletion."""
    patch.setattr(plan, "is_to_be_kept", lambda *_: False)


def _leaves_claims(patch: pytest.MonkeyPatch) -> None:
    """No claim goes with its deployment."""
    patch.setattr(load, "goes_with_its_deployment", lambda _: False)


MUTANTS: dict[Patch, int] = {
    _lets_go_at_once: 0,
    _runs_what_is_pending: 21,
    _recreates_from_the_latest: 293,
    _starts_at_creation: 561,
    _deletes_too_early: 2372,
    _writes_blindly: 3008,
    _forgets_outcomes: 1,
    _believes_any_report: 18,
    _prunes_what_runs: 15,
    _leaves_orphans: 0,
    _holds_nothing: 0,
    _never_rests: 1,
    _restarts_for_limits: 1,
    _renders_each_generation: 1,
    _keeps_the_first_limits: 1,
    _writes_limits_blindly: 5,
    _deletes_books: 3,
    _overhears_the_last_word: 97,
    _leaves_claims: 4,
}
"""Each with the seed of a history that finds it, which is tried first: to search anew each time takes half a minute."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__.strip("_"))
async def test_histories_find_the_bug(mutant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    with pytest.raises(HistoryError) as found:
        await _play(chain((MUTANTS[mutant],), range(times(HISTORIES))))
    print(found.value)  # with the seed that MUTANTS should name


async def _play(seeds: Iterable[int]) -> None:
    for seed in seeds:
        await play(seed)
