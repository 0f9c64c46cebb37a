"""What a person is told of a pod that is in trouble."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.operator.manifests import NOW, pod, record
from trading_operator.objects import Manifest
from trading_operator.observe.finding import MAX_MESSAGE, sentence
from trading_operator.observe.pod import diagnose

ONE = record()


def waiting(reason: str, message: str = "", name: str = "node") -> Manifest:
    return {"name": name, "image": "example/node:1", "state": {"waiting": {"reason": reason, "message": message}}}


def ended(code: int, message: str = "", reason: str = "Error", name: str = "node") -> Manifest:
    end = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    return waiting("CrashLoopBackOff", name=name) | {"lastState": end, "restartCount": 2}


WORDS = json.dumps({"reason": "CatalogUnreadable", "message": "no instruments", "remedy": "look at the bucket"})
NO_BUCKET = "Error: mountWithStorageHandle: fs.NewServer: create file system: SetUpBucket: bucket doesn't exist"
FORBIDDEN = "googleapi: Error 403: caller does not have storage.objects.list access, forbidden"


@pytest.mark.parametrize(
    ("status", "reason", "says"),
    [
        ({"containerStatuses": [waiting("ImagePullBackOff", "not found")]}, "ImagePullFailed", "example/node:1"),
        ({"containerStatuses": [waiting("ErrImagePull", "denied")]}, "ImagePullFailed", "imagePullSecrets"),
        ({"containerStatuses": [waiting("InvalidImageName")]}, "ImagePullFailed", "InvalidImageName"),
        ({"containerStatuses": [waiting("CreateContainerConfigError", "no user")]}, "ContainerRefused", "no user"),
        (
            {"initContainerStatuses": [waiting("ErrImagePull", name="gcsfuse-ticks")]},
            "ImagePullFailed",
            "gcsfuse-ticks",
        ),
        ({"initContainerStatuses": [ended(1, NO_BUCKET, name="gcsfuse-ticks")]}, "BucketNotFound", "catalog ticks"),
        ({"initContainerStatuses": [ended(1, FORBIDDEN, name="gcsfuse-ticks")]}, "BucketForbidden", "Object Viewer"),
        ({"initContainerStatuses": [ended(1, "boom", name="gcsfuse-ticks")]}, "CatalogMountFailed", "boom"),
        ({"containerStatuses": [ended(10, WORDS)]}, "CatalogUnreadable", "no instruments: look at the bucket"),
        ({"containerStatuses": [ended(137, reason="OOMKilled")]}, "OutOfMemory", "resources.limits.memory"),
        ({"containerStatuses": [ended(1, "Traceback: boom")]}, "CrashLooping", "Traceback: boom"),
        (
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/2 nodes available",
                    }
                ]
            },
            "Unschedulable",
            "0/2 nodes available",
        ),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, "NodeLost", "machine-a"),
    ],
)
def test_trouble_has_a_reason_and_a_remedy(status: dict[str, Any], reason: str, says: str) -> None:
    found = diagnose(pod(ONE, **status), NOW)
    assert found is not None
    assert found.reason == reason
    assert says in found.message


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"containerStatuses": [waiting("ContainerCreating")]},
        {"containerStatuses": [ended(0)]},
        {"containerStatuses": [{"name": "node", "ready": False, "state": {"running": {}}}]},
        {"conditions": [{"type": "Ready", "status": "True"}]},
    ],
)
def test_a_pod_that_is_fine_or_on_its_way_is_left_alone(status: dict[str, Any]) -> None:
    assert diagnose(pod(ONE, **status), NOW) is None


def test_a_sidecar_that_restarted_and_mounted_again_is_fine() -> None:
    again = ended(1, NO_BUCKET, name="gcsfuse-ticks") | {"started": True, "state": {"running": {}}}
    assert diagnose(pod(ONE, initContainerStatuses=[again]), NOW) is None


def test_a_sidecar_that_is_not_ready_is_no_lost_machine() -> None:
    """The kubelet counts native sidecars among what makes a pod ready; the node controller marks Ready alone."""
    unready = {"status": "False", "reason": "ContainersNotReady"}
    conditions = [{"type": kind, **unready} for kind in ("Ready", "ContainersReady")]
    sidecar = {"name": "vector", "ready": False, "started": True, "state": {"running": {}}}
    assert diagnose(pod(ONE, conditions=conditions, initContainerStatuses=[sidecar]), NOW) is None
    mount = ended(1, NO_BUCKET, name="gcsfuse-ticks") | {"ready": False, "started": False}
    found = diagnose(pod(ONE, conditions=conditions, initContainerStatuses=[mount]), NOW)
    assert found is not None
    assert found.reason == "BucketNotFound"
    marked = [conditions[0] | {"reason": ""}, {"type": "ContainersReady", "status": "True"}]
    lost = diagnose(pod(ONE, conditions=marked, initContainerStatuses=[sidecar | {"ready": True}]), NOW)
    assert lost is not None
    assert lost.reason == "NodeLost"


def test_a_pod_that_ends_is_overdue_only_after_its_grace() -> None:
    stopping = pod(ONE, deleted="2026-11-23T12:00:00Z")
    assert diagnose(stopping, NOW + timedelta(seconds=14)) is None
    found = diagnose(stopping, NOW + timedelta(seconds=16))
    assert found is not None
    assert found.reason == "StopOverdue"
    assert "--force --grace-period=0" in found.message
    assert "machine is certainly off" in found.message


def test_a_lost_machine_is_told_apart_from_a_slow_stop() -> None:
    lost = pod(ONE, deleted="2026-11-23T12:00:00Z", conditions=[{"type": "Ready", "status": "False"}])
    found = diagnose(lost, NOW + timedelta(minutes=5))
    assert found is not None
    assert found.reason == "NodeLost"
    assert "may still be trading" in found.message


def test_messages_fit_a_condition() -> None:
    assert len(sentence("a" * 3000)) == MAX_MESSAGE
    assert sentence("a", "", " b ") == "a: b"
