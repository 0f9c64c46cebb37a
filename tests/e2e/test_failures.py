"""What goes wrong ends as a condition with a reason and a remedy, and heals when it is mended."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.deployments import Deployment, manifest, strategy
from tests.e2e.kubectl import Kubectl
from tests.waiting import eventually

WRONG_BUCKET = [{"name": "ticks", "gcs": {"bucket": "no-such-bucket"}}]


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"image": "localhost/no-such-image:1"}, "ImagePullFailed", "localhost/no-such-image:1"),
        ({"catalogs": WRONG_BUCKET}, "BucketNotFound", "no-such-bucket"),
    ],
    ids=["image", "bucket"],
)
def test_what_may_heal_by_itself_is_told_and_tried_again(
    apply: Callable[..., Deployment], spec: dict[str, Any], reason: str, words: str
) -> None:
    deployment = apply(manifest("waiting", **spec))

    condition = deployment.wait_condition("Degraded", "True", reason)

    assert words in condition["message"]
    assert deployment.condition("Ready")["status"] == "False"


@pytest.mark.parametrize(
    ("wrong", "reason", "words"),
    [
        ({"path": "desk.missing:Strategy"}, "StrategyRefused", "desk.missing"),
        ({"config": {"instrument_id": "BTCUSDT.BINANCE", "trade_size": "0.01", "fats": 10}}, "StrategyRefused", "fats"),
    ],
    ids=["import path", "strategy config"],
)
def test_what_cannot_start_is_told_and_not_started_over_and_over(
    kubectl: Kubectl, apply: Callable[..., Deployment], wrong: dict[str, Any], reason: str, words: str
) -> None:
    deployment = apply(manifest("refused", strategies=[strategy(**wrong)]))

    status = deployment.wait_phase("Failed")
    eventually(lambda: deployment.pod() is None, "the pod is gone")

    condition = deployment.condition("Degraded")
    assert (condition["status"], condition["reason"]) == ("True", reason)
    assert words in condition["message"]
    assert status["revision"]["failed"]
    events = kubectl.run("get", "events", "--field-selector", "involvedObject.name=refused")
    assert reason in events

    apply(manifest("refused"))
    deployment.wait_trading()
    assert deployment.condition("Degraded")["status"] == "False"


def test_a_refused_pod_template_leaves_the_running_node_alone(apply: Callable[..., Deployment]) -> None:
    deployment = apply(manifest("template"))
    deployment.wait_trading()
    uid = (deployment.pod() or {})["metadata"]["uid"]

    apply(manifest("template", podTemplate={"spec": {"hostNetwork": True}}))
    condition = deployment.wait_condition("Accepted", "False")

    assert "hostNetwork" in condition["message"]
    assert (deployment.pod() or {})["metadata"]["uid"] == uid
