"""The reconciler at a small API server: what it writes, what it does not, and what is news to it."""

import pytest

from tests.sim.store import with_metadata
from tests.sim.world import NAMESPACE
from tests.unit.operator.bench import KEY, Bench, heard
from trading_operator.desired.names import ANNOTATION_WHEN_DELETED, claim_name
from trading_operator.kube import errors
from trading_operator.memory import Memory, fingerprint
from trading_operator.objects import (
    EVENT,
    PERSISTENT_VOLUME_CLAIM,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    ObjectRef,
    annotations_of,
    labels_of,
    ref_of,
)
from trading_operator.reconcile import POD_TELLS_WITHIN


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
    await bench.until_forgotten()
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


# Events


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
