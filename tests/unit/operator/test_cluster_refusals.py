"""What the cluster refuses: told, tried again, and in the way of nothing that can be done all the same."""

import contextlib

import pytest

from tests.sim.store import with_metadata
from tests.sim.world import NAMESPACE
from tests.unit.operator.bench import Bench
from trading_operator.kube import errors
from trading_operator.kube.json_patch import Operation
from trading_operator.memory import Memory
from trading_operator.objects import (
    ROLE,
    STATEFUL_SET,
    Manifest,
    ObjectRef,
    ref_of,
)
from trading_operator.reconcile import RefusedByClusterError


async def test_a_pod_that_the_server_refuses_is_told_and_tried_again(bench: Bench) -> None:
    bench.client.refuse["create StatefulSet"] = errors.InvalidError("spec.template.spec.tolerations: Invalid value")
    with pytest.raises(RefusedByClusterError):
        await bench.run()
    status, reason, message = bench.condition("Accepted")
    assert (status, reason) == ("False", "PodTemplateRefused")
    assert "tolerations" in message
    assert bench.events() == ["PodTemplateRefused"]
    bench.client.refuse.clear()
    await bench.settle()
    assert bench.condition("Accepted")[0] == "True"
    assert bench.events() == ["PodTemplateRefused"]


async def test_a_change_that_the_server_refuses_is_not_told_as_made(bench: Bench) -> None:
    await bench.settle()
    approved = bench.deployment["status"]["revision"]["approved"]
    changed = bench.deployment["spec"] | {"podTemplate": {"spec": {"priorityClassName": "odd"}}}
    bench.store.update(bench.deployment | {"spec": changed})
    refusal = errors.InvalidError("spec.template.spec.priorityClassName: Invalid value")
    bench.client.refuse["decide StatefulSet"] = refusal
    for _ in range(2):
        with pytest.raises(RefusedByClusterError):
            await bench.run()
        assert bench.deployment["status"]["phase"] == "Pending"
        assert bench.deployment["status"]["revision"]["approved"] == approved
        assert bench.condition("UpdatePending")[2].endswith("waits until the cluster takes it: see Accepted")
    bench.client.refuse.clear()
    await bench.settle()
    assert bench.deployment["status"]["revision"]["approved"] not in {"", approved}
    assert bench.condition("Accepted")[0] == "True"


@pytest.mark.parametrize("wrong", ["a quota", "a policy", "a stranger"])
async def test_whatever_else_is_refused_a_node_can_be_suspended(bench: Bench, wrong: str) -> None:
    await bench.settle()
    changes: Manifest = {"suspend": True}
    if wrong == "a quota":
        changes["image"] = "example/trading-node:2.0.0"
        bench.client.refuse["create ConfigMap"] = errors.ForbiddenError("exceeded quota: count/configmaps")
    elif wrong == "a policy":
        bench.client.refuse["replace ConfigMap"] = errors.ForbiddenError("denied the request")
    else:
        role = bench.store.objects[bench.ref(ROLE)]
        bench.store.update(with_metadata(role, labels={}))
        bench.reconciler.memory = Memory()
    bench.store.update(bench.deployment | {"spec": bench.deployment["spec"] | changes})
    with contextlib.suppress(RefusedByClusterError):
        await bench.run()
    assert bench.store.objects[bench.ref(STATEFUL_SET)]["spec"]["replicas"] == 0
    assert bench.deployment["status"]["phase"] == "Suspended"
    assert bench.condition("Accepted")[0] == "False"


async def test_missing_rights_are_told_with_who_can_help(bench: Bench) -> None:
    bench.client.refuse["create Role"] = errors.ForbiddenError(
        "roles is forbidden: attempting to grant extra privileges"
    )
    with pytest.raises(RefusedByClusterError):
        await bench.run()
    assert bench.condition("Accepted")[1] == "ForbiddenByCluster"
    assert "administrator" in bench.condition("Accepted")[2]


async def test_an_object_of_somebody_else_is_left_alone(bench: Bench) -> None:
    stranger = {
        "apiVersion": ROLE.api_version,
        "kind": "Role",
        "metadata": {"name": "alpha-node", "namespace": NAMESPACE},
    }
    there = bench.store.create(stranger | {"rules": []})
    for _ in range(2):
        try:
            await bench.run()
        except RefusedByClusterError:
            continue
    assert bench.store.get(ref_of(there)) == there
    assert bench.condition("Accepted")[:2] == ("False", "NameConflict")
    assert "Role desk/alpha-node" in bench.condition("Accepted")[2]
    assert bench.store.get(bench.ref(STATEFUL_SET)) is None
    bench.store.delete(ref_of(there))
    await bench.settle()
    assert bench.condition("Accepted")[0] == "True"
    assert bench.store.get(bench.ref(STATEFUL_SET)) is not None


async def test_a_pod_that_cannot_be_made_is_explained_by_its_events(bench: Bench) -> None:
    await bench.run()
    bench.store.clock.advance(10)
    live = bench.store.objects[bench.ref(STATEFUL_SET)]
    bench.store.update(live | {"status": {"observedGeneration": 9, "replicas": 0}})
    message = "violates PodSecurity: privileged"
    about = {"involvedObject": {"uid": live["metadata"]["uid"]}}
    bench.client.events = [
        about | {"reason": "FailedCreate", "lastTimestamp": "2026-01-01T00:00:05Z", "message": message}
    ]
    await bench.run()
    status, reason, message = bench.condition("Degraded")
    assert (status, reason) == ("True", "PodRefused")
    assert "violates PodSecurity" in message
    # It was made after all; a minute later its machine is drained, and it is made anew.
    bench.client.events.append(about | {"reason": "SuccessfulCreate", "lastTimestamp": "2026-01-01T00:00:20Z"})
    bench.store.clock.advance(60)
    await bench.run()
    assert bench.condition("Degraded")[0] == "False"


async def test_a_start_that_a_webhook_takes_back_is_tried_again_later_and_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = bench.store.patch

    def patch(ref: ObjectRef, operations: list[Operation]) -> Manifest:
        live = decided(ref, operations)
        return bench.store.update(live | {"spec": live["spec"] | {"replicas": 0}})

    monkeypatch.setattr(bench.store, "patch", patch)
    for _ in range(2):
        with pytest.raises(errors.UnsettledError, match="webhook"):
            await bench.settle()


async def test_a_deletion_that_the_cluster_refuses_says_so(bench: Bench) -> None:
    await bench.settle()
    bench.store.delete(ref_of(bench.deployment))
    bench.client.refuse["decide StatefulSet"] = errors.ForbiddenError("the freeze policy denied the request")
    for _ in range(2):
        with pytest.raises(RefusedByClusterError):
            await bench.run()
        assert bench.deployment["status"]["phase"] == "Stopping"
        status, reason, message = bench.condition("Degraded")
        assert (status, reason) == ("True", "ForbiddenByCluster")
        assert "ask its administrator" in message
        assert "the freeze policy" in message
    assert bench.events() == ["Stopping", "ForbiddenByCluster"]
    bench.client.refuse.clear()
    await bench.run()
    assert bench.condition("Degraded")[0] == "False"


async def test_what_is_taken_back_each_time_is_tried_again_later_and_told(bench: Bench) -> None:
    """A policy strips the finalizer: to go on at once would be a hot loop."""

    def meddle(what: str) -> None:
        if what.startswith("get Trad") and bench.deployment["metadata"].get("finalizers"):
            bench.store.update(with_metadata(bench.deployment, finalizers=[]))

    bench.client.before = meddle
    with pytest.raises(errors.UnsettledError, match="webhook"):
        await bench.settle()
