"""The operator's own program and client against a real API server.

There are no controllers here: the tests play the StatefulSet's, the kubelet's and the node's part.
"""

from functools import partial
from typing import Any

import pytest

from tests.api.operator_bench import NAME, Bench
from trading_api import wiring
from trading_operator.desired.names import ANNOTATION_APPROVE, FINALIZER, Owner, base_name, pod_name, selector_of
from trading_operator.desired.stateful_set import restated, revision_in, scaled_to_zero, stateful_set
from trading_operator.kube import errors
from trading_operator.objects import (
    CONFIG_MAP,
    EVENT,
    POD,
    ROLE,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    Manifest,
    finalizers_of,
    labels_of,
    name_of,
    uid_of,
)
from trading_operator.outcome import Outcome, recorded_outcome


async def test_from_apply_to_trading_through_a_change_to_deletion(bench: Bench, operator: Any) -> None:
    await bench.create()
    pod = await bench.make_pod()
    await bench.report(pod, "Starting")
    await bench.until_phase("Starting")
    await bench.report(pod, "Trading")
    trading = await bench.until_phase("Trading")
    assert FINALIZER in finalizers_of(trading)
    conditions = {one["type"]: one["status"] for one in trading["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    assert trading["status"]["node"]["state"] == "Trading", "the operator owns its own fields only"
    first = trading["status"]["revision"]["approved"]

    await bench.change(image="example/trading-node:2.0.0")
    await bench.end_pod()
    changed = await bench.until_there(bench.ref(STATEFUL_SET), lambda one: revision_in(one) != first)
    pod = await bench.make_pod()
    await bench.report(pod, "Trading")
    again = await bench.until_phase("Trading")
    assert again["status"]["revision"]["running"] == revision_in(changed)

    await bench.change(suspend=True)
    await bench.settle()
    await bench.delete(POD, pod_name(NAME))
    await bench.end_pod()
    await bench.until_phase("Suspended")

    await bench.delete(TRADING_DEPLOYMENT, NAME)
    await bench.settle()
    await bench.release_claim()
    await bench.until_gone(bench.ref(TRADING_DEPLOYMENT, NAME))
    assert await bench.left() == []
    events = {one["reason"] for one in await bench.client.list(EVENT, bench.namespace)}
    assert {"Trading", "Suspended", "Stopping"} <= events


async def test_a_deletion_waits_for_the_pod_s_end(bench: Bench, operator: Any) -> None:
    await bench.create()
    await bench.make_pod()
    await bench.until_phase("Starting")
    await bench.delete(TRADING_DEPLOYMENT, NAME)
    await bench.settle()
    going = await bench.until_phase("Stopping")
    assert FINALIZER in finalizers_of(going)
    assert len(await bench.left()) > 5, "what a stopping node needs is there until it has stopped"
    await bench.delete(POD, pod_name(NAME))
    await bench.end_pod()
    await bench.release_claim()
    await bench.until_gone(bench.ref(TRADING_DEPLOYMENT, NAME))
    assert await bench.left() == []


async def test_a_revision_waits_for_the_command_that_its_condition_shows(bench: Bench, operator: Any) -> None:
    await bench.create(rollout={"when": "OnApproval"})
    pod = await bench.make_pod()
    await bench.report(pod, "Trading")
    await bench.until_phase("Trading")
    await bench.change(image="example/trading-node:2.0.0")

    async def pending() -> str | None:
        revision = (await bench.deployment())["status"]["revision"]
        return str(revision["pending"]) if revision["pending"] else None

    waiting = await bench.until(pending, "a pending revision")
    stateful_set = await bench.until_there(bench.ref(STATEFUL_SET))
    assert revision_in(stateful_set) != waiting
    told = next(one for one in (await bench.deployment())["status"]["conditions"] if one["type"] == "UpdatePending")
    assert told["message"].endswith(f"{ANNOTATION_APPROVE}={waiting}")
    await bench.change(metadata={"annotations": {ANNOTATION_APPROVE: waiting}})
    await bench.until_there(bench.ref(STATEFUL_SET), lambda one: revision_in(one) == waiting)
    await bench.end_pod()


async def test_the_longest_config_that_is_accepted_can_be_kept(bench: Bench, operator: Any) -> None:
    def strategies(text: str) -> list[Manifest]:
        config = {"path": "desk.ema:Ema", "configPath": "desk.ema:EmaConfig", "config": {"notes": text}}
        return [{"name": "ema", **config}]

    await bench.create(strategies=strategies('"' * 300_000))

    async def refused() -> bool:
        conditions = (await bench.deployment()).get("status", {}).get("conditions", ())
        return any(one["reason"] == "SpecInvalid" and "shorten" in one["message"] for one in conditions)

    assert await bench.until(refused, "a refusal")
    await bench.change(strategies=strategies('"' * 250_000))
    await bench.until_there(bench.ref(STATEFUL_SET))
    await bench.until_phase("Pending")


async def test_what_somebody_deletes_or_changes_is_restored(bench: Bench, operator: Any) -> None:
    await bench.create()
    await bench.until_phase("Pending")
    labels = {wiring.LABEL_DEPLOYMENT: NAME}
    config_maps = await bench.client.list(CONFIG_MAP, bench.namespace, labels=labels)
    assert len(config_maps) == 2, "the run-config and the limits"
    for kind, name in ((ROLE, base_name(NAME)), *((CONFIG_MAP, name_of(one)) for one in config_maps)):
        before = uid_of(await bench.until_there(bench.ref(kind, name)))
        await bench.delete(kind, name)
        await bench.until_there(bench.ref(kind, name), partial(_is_another, before))
    live = await bench.until_there(bench.ref(ROLE))
    await bench.client.replace(live | {"rules": []})
    await bench.until_there(bench.ref(ROLE), lambda one: bool(one.get("rules")))


def _is_another(uid: str, manifest: Manifest) -> bool:
    return uid_of(manifest) != uid


async def test_a_pod_that_the_server_refuses_is_told_in_its_words(bench: Bench, operator: Any) -> None:
    bad = {"spec": {"tolerations": [{"operator": "Sometimes"}]}}
    await bench.create(podTemplate=bad)

    async def refused() -> str | None:
        conditions = (await bench.deployment()).get("status", {}).get("conditions", ())
        return next((one["message"] for one in conditions if one["reason"] == "PodTemplateRefused"), None)

    assert "Sometimes" in await bench.until(refused, "a refusal")
    await bench.change(podTemplate={})
    await bench.until_there(bench.ref(STATEFUL_SET))
    assert await bench.until_phase("Pending")


# What the promises rest on of an API server


async def test_decisive_writes_are_locked_to_what_was_read(bench: Bench) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": bench.namespace}}
    first = await bench.client.create(manifest)
    second = await bench.client.replace(first | {"data": {"a": "b"}})
    other = second | {"metadata": second["metadata"] | {"uid": "00000000-0000-0000-0000-000000000000"}}
    with pytest.raises(errors.AlreadyExistsError):
        await bench.client.create(manifest)
    for stale in (first, other):
        with pytest.raises(errors.ConflictError):
            await bench.client.replace(stale | {"data": {"a": "c"}})
        with pytest.raises(errors.ConflictError):
            await bench.client.delete(bench.ref(CONFIG_MAP, "one"), uid_of(stale), stale["metadata"]["resourceVersion"])
    with pytest.raises(errors.ConflictError):
        await bench.client.set_finalizers(first, ["example.com/x"])
    await bench.client.delete(bench.ref(CONFIG_MAP, "one"), uid_of(second), second["metadata"]["resourceVersion"])
    with pytest.raises((errors.NotFoundError, errors.ConflictError)):
        await bench.client.replace(second)


async def test_a_decision_on_a_statefulset_is_locked_to_what_it_rests_on(bench: Bench) -> None:
    owner = Owner(NAME, bench.namespace, "uid-1")
    container = {"name": "node", "image": "example/node:1"}
    template = {"metadata": {"labels": selector_of(NAME)}, "spec": {"containers": [container]}}

    def started(one: Manifest, outcome: Outcome | None = None) -> Manifest:
        return restated(one, template=one["spec"]["template"], replicas=1, outcome=outcome)

    made = await bench.client.create(stateful_set(owner, template, replicas=0))
    path = f"/apis/apps/v1/namespaces/{bench.namespace}/statefulsets/{base_name(NAME)}/status"
    await bench.client._send("PATCH", path, {}, {"status": {"collisionCount": 1}}, "application/merge-patch+json")
    running = await bench.client.decide(made, started(made))
    assert running["spec"]["replicas"] == 1, "a status that has moved on refuses nothing"
    with pytest.raises(errors.ConflictError):
        await bench.client.decide(made, started(made))
    ended = await bench.client.decide(running, started(running, Outcome("r", "Completed", "Completed", "")))
    assert ended["metadata"]["generation"] == running["metadata"]["generation"]
    with pytest.raises(errors.ConflictError):
        await bench.client.decide(running, scaled_to_zero(running))
    again = await bench.client.decide(ended, started(ended))
    assert recorded_outcome(again) is None
    assert (await bench.client.decide(again, scaled_to_zero(again)))["spec"]["replicas"] == 0
    other = again | {"metadata": again["metadata"] | {"uid": "another", "generation": 3}}
    with pytest.raises(errors.ConflictError):
        await bench.client.decide(other, started(other))
    bad = restated(again, template=template | {"spec": {"containers": []}}, replicas=0, outcome=None)
    live = await bench.client.get(bench.ref(STATEFUL_SET))
    assert live is not None
    with pytest.raises(errors.InvalidError, match="containers"):
        await bench.client.decide(live, bad)


async def test_an_edit_that_could_make_a_second_pod_is_taken_back(bench: Bench, operator: Any) -> None:
    await bench.create()
    live = await bench.until_there(bench.ref(STATEFUL_SET), lambda one: one["spec"]["replicas"] == 1)
    edit = {"replicas": 3, "ordinals": {"start": 1}, "updateStrategy": {"type": "RollingUpdate"}}
    bare = live["metadata"] | {"labels": {}}
    await bench.client.decide(live, live | {"metadata": bare, "spec": live["spec"] | edit})
    healed = await bench.until_there(bench.ref(STATEFUL_SET), lambda one: one["spec"]["replicas"] == 1)
    assert labels_of(healed) == labels_of(live)
    assert healed["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert "ordinals" not in healed["spec"]


async def test_a_status_is_locked_to_what_was_read(bench: Bench) -> None:
    first = await bench.create()
    body = {name: first[name] for name in ("apiVersion", "kind")}
    metadata = {name: first["metadata"][name] for name in ("name", "namespace", "uid", "resourceVersion")}
    second = await bench.client.apply_status(body | {"metadata": metadata, "status": {"phase": "Pending"}})
    assert second["status"]["phase"] == "Pending"
    with pytest.raises(errors.ConflictError):
        await bench.client.apply_status(body | {"metadata": metadata, "status": {"phase": "Trading"}})
