"""The reconciler at a small API server: what it writes, what it does not, and what it makes of refusals."""

import contextlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from tests.sim.operators import SimClient
from tests.sim.store import Clock, Store, with_metadata
from tests.sim.world import NAMESPACE, manifest
from trading_operator.desired.names import ANNOTATION_WHEN_DELETED, base_name, claim_name
from trading_operator.handlers import on_event
from trading_operator.kube import errors
from trading_operator.kube.json_patch import Operation
from trading_operator.memory import Memory, fingerprint
from trading_operator.objects import (
    CORE_EVENT,
    EVENT,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    ROLE,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    DeploymentKey,
    Manifest,
    ObjectRef,
    annotations_of,
    kind_of,
    labels_of,
    ref_of,
)
from trading_operator.reconcile import POD_TELLS_WITHIN, Reconciler, RefusedByClusterError
from trading_operator.settings import RenderSettings

KEY = DeploymentKey(NAMESPACE, "alpha")


class Client(SimClient):
    """Refuses what it is told to, and knows Events of StatefulSets."""

    refuse: dict[str, errors.ApiError]
    events: list[Manifest]
    reads: list[str]
    before: Callable[[str], None]
    """Lets something happen right before a request."""

    async def _request(self, what: str, do: Any, *, write: bool = True) -> Any:
        self.before(what)
        if not write:
            self.reads.append(what)
        if what in self.refuse:
            raise self.refuse[what]
        return await super()._request(what, do, write=write)

    async def list(self, kind: Any, namespace: str, *, labels: Any = None, fields: Any = None) -> Sequence[Manifest]:
        if kind is CORE_EVENT:
            return [event for event in self.events if event["reason"] == fields["reason"]]
        return await super().list(kind, namespace, labels=labels, fields=fields)


class Bench:
    """A deployment, a client and a reconciler."""

    def __init__(self) -> None:
        self.store = Store(Clock())
        self.client = Client(self.store, Random(1))
        self.client.refuse, self.client.events = {}, []
        self.client.reads, self.client.before = [], lambda _: None
        self.reconciler = Reconciler(self.client, RenderSettings(), now=lambda: self.store.clock.now)
        self.store.create(manifest("alpha"))

    async def run(self) -> Any:
        return await self.reconciler.reconcile(KEY)

    async def settle(self) -> Any:
        """Run, and once more where a node was started: its status is written in the next turn."""
        again = await self.run()
        return await self.run() if again.after == POD_TELLS_WITHIN else again

    @property
    def deployment(self) -> Manifest:
        return self.store.objects[ObjectRef(TRADING_DEPLOYMENT, NAMESPACE, "alpha")]

    def condition(self, kind: str) -> tuple[str, str, str]:
        found = next(one for one in self.deployment["status"]["conditions"] if one["type"] == kind)
        return found["status"], found["reason"], found["message"]

    def events(self) -> list[str]:
        return [one["reason"] for ref, one in self.store.objects.items() if ref.kind is EVENT]

    def ref(self, kind: Any) -> ObjectRef:
        return ObjectRef(kind, NAMESPACE, base_name("alpha") + ("-0" if kind is POD else ""))


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_everything_is_made_in_one_go_and_nothing_twice(bench: Bench) -> None:
    again = await bench.run()
    assert again.after == POD_TELLS_WITHIN, "the pod is about to say more"
    assert bench.client.writes[0] == "finalizers"
    assert bench.client.writes[-2:] == ["create StatefulSet", "decide StatefulSet"]
    assert len(bench.client.writes) == 10
    bench.client.writes.clear()
    again = await bench.run()
    assert again.after is not None
    assert bench.client.writes == ["status"]
    bench.client.writes.clear()
    await bench.run()
    bench.reconciler.memory = Memory()
    await bench.run()
    assert bench.client.writes == []


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


async def test_a_namespace_that_is_going_is_no_fault_of_the_spec(bench: Bench) -> None:
    bench.store.going_namespaces.add(NAMESPACE)
    with pytest.raises(errors.NamespaceTerminatingError):
        await bench.run()
    assert "conditions" not in bench.deployment.get("status", {})


async def test_lost_events_do_not_matter(bench: Bench) -> None:
    """An Event is a courtesy: its failure fails nothing."""
    bench.client.refuse["create Event"] = errors.UnavailableError("no answer")
    bench.store.update(bench.deployment | {"spec": bench.deployment["spec"] | {"suspend": True}})
    await bench.run()
    assert bench.deployment["status"]["phase"] == "Suspended"


async def test_a_deployment_that_is_no_more_is_swept_and_forgotten(bench: Bench) -> None:
    await bench.run()
    del bench.store.objects[ObjectRef(TRADING_DEPLOYMENT, NAMESPACE, "alpha")]
    live = bench.store.objects[bench.ref(STATEFUL_SET)]
    bench.store.update(live | {"status": {"observedGeneration": 99, "replicas": 0}})
    again = await bench.run()
    assert again.forget
    assert [ref for ref in bench.store.objects if ref.kind is not EVENT] == []


async def test_a_write_that_comes_too_late_is_decided_anew_at_once(bench: Bench) -> None:
    """Somebody marks the StatefulSet right after it was made, and the node reports while a status is written."""
    store, late = bench.store, {"decide StatefulSet", "status"}

    def meddle(what: str) -> None:
        if what not in late:
            return
        late.discard(what)
        if what == "status":
            store.apply_status(with_metadata(bench.deployment, resourceVersion="") | {"status": {"node": {"fills": 1}}})
        else:
            live = store.objects[bench.ref(STATEFUL_SET)]
            store.update(with_metadata(live, annotations={"a": "b"}))

    bench.client.before = meddle
    again = await bench.settle()
    assert again.after is not None
    assert store.objects[bench.ref(STATEFUL_SET)]["spec"]["replicas"] == 1
    assert bench.deployment["status"]["phase"] == "Pending"
    assert bench.client.reads.count("list ConfigMap") == 2, "all is read anew only where somebody else has decided"
    assert bench.client.writes.count("decide StatefulSet") == 2


async def test_a_statefulset_s_status_is_no_reason_to_decide_anew(bench: Bench) -> None:
    """Its controller tells of it at once after it was made."""

    def meddle(what: str) -> None:
        if what == "decide StatefulSet":
            live = bench.store.objects[bench.ref(STATEFUL_SET)]
            bench.store.update(live | {"status": {"observedGeneration": 1}})

    bench.client.before = meddle
    await bench.run()
    assert bench.client.writes.count("decide StatefulSet") == 1
    assert bench.store.objects[bench.ref(STATEFUL_SET)]["spec"]["replicas"] == 1


async def test_books_that_are_to_be_kept_by_the_last_word_are_kept(bench: Bench) -> None:
    """A person writes Retain and deletes before the operator has marked the claim."""
    bench.store.update(bench.deployment | {"spec": bench.deployment["spec"] | {"state": {"whenDeleted": "Delete"}}})
    await bench.run()
    claim = ObjectRef(PERSISTENT_VOLUME_CLAIM, NAMESPACE, claim_name("alpha"))
    assert annotations_of(bench.store.objects[claim])[ANNOTATION_WHEN_DELETED] == "Delete"
    bench.store.update(bench.deployment | {"spec": bench.deployment["spec"] | {"state": {"whenDeleted": "Retain"}}})
    bench.store.delete(ref_of(bench.deployment))
    for _ in range(9):
        if live := bench.store.get(bench.ref(STATEFUL_SET)):
            observed = {"observedGeneration": live["metadata"]["generation"], "replicas": 0}
            bench.store.update(live | {"status": observed})
        if (await bench.run()).forget:
            break
    assert [ref for ref in bench.store.objects if ref.kind is not EVENT] == [claim]
    assert "StateRetained" in bench.events()


async def test_a_statefulset_without_its_labels_is_still_known_and_gets_them_back(bench: Bench) -> None:
    await bench.run()
    live = bench.store.objects[bench.ref(STATEFUL_SET)]
    bench.store.update(with_metadata(live, labels={"mine": "now"}))
    bench.reconciler.memory = Memory()
    await bench.run()
    healed = bench.store.objects[bench.ref(STATEFUL_SET)]
    assert labels_of(healed) == {**labels_of(live), "mine": "now"}
    assert bench.condition("Accepted")[0] == "True"


async def test_a_deployment_is_not_let_go_while_a_statefulset_without_labels_runs_its_node(bench: Bench) -> None:
    await bench.run()
    live = bench.store.objects[bench.ref(STATEFUL_SET)]
    bench.store.update(with_metadata(live, labels={}))
    bench.store.delete(ref_of(bench.deployment))
    await bench.run()
    assert bench.deployment["metadata"]["finalizers"]
    assert bench.store.objects[bench.ref(STATEFUL_SET)]["spec"]["replicas"] == 0


async def test_a_node_that_is_scaled_back_after_each_start_gets_a_status_all_the_same(bench: Bench) -> None:
    """An autoscaler takes the pod away before it could say anything."""
    for _ in range(2):
        await bench.run()
        live = bench.store.objects[bench.ref(STATEFUL_SET)]
        assert live["spec"]["replicas"] == 1
        scaled = bench.store.update(live | {"spec": live["spec"] | {"replicas": 0}})
        assert heard(bench.reconciler.memory, scaled) == [KEY]
    assert bench.condition("Progressing")[:2] == ("True", "CreatingPod")
    assert (await bench.run()).after == POD_TELLS_WITHIN, "the next start may wait for its pod again"


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


# Events


def heard(memory: Memory, one: Manifest, event: str = "MODIFIED") -> list[DeploymentKey]:
    keys: list[DeploymentKey] = []
    on_event(kind_of(one), event, one, memory, keys.append)
    return keys


async def test_own_writes_are_no_news_and_others_are(bench: Bench) -> None:
    await bench.run()
    memory = bench.reconciler.memory
    for ref, one in bench.store.objects.items():
        if ref.kind is not EVENT:
            assert heard(memory, one) == [], f"{ref} was written by the operator itself"
    for ref, one in bench.store.objects.items():
        if ref.kind not in {EVENT, TRADING_DEPLOYMENT, STATEFUL_SET}:
            assert heard(memory, one | {"metadata": one["metadata"] | {"resourceVersion": "999"}}) == [KEY], str(ref)
    assert heard(memory, bench.store.objects[bench.ref(STATEFUL_SET)], "DELETED") == [KEY]


async def test_the_node_s_numbers_wake_nobody_and_its_state_does(bench: Bench) -> None:
    memory = Memory()
    report = {"podUid": "p", "state": "Trading", "reconciled": True, "fills": 1, "updatedAt": "a"}
    one = bench.deployment | {"status": {"node": report}}
    assert heard(memory, one) == [KEY]
    assert heard(memory, one | {"status": {"node": report | {"fills": 2, "updatedAt": "b"}}}) == []
    assert heard(memory, one | {"status": {"node": report | {"state": "Completed"}}}) == [KEY]
    # What differs from the venue, and what to do about it, is told in the message alone.
    apart = report | {"reconciled": False, "reason": "NotReconciled", "message": "KRAKEN: being compared"}
    assert heard(memory, one | {"status": {"node": apart}}) == [KEY]
    assert heard(memory, one | {"status": {"node": apart | {"message": "KRAKEN: POSITION BTC: ask"}}}) == [KEY]
    assert heard(memory, one | {"status": {"node": report | {"state": "Completed"}}}) == [KEY]
    # Another process of the same pod, and any sign of life of one that counts as silent.
    assert heard(memory, one | {"status": {"node": report | {"state": "Completed", "startedAt": "s"}}}) == [KEY]
    silent = {"node": report, "conditions": [{"type": "Degraded", "status": "True", "reason": "NodeNotReporting"}]}
    assert heard(memory, one | {"status": silent}) == [KEY]
    assert heard(memory, one | {"status": silent}) == []
    assert heard(memory, one | {"status": silent | {"node": report | {"updatedAt": "b"}}}) == [KEY]


def test_strangers_events_wake_nobody() -> None:
    one = {"metadata": {"name": "x", "namespace": "desk", "uid": "u", "labels": {}}, "kind": "Pod", "apiVersion": "v1"}
    assert heard(Memory(), one) == []


def test_a_fingerprint_is_hashable_whatever_the_pod_says() -> None:
    statuses = [{"name": "node", "state": {"waiting": {"reason": "x"}}, "lastState": {"terminated": {"exitCode": 1}}}]
    one = {
        "kind": "Pod",
        "metadata": {"name": "x", "namespace": "desk", "uid": "u"},
        "status": {"containerStatuses": statuses, "conditions": [{"type": "Ready", "status": "False"}]},
    }
    assert hash(fingerprint(one)) == hash(fingerprint(one))
