"""What a node that trades live needs beside its revision: keys, URLs and a volume, and what is said where one lacks."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.operator.manifests import NOW, OWNER, deployment, pod, record, rendering, report, situation
from trading_api.policies import State
from trading_operator.actions import Action, Create, Delete, Replace, SetFinalizers
from trading_operator.desired.claim import goes_with_its_deployment, state_claim
from trading_operator.desired.deployment import Known, desired
from trading_operator.objects import PERSISTENT_VOLUME_CLAIM, Manifest, ObjectRef, labels_of, uid_of
from trading_operator.observe.observed import Remains
from trading_operator.observe.pod import diagnose
from trading_operator.observe.situation import Situation
from trading_operator.observe.starting import diagnose_start, mounting_since, start_deadlines
from trading_operator.observe.transitions import kept
from trading_operator.plan import lets_go, plan, plan_removal
from trading_operator.settings import RenderSettings

DIGEST = "example/trading-node:1.0.0@sha256:" + "0" * 64
LIVE: dict[str, Any] = {
    "mode": "Live",
    "liveConfirmation": OWNER.name,
    "image": DIGEST,
    "state": {"size": "1Gi"},
    "database": {"secretName": "books"},
    "cache": {"redis": {"secretName": "cache"}},
    "drain": {"timeout": "2m"},
    "catalogs": [],
    "venues": [
        {
            "name": "BINANCE_F_",
            "adapter": "Binance",
            "environment": "Testnet",
            "account": "desk-a",
            "credentials": {"secretName": "binance"},
            "binance": {"accountType": "UsdtFutures"},
        }
    ],
}


def live(**spec: Any) -> Manifest:
    return deployment(**(LIVE | spec))


def test_keys_are_files_and_urls_are_variables_and_no_secret_is_in_any_object() -> None:
    one = rendering(live())
    spec, config = one.template["spec"], json.loads(one.config)
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    node = spec["containers"][0]
    mounts = {mount["mountPath"]: mount for mount in node["volumeMounts"]}
    folder = config["trading_node"]["venues"][0]["credentials"]["directory"]
    assert mounts[folder]["readOnly"] is True
    keys = volumes[mounts[folder]["name"]]["secret"]
    assert keys["secretName"] == "binance"
    assert [item["path"] for item in keys["items"]] == ["api-key", "api-secret"]
    assert keys["defaultMode"] == 0o440
    variables = {variable["name"]: variable for variable in node["env"]}
    database, cache = config["database"]["url_env"], config["trading_node"]["cache"]["url_env"]
    assert variables[database]["valueFrom"]["secretKeyRef"] == {"name": "books", "key": "url"}
    assert variables[cache]["valueFrom"]["secretKeyRef"] == {"name": "cache", "key": "url"}


def test_files_that_change_are_mounted_as_folders_and_none_within_another() -> None:
    mounts = rendering(live()).template["spec"]["containers"][0]["volumeMounts"]
    paths = [mount["mountPath"] for mount in mounts]
    assert not any("subPath" in mount for mount in mounts if mount["name"].startswith("trading-"))
    assert not any(other != path and other.startswith(path + "/") for path in paths for other in paths)


def test_the_state_is_a_claim_or_ends_with_the_pod() -> None:
    def state(raw: Manifest) -> Manifest:
        volumes: list[Manifest] = rendering(raw).template["spec"]["volumes"]
        return next(volume for volume in volumes if volume["name"] == "trading-state")

    assert state(live())["persistentVolumeClaim"] == {"claimName": f"{OWNER.base}-state"}
    assert state(deployment())["emptyDir"] == {}
    assert json.loads(rendering(deployment()).config)["database"]["directory"] == "/state/books"


def test_the_drain_has_its_time_and_the_rest_of_the_stop_too() -> None:
    assert rendering(live()).template["spec"]["terminationGracePeriodSeconds"] == 135


def test_only_what_is_rendered_makes_a_revision() -> None:
    same = live(state={"size": "9Gi", "whenDeleted": "Delete"}, suspend=True, rollout={"when": "OnApproval"})
    assert rendering(same) == rendering(live())
    assert rendering(live(drain={"timeout": "3m"})).source != rendering(live()).source


# The claim


def claim(size: str = "1Gi", *, uid: str = OWNER.uid, books: str = "DESK-A-001 Live", **state: Any) -> Manifest:
    made = state_claim(OWNER, State(size=size, **state), books)
    made["metadata"] |= {
        "uid": "pvc-1",
        "resourceVersion": "3",
        "labels": {**labels_of(made), "trading-operator.io/deployment-uid": uid},
    }
    return made | {"status": {"phase": "Bound"}}


def look(there: Manifest | None, **spec: Any) -> Situation:
    raw = live(**spec) | {"status": report()}
    return situation(raw, record(raw, approval=1), claim=there)


def actions(one: Situation) -> list[Action]:
    return [action for stage in plan(one).stages for action in stage]


def test_a_claim_is_made_and_then_left_alone() -> None:
    (made,) = actions(look(None))
    assert isinstance(made, Create)
    assert made.manifest["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    assert actions(look(claim())) == []
    assert actions(look(claim("2Gi"))) == [], "a volume never shrinks"
    going = claim()
    going["metadata"]["deletionTimestamp"] = "2026-11-23T11:59:00Z"
    assert actions(look(going)) == []


def test_a_larger_size_is_asked_for_last() -> None:
    one = look(claim(), state={"size": "10Gi"})
    (grown,) = plan(one).stages[-1]
    assert isinstance(grown, Replace)
    assert grown.manifest["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert (uid_of(grown.manifest), grown.manifest["metadata"]["resourceVersion"]) == ("pvc-1", "3")


def test_what_becomes_of_the_volume_can_be_changed_at_any_time() -> None:
    (marked,) = actions(look(claim(), state={"size": "1Gi", "whenDeleted": "Delete"}))
    assert isinstance(marked, Replace)
    assert marked.manifest["metadata"]["annotations"]["trading-operator.io/when-deleted"] == "Delete"
    assert marked.manifest["spec"] == claim()["spec"]


def test_the_books_of_an_earlier_deployment_are_taken_up_by_the_same_trader_in_the_same_mode() -> None:
    (taken,) = actions(look(claim(uid="uid-0")))
    assert isinstance(taken, Replace)
    assert labels_of(taken.manifest)["trading-operator.io/deployment-uid"] == OWNER.uid


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (claim(uid="uid-0", books="DESK-A-001 Paper"), "holds the books of DESK-A-001 Paper"),
        (claim(uid="uid-0", books="OTHER-1 Live"), "holds the books of OTHER-1 Live"),
        (claim(uid="uid-0", storage_class_name="slow"), "of StorageClass slow"),
    ],
)
def test_other_books_are_never_taken_up(there: Manifest, says: str) -> None:
    found = plan(look(there, state={"size": "1Gi", "storageClassName": "fast"}))
    assert found.stages == ()
    assert found.refusal is not None
    assert found.refusal.reason == "StateConflict"
    assert says in found.refusal.message
    assert f"kubectl delete pvc {OWNER.base}-state -n {OWNER.namespace}" in found.refusal.message


def test_a_deployment_without_state_asks_for_none() -> None:
    assert desired(deployment(), Known(), RenderSettings()).claim is None
    assert desired(deployment(state={"size": "much"}), Known(), RenderSettings()).claim is None


def test_the_deletion_of_the_last_child_says_what_is_kept() -> None:
    going = live()
    going["metadata"]["deletionTimestamp"] = "2026-11-23T11:59:00Z"
    ref = ObjectRef(PERSISTENT_VOLUME_CLAIM, OWNER.namespace, OWNER.claim_name)
    found = plan_removal(Remains(OWNER.key, going, (), kept=(ref,)), NOW)
    assert lets_go(found)
    assert found.stages == ((SetFinalizers(going, ()),),)
    assert f"{OWNER.claim_name} is kept" in kept([ref]).note
    marked_to_go = Remains(OWNER.key, going, (claim(when_deleted="Delete"),))
    (saved,) = plan_removal(marked_to_go, NOW).stages[0]
    assert isinstance(saved, Replace)
    assert not goes_with_its_deployment(saved.manifest), "the last word of the spec counts"
    going["spec"]["state"] = going["spec"]["state"] | {"whenDeleted": "Delete"}
    assert not lets_go(plan_removal(marked_to_go, NOW))
    (gone,) = plan_removal(marked_to_go, NOW).stages[0]
    assert isinstance(gone, Delete)


# What is missing

ONE = record(live())
MOUNTING: dict[str, Any] = {
    "phase": "Pending",
    "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-23T11:59:50Z"}],
    "containerStatuses": [{"name": "node", "state": {"waiting": {"reason": "ContainerCreating"}}}],
}


@pytest.mark.parametrize(
    ("kubelet_says", "reason", "says"),
    [
        (
            'MountVolume.SetUp failed for volume "venue-binance-f--keys" : secret "binance" not found',
            "SecretMissing",
            "kubectl create secret generic binance -n desk --from-file=api-key=FILE --from-file=api-secret=FILE",
        ),
        (
            'failed for volume "venue-binance-f--keys" : references non-existent secret key: api-secret',
            "SecretKeyMissing",
            "Secret desk/binance lacks the key api-secret",
        ),
        ("couldn't find key url in Secret desk/books", "SecretKeyMissing", "Secret desk/books lacks the key url"),
        ('secret "books" not found', "SecretMissing", "generic books -n desk --from-file=url=FILE"),
        ("MountVolume.SetUp failed: driver not found", "VolumeNotMounted", "driver not found"),
    ],
)
def test_what_the_kubelet_misses_has_a_reason_and_a_remedy(kubelet_says: str, reason: str, says: str) -> None:
    found = diagnose_start(pod(ONE, **MOUNTING), None, kubelet_says, NOW)
    assert found is not None
    assert found.reason == reason
    assert says in found.message


def test_a_variable_whose_secret_is_missing_is_told_the_same_way() -> None:
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "cache" not found'}
    found = diagnose(pod(ONE, containerStatuses=[{"name": "node", "state": {"waiting": waiting}}]), NOW)
    assert found is not None
    assert found.reason == "SecretMissing"
    assert "desk/cache" in found.message


def test_events_are_asked_while_a_pod_waits_for_its_volumes_and_only_then() -> None:
    assert mounting_since(pod(ONE, **MOUNTING)) == NOW - timedelta(seconds=10)
    assert mounting_since(pod(ONE)) is None
    assert mounting_since(pod(ONE, deleted="2026-11-23T12:01:00Z", **MOUNTING)) is None
    mounted = {"type": "PodReadyToStartContainers", "status": "True"}
    pulling = pod(ONE, **MOUNTING | {"conditions": [*MOUNTING["conditions"], mounted]})
    assert mounting_since(pulling) is None, "what failed to be mounted at first is mounted by now"
    assert NOW + timedelta(seconds=5) in set(start_deadlines(pod(ONE, **MOUNTING)))
    assert list(start_deadlines(pod(ONE))) == []
    assert list(start_deadlines(None)) == []


@pytest.mark.parametrize(
    "scheduler_says",
    [
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
        '0/1 nodes are available: persistentvolumeclaim "btc-mm-node-state" not found.',
        'storageclass.storage.k8s.io "fast" not found',
        "0/3 nodes are available: 3 node(s) had volume node affinity conflict.",
    ],
)
def test_storage_that_cannot_bind_is_told_from_a_machine_that_is_missing(scheduler_says: str) -> None:
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": scheduler_says}
    found = diagnose(pod(ONE, containerStatuses=[], conditions=[unscheduled]), NOW)
    assert found is not None
    assert found.reason == "StorageNotBound"
    assert f"kubectl describe pvc {OWNER.claim_name} -n desk" in found.message
    assert "spec.state.storageClassName" in found.message


def test_a_claim_that_waits_too_long_is_told_though_the_scheduler_says_nothing() -> None:
    waiting = pod(ONE, phase="Pending", containerStatuses=[])
    waiting["metadata"]["creationTimestamp"] = "2026-11-23T11:59:30Z"
    waiting["spec"] = {key: value for key, value in waiting["spec"].items() if key != "nodeName"}
    pending = claim() | {"status": {"phase": "Pending"}}
    assert diagnose_start(waiting, pending, "", NOW) is None
    assert NOW + timedelta(seconds=30) in set(start_deadlines(waiting))
    found = diagnose_start(waiting, pending, "", NOW + timedelta(seconds=30))
    assert found is not None
    assert found.reason == "StorageNotBound"
    assert diagnose_start(waiting, claim(), "", NOW + timedelta(seconds=30)) is None
