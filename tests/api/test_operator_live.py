"""The operator's program with a deployment that trades live: limits, state, keys, against a real API server."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.manifests import live_manifest
from tests.api.operator_bench import NAME, Bench
from trading_api.risk import RiskLimits, dump_limits, limits_hash
from trading_operator.desired.names import ANNOTATION_LIMITS, limits_name, pod_name
from trading_operator.desired.stateful_set import revision_in
from trading_operator.kube import errors
from trading_operator.objects import (
    CONFIG_MAP,
    CORE_EVENT,
    EVENT,
    POD,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    Manifest,
    annotations_of,
    owner_uid_of,
    uid_of,
)

LIVE = live_manifest()["spec"] | {"liveConfirmation": NAME, "rollout": {}, "state": {"size": "1Gi"}}


def hash_of(**risk: Any) -> str:
    return limits_hash(dump_limits(RiskLimits(**risk)))


async def condition(bench: Bench, reason: str) -> str:
    """Wait for a condition of a reason; return its message."""

    async def probe() -> str | None:
        conditions = (await bench.deployment()).get("status", {}).get("conditions", ())
        return next((one["message"] or reason for one in conditions if one["reason"] == reason), None)

    return await bench.until(probe, reason)


async def test_limits_change_while_the_node_trades_and_its_pod_stays(bench: Bench, operator: Any) -> None:
    await bench.create(**LIVE | {"risk": {"maxOrderNotional": "1000"}})
    limits = bench.ref(CONFIG_MAP, limits_name(NAME))
    pod = await bench.make_pod()
    held = await bench.until_there(limits)
    assert json.loads(held["data"]["limits.json"])["max_order_notional"] == "1000"
    await bench.report(pod, "Trading", limits={"hash": hash_of(max_order_notional="1000")})
    await bench.until_phase("Trading")
    template = await bench.until_there(bench.ref(STATEFUL_SET))

    await bench.change(risk={"maxOrderNotional": "10"})
    tighter = hash_of(max_order_notional="10")
    told = await bench.until_there(
        bench.ref(POD, pod_name(NAME)), lambda one: annotations_of(one).get(ANNOTATION_LIMITS) == tighter
    )
    assert uid_of(told) == uid_of(pod)
    assert "new limits reach the node" in await condition(bench, "ApplyingLimits")
    await bench.report(pod, "Trading", limits={"hash": tighter})

    async def applied() -> bool:
        ready = {one["type"]: one for one in (await bench.deployment())["status"]["conditions"]}["Ready"]
        return bool(ready["status"] == "True" and ready["observedGeneration"] == 2)

    await bench.until(applied, "Ready with the new limits")
    assert uid_of(await bench.until_there(limits)) == uid_of(held), "the same file, changed in place"
    after = await bench.until_there(bench.ref(STATEFUL_SET))
    assert (after["spec"], revision_in(after)) == (template["spec"], revision_in(template))

    await bench.report(pod, "Trading", limits={"hash": tighter, "error": "max_order_notional: write a number"})
    assert "write a number" in await condition(bench, "LimitsRefused")
    await bench.delete(POD, pod_name(NAME))
    await bench.end_pod()


async def test_the_books_outlive_the_deployment_and_are_taken_up_by_the_next(bench: Bench, operator: Any) -> None:
    await bench.create(**LIVE)
    first = await bench.until_there(bench.claim)
    assert first["spec"]["resources"]["requests"]["storage"] == "1Gi"
    await bench.until_phase("Pending")
    await bench.delete(TRADING_DEPLOYMENT, NAME)
    await bench.settle()
    await bench.until_gone(bench.ref(TRADING_DEPLOYMENT, NAME))
    assert await bench.left() == [f"PersistentVolumeClaim {bench.claim.name}"]
    events = await bench.client.list(EVENT, bench.namespace)
    assert any(one["reason"] == "StateRetained" and bench.claim.name in one["note"] for one in events)

    await bench.create()
    assert f"the books of {LIVE['traderId']} Live" in await condition(bench, "StateConflict")
    assert await bench.client.get(bench.ref(STATEFUL_SET)) is None
    await bench.delete(TRADING_DEPLOYMENT, NAME)
    await bench.until_gone(bench.ref(TRADING_DEPLOYMENT, NAME))

    again = await bench.create(**LIVE)
    taken = await bench.until_there(bench.claim, lambda one: owner_uid_of(one) == uid_of(again))
    assert uid_of(taken) == uid_of(first)
    await bench.until_there(bench.ref(STATEFUL_SET))


async def test_a_volume_that_may_not_grow_is_told_and_holds_up_nothing(bench: Bench, operator: Any) -> None:
    await bench.create(**LIVE)
    await bench.until_there(bench.claim)
    await bench.until_phase("Pending")
    await bench.change(state={"size": "2Gi"}, drain={"timeout": "90s"})
    assert "StorageClass" in await condition(bench, "StorageRefused")
    stateful_set = await bench.until_there(
        bench.ref(STATEFUL_SET),
        lambda one: one["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 105,
    )
    assert stateful_set["spec"]["replicas"] == 1


async def test_a_secret_that_is_missing_is_told_with_the_command_that_makes_it(bench: Bench, operator: Any) -> None:
    await bench.create(**LIVE)
    pod = await bench.make_pod()
    now = datetime.now(UTC)
    since = (now - timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await _warn(bench, pod, 'MountVolume.SetUp failed for volume "venue-okx-keys" : secret "okx-testnet" not found')
    waiting = [{"name": "node", "image": "i", "imageID": "", "ready": False, "restartCount": 0}]
    waiting[0]["state"] = {"waiting": {"reason": "ContainerCreating"}}
    scheduled = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": since}]
    status = {"phase": "Pending", "conditions": scheduled, "containerStatuses": waiting}
    path = f"/api/v1/namespaces/{bench.namespace}/pods/{pod_name(NAME)}/status"
    answer = await bench.client._send("PATCH", path, {}, {"status": status}, "application/merge-patch+json")
    assert answer[0] == 200, answer
    says = await condition(bench, "SecretMissing")
    assert f"kubectl create secret generic okx-testnet -n {bench.namespace}" in says
    assert "--from-file=passphrase=FILE" in says
    await bench.delete(POD, pod_name(NAME))
    await bench.end_pod()


async def _warn(bench: Bench, pod: Manifest, says: str) -> None:
    """Say what is wrong with a pod as a kubelet does."""
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{pod_name(NAME)}.1", "namespace": bench.namespace},
        "involvedObject": {"kind": "Pod", "name": pod_name(NAME), "namespace": bench.namespace, "uid": uid_of(pod)},
        "reason": "FailedMount",
        "message": says,
        "type": "Warning",
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    status, answer = await bench.client._send("POST", CORE_EVENT.path(bench.namespace), {}, event, "application/json")
    assert status == 201, answer


async def test_an_annotation_of_a_pod_that_has_changed_is_not_written(bench: Bench) -> None:
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": bench.namespace}}
    first = await bench.client.create(made)
    second = await bench.client.annotate(first, {"a": "1"})
    assert annotations_of(second) == {"a": "1"}
    with pytest.raises(errors.ConflictError):
        await bench.client.annotate(first, {"a": "2"})
