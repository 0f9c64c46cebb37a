"""What must be there when everything has come to rest: it depends on what was asked for, not on what went wrong."""

import json
from collections.abc import Mapping
from typing import Any

from tests.sim.world import NAMESPACE, World
from trading_api import wiring
from trading_operator.desired.deployment import named_children
from trading_operator.desired.names import owner_of
from trading_operator.desired.stateful_set import replicas_of, revision_in
from trading_operator.objects import (
    CHILD_KINDS,
    CONFIG_MAP,
    CONTROLLER_REVISION,
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
            if ref.kind in CHILD_KINDS and labels_of(one).get(wiring.LABEL_DEPLOYMENT) == name
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
    revisions = [one for one in world.store.of_kind(CONTROLLER_REVISION) if owner_uid_of(one) == uid]
    latest = max(revisions, key=lambda one: int(one["revision"]))
    latest_hash = labels_of(latest)[wiring.LABEL_REVISION]
    assert latest["revision"] == generation_of(deployment)
    stateful_set = world.store.get(ObjectRef(STATEFUL_SET, NAMESPACE, owner.base))
    assert stateful_set is not None
    approved = revision_in(stateful_set)
    assert world.store.get(ObjectRef(CONFIG_MAP, NAMESPACE, owner.revision_name(approved))) is not None
    free = (spec.get("rollout") or {}).get("when") != "OnApproval"
    if free or annotations_of(deployment).get("trading-operator.io/approve") == latest_hash:
        assert approved == latest_hash, f"{latest_hash} should have replaced {approved}"
    assert status["revision"]["approved"] == approved
    assert status["revision"]["pending"] == ("" if approved == latest_hash else latest_hash)
    assert (conditions["UpdatePending"]["status"] == "True") == (approved != latest_hash)
    _check_pod(world, deployment, stateful_set, conditions)


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
