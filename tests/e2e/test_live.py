"""Mode Live on a real cluster, against an exchange with a ledger of its own."""

import base64
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.images import NODE
from tests.e2e.deployments import Deployment
from tests.e2e.kubectl import Kubectl, Object
from tests.e2e.live_venue import LiveVenue, live_venue
from tests.e2e.operator_install import OperatorInstall
from tests.e2e.pod_watch import watch_pods
from tests.waiting import eventually


@pytest.fixture
def venue(cluster: Cluster) -> Iterator[LiveVenue]:
    """Run an exchange that pods reach."""
    with live_venue(cluster.service_address) as running:
        yield running


@pytest.fixture
def state(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> Iterator[Object]:
    """Return a deployment's ``state`` that finds a volume."""
    wish = {"size": "100Mi", "whenDeleted": "Delete"}
    if cluster.description.provider == "kind":
        yield wish  # kind brings a StorageClass
        return
    name = f"{kubectl.namespace}-state"
    tmp_path.chmod(0o777)
    spec = {
        "capacity": {"storage": "100Mi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": name,
        "hostPath": {"path": str(tmp_path)},
    }
    kubectl.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec})
    try:
        yield wish | {"storageClassName": name}
    finally:
        kubectl.run("delete", "persistentvolume", name, "--wait=false")


@pytest.fixture
def image(cluster: Cluster, operator: OperatorInstall) -> str:
    """Return the node image with its digest; the operator's installation has loaded it."""
    return cluster.pinned(NODE)


def _fills(deployment: Deployment) -> int:
    return int(deployment.status().get("node", {}).get("fills", 0))


def test_a_live_deployment_trades_survives_a_kill_takes_new_limits_and_leaves_the_account_flat(
    kubectl: Kubectl, venue: LiveVenue, state: Object, image: str, apply: Callable[..., Deployment]
) -> None:
    kubectl.apply(venue.secret("live-keys"))
    manifest = venue.manifest("live", image, state)
    deployment = apply(manifest)
    deployment.wait_trading(within=120)
    eventually(lambda: _fills(deployment) >= 2, "the node reports fills")
    with watch_pods(kubectl, deployment.name) as watch:
        # New limits reach the running node and restart nothing.
        pod = (deployment.pod() or {})["metadata"]["uid"]
        before = deployment.status()["node"]["limits"]["hash"]
        kubectl.patch("td", "live", {"spec": {"risk": {"maxOrderNotional": "50000"}}})
        eventually(lambda: deployment.status()["node"]["limits"]["hash"] != before, "the node took the new limits")
        assert (deployment.pod() or {})["metadata"]["uid"] == pod

        # Killed without a word, the next one trades only after it agrees with the venue.
        kubectl.run("delete", "pod", deployment.pod_name, "--grace-period=0", "--force", "--wait=false")
        eventually(lambda: deployment.status()["node"]["podUid"] != pod, "the next pod reports")
        deployment.wait_trading(within=120)
        fills = len(venue.ledger()["fills"])
        eventually(lambda: len(venue.ledger()["fills"]) > fills, "it trades again")

        kubectl.run("delete", "td", "live", "--timeout=90s", timeout=100)

    watch.assert_never_two()
    assert watch.last_exit_code(watch.uids()[-1]) == 0
    assert venue.open_orders() == []
    assert venue.position() == Decimal(0), "the drain policy says Flatten"
    ledger = venue.ledger()
    ids = [order["client_id"] for order in ledger["orders"] if order["client_id"]]
    assert len(ids) == len(set(ids)), "no order was sent twice"
    assert kubectl.get("persistentvolumeclaim", "live-node-state") is None, "whenDeleted says Delete"


def test_a_missing_secret_is_a_condition_and_its_arrival_starts_the_node(
    kubectl: Kubectl, venue: LiveVenue, state: Object, image: str, apply: Callable[..., Deployment]
) -> None:
    deployment = apply(venue.manifest("keyless", image, state))
    told = deployment.wait_condition("Ready", "False", "SecretMissing")
    assert "keyless-keys" in told["message"]

    kubectl.apply(venue.secret("keyless-keys"))

    deployment.wait_trading(within=150)


def test_keys_stay_in_their_secret(
    kubectl: Kubectl, venue: LiveVenue, state: Object, image: str, apply: Callable[..., Deployment]
) -> None:
    kubectl.apply(venue.secret("discreet-keys"))
    deployment = apply(venue.manifest("discreet", image, state))
    deployment.wait_trading(within=120)
    eventually(lambda: _fills(deployment) >= 1, "the node reports fills")

    kinds = "td,statefulset,pod,configmap,controllerrevision,event,service,role,persistentvolumeclaim"
    told = kubectl.run("get", kinds, "--output", "json") + kubectl.run("logs", deployment.pod_name, "--tail=-1")

    for key in venue.keys.values():
        for form in _forms(key):
            assert form not in told


def _forms(key: str) -> list[str]:
    """Return how a key could appear: as it is, in JSON, in base64, line by line."""
    lines = [line for line in key.splitlines() if len(line) > 20 and "KEY" not in line]
    forms: list[Any] = [key, json.dumps(key)[1:-1], base64.b64encode(key.encode()).decode(), *lines]
    return forms
