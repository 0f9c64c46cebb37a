"""What goes wrong ends as a condition with a reason and a remedy, and an Event; what heals is told as well."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.gcs import Gcs
from tests.e2e.deployments import Deployment, manifest, strategy
from tests.e2e.kubectl import Kubectl
from tests.waiting import eventually
from trading_node.catalog.generator import generate_catalog


@pytest.fixture
def late_bucket(catalogs: Gcs, namespace: str) -> Iterator[str]:
    """Return the name of a bucket that a test may create, and that is gone after it."""
    name = f"late-{namespace}"
    yield name
    if catalogs.has_bucket(name):
        catalogs.delete_bucket(name)


def test_an_image_that_is_missing_is_told(kubectl: Kubectl, apply: Callable[..., Deployment]) -> None:
    deployment = apply(manifest("waiting", image="localhost/no-such-image:1"))

    condition = deployment.wait_condition("Degraded", "True", "ImagePullFailed")

    assert "localhost/no-such-image:1" in condition["message"]
    assert deployment.condition("Ready")["status"] == "False"
    eventually(lambda: "ImagePullFailed" in events(kubectl, "waiting"), "an Event tells of it")

    # The way out that the message shows: a pod that never ran is replaced without further ado.
    apply(manifest("waiting"))
    deployment.wait_trading()


def test_a_bucket_that_is_missing_is_told_and_the_node_trades_when_it_is_there(
    kubectl: Kubectl, apply: Callable[..., Deployment], catalogs: Gcs, late_bucket: str, tmp_path: Path
) -> None:
    deployment = apply(manifest("waiting", catalogs=[{"name": "ticks", "gcs": {"bucket": late_bucket}}]))

    condition = deployment.wait_condition("Degraded", "True", "BucketNotFound")

    assert late_bucket in condition["message"]
    assert deployment.condition("Ready")["status"] == "False"
    eventually(lambda: "BucketNotFound" in events(kubectl, "waiting"), "an Event tells of it")
    uid = (deployment.pod() or {})["metadata"]["uid"]

    generate_catalog(tmp_path / "catalog", seed=7, minutes=60, instrument_id="BTCUSDT.BINANCE")
    catalogs.upload_folder(late_bucket, tmp_path / "catalog")
    deployment.wait_trading(within=240)  # the kubelet tries again later each time

    assert deployment.condition("Degraded")["status"] == "False"
    assert (deployment.pod() or {})["metadata"]["uid"] == uid, "the same pod has tried again"
    eventually(lambda: "Recovered" in events(kubectl, "waiting"), "an Event tells of its end")


def events(kubectl: Kubectl, name: str) -> str:
    """The reasons and messages of a deployment's Events."""
    return kubectl.run("get", "events", "--field-selector", f"involvedObject.name={name}")


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
    assert reason in events(kubectl, "refused")

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
