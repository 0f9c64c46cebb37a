"""What must be there when everything has come to rest: it depends on what was asked for, not on what went wrong."""

import json
from collections.abc import Mapping
from typing import Any

from tests.sim.world import NAMESPACE, World
from trading_api import wiring
from trading_api.risk import RiskLimits
from trading_operator.desired.claim import goes_with_its_deployment
from trading_operator.desired.deployment import named_children
from trading_operator.desired.limits import generation_in, hash_of, limits_config_map
from trading_operator.desired.names import ANNOTATION_SOURCE, owner_of
from trading_operator.desired.stateful_set import replicas_of, revision_in
from trading_operator.objects import (
    CHILD_KINDS,
    CONFIG_MAP,
    CONTROLLER_REVISION,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STATEFUL_SET,
    Manifest,
    ObjectRef,
    annotations_of,
    generation_of,
    labels_of,
    name_of,
    owner_uid_of,
    ref_of,
    uid_of,
)
from trading_operator.observe.drift import covers
from trading_operator.outcome import recorded_outcome


def check(world: World, name: str) -> None:
    """Assert that a deployment, or its absence, has come to what it should."""
    deployment = world.deployment(name)
    if deployment is None:
        left = [
            str(ref)
            for ref, one in world.store.objects.items()
            if ref.kind in CHILD_KINDS
            and labels_of(one).get(wiring.LABEL_DEPLOYMENT) == name
            and not (ref.kind is PERSISTENT_VOLUME_CLAIM and not goes_with_its_deployment(one))
        ]
        assert not left, f"left behind: {left}"
        return
    _check_living(world, deployment)


def _check_living(world: World, deployment: Manifest) -> None:
    owner, spec, uid = owner_of(deployment), deployment["spec"], uid_of(deployment)
    status = deployment["status"]
    conditions = {one["type"]: one for one in status["conditions"]}
    assert status["observedGeneration"] == generation_of(deployment)
    for wanted in named_children(owner):
        live = world.store.get(ref_of(wanted))
        assert live is not None
        assert covers(
            {**live, "metadata": {"labels": labels_of(live)}}, {**wanted, "metadata": {"labels": owner.labels()}}
        )
    _check_limits(world, deployment)
    _check_claim(world, deployment)
    revisions = [one for one in world.store.of_kind(CONTROLLER_REVISION) if owner_uid_of(one) == uid]
    latest = max(revisions, key=lambda one: int(one["revision"]))
    assert latest["revision"] == generation_of(deployment)
    stateful_set = world.store.get(ObjectRef(STATEFUL_SET, NAMESPACE, owner.base))
    assert stateful_set is not None
    approved = revision_in(stateful_set)
    made_from = {labels_of(one)[wiring.LABEL_REVISION]: annotations_of(one)[ANNOTATION_SOURCE] for one in revisions}
    latest_hash = labels_of(latest)[wiring.LABEL_REVISION]
    # A former leader may have rendered the same spec once more: that replaces nothing.
    latest_hash = approved if made_from.get(approved) == made_from[latest_hash] else latest_hash
    assert world.store.get(ObjectRef(CONFIG_MAP, NAMESPACE, owner.revision_name(approved))) is not None
    free = (spec.get("rollout") or {}).get("when") != "OnApproval"
    if free or annotations_of(deployment).get("trading-operator.io/approve") == latest_hash:
        assert approved == latest_hash, f"{latest_hash} should have replaced {approved}"
    assert status["revision"]["approved"] == approved
    assert status["revision"]["pending"] == ("" if approved == latest_hash else latest_hash)
    assert (conditions["UpdatePending"]["status"] == "True") == (approved != latest_hash)
    _check_pod(world, deployment, stateful_set, conditions)


def _check_limits(world: World, deployment: Manifest) -> None:
    """The newest limits stand there, and the node applies them."""
    held = world.store.objects[ObjectRef(CONFIG_MAP, NAMESPACE, owner_of(deployment).limits_name)]
    wanted = limits_config_map(owner_of(deployment), _limits(deployment), generation_of(deployment))
    assert (held["data"], generation_in(held)) == (wanted["data"], generation_of(deployment))
    for process in world.machines.processes.values():
        assert process.deployment[1] != name_of(deployment) or process.limits == hash_of(held)


def _limits(deployment: Manifest) -> RiskLimits:
    return RiskLimits.model_validate(deployment["spec"].get("risk", {}))


def _check_claim(world: World, deployment: Manifest) -> None:
    claim = world.store.get(ObjectRef(PERSISTENT_VOLUME_CLAIM, NAMESPACE, owner_of(deployment).claim_name))
    state = deployment["spec"].get("state")
    if state is not None:
        assert claim is not None
        assert owner_uid_of(claim) == uid_of(deployment)
        assert goes_with_its_deployment(claim) == (state["whenDeleted"] == "Delete")
        assert claim["spec"]["resources"]["requests"]["storage"] >= state["size"]


def _check_pod(world: World, deployment: Manifest, stateful_set: Manifest, conditions: Mapping[str, Any]) -> None:
    status, approved = deployment["status"], revision_in(stateful_set)
    pod = world.store.get(ObjectRef(POD, NAMESPACE, f"{name_of(stateful_set)}-0"))
    config = _config(world, stateful_set)
    if deployment["spec"].get("suspend"):
        assert (replicas_of(stateful_set), pod, status["phase"]) == (0, None, "Suspended")
        assert recorded_outcome(stateful_set) is None
        return
    if config.get("finishes") or config.get("refused"):
        outcome = recorded_outcome(stateful_set)
        assert outcome is not None
        assert outcome.revision == approved
        assert (replicas_of(stateful_set), pod) == (0, None)
        assert status["phase"] == ("Failed" if config.get("refused") else "Completed")
        assert conditions["Ready"]["status"] == "False"
        return
    assert pod is not None
    assert labels_of(pod)[wiring.LABEL_REVISION] == approved
    assert uid_of(pod) in world.machines.processes
    assert status["phase"] == "Trading"
    assert conditions["Trading"]["status"] == "True"
    assert (conditions["Ready"]["status"] == "True") == (conditions["UpdatePending"]["status"] == "False")


def _config(world: World, stateful_set: Manifest) -> Mapping[str, Any]:
    name = stateful_set["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"]
    config_map = world.store.objects[ObjectRef(CONFIG_MAP, NAMESPACE, name)]
    config: Mapping[str, Any] = json.loads(config_map["data"]["config.json"])["trading_node"]["strategies"][0]["config"]
    return config
