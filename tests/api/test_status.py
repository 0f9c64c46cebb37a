"""Who may write which part of the status, with the role and the identity that the operator gives to a node."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.kube import Kube, Object, Refused, deployments_path
from tests.api.manifests import Manifest, good_manifest
from tests.cluster.api_server import ApiServer
from trading_api import wiring
from trading_operator.desired.names import owner_of
from trading_operator.desired.role import role
from trading_operator.desired.role_binding import role_binding
from trading_operator.desired.service_account import service_account

NODE_REPORT = {
    "podName": "good-node-0",
    "podUid": "5f0c9d0e-0000-4000-8000-000000000000",
    "revision": "0123456789",
    "state": "Trading",
    "tradingState": "Active",
    "reconciled": True,
    "orders": {"total": 7, "open": 1, "filled": 6},
    "positions": {"open": 1},
    "profitAndLoss": [{"currency": "USDT", "realized": "12.50", "unrealized": "0"}],
    "pnl": "12.50 USDT",
    "startedAt": "2026-11-23T20:00:00Z",
    "updatedAt": "2026-11-23T20:00:01.5Z",
}
READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Trading",
    "message": "revision 0123456789 trades",
    "lastTransitionTime": "2026-11-23T20:00:01Z",
    "observedGeneration": 1,
}


@pytest.fixture
def deployment(create: Callable[[Manifest], Object]) -> Object:
    """Create the good manifest."""
    return create(good_manifest())


@pytest.fixture
def path(namespace: str, deployment: Object) -> str:
    """Return the path of the deployment."""
    return deployments_path(namespace, deployment["metadata"]["name"])


@pytest.fixture
def node(api_server: ApiServer, kube: Kube, namespace: str, deployment: Object) -> Kube:
    """Connect as the node of the deployment, with what the operator grants and nothing more."""
    owner, rbac = owner_of(deployment), f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    kube.create(accounts, service_account(owner))
    kube.create(f"{rbac}/roles", role(owner))
    kube.create(f"{rbac}/rolebindings", role_binding(owner))
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = kube.request("POST", f"{accounts}/{owner.base}/token", request)["status"]["token"]
    return Kube.as_bearer(api_server.url, api_server.ca_file, token)


def _status(deployment: Object, **status: Any) -> Object:
    """A status to apply; it names the deployment by its uid."""
    metadata = {key: deployment["metadata"][key] for key in ("name", "namespace", "uid")}
    return {"apiVersion": wiring.API_VERSION, "kind": wiring.KIND, "metadata": metadata, "status": status}


def _report(kube: Kube, path: str, deployment: Object, **status: Any) -> Object:
    return kube.apply(f"{path}/status", _status(deployment, **status), manager=wiring.FIELD_MANAGER_NODE)


def _decide(kube: Kube, path: str, deployment: Object, **status: Any) -> Object:
    return kube.apply(f"{path}/status", _status(deployment, **status), manager=wiring.FIELD_MANAGER_OPERATOR)


class TestSubresource:
    """Spec and status are written apart."""

    def test_a_status_in_a_manifest_is_dropped(self, deployment: Object, create: Callable[[Manifest], Object]) -> None:
        other = create(good_manifest("other") | {"status": {"phase": "Trading"}})
        assert "status" not in deployment
        assert "status" not in other

    def test_the_spec_cannot_be_written_with_the_status(self, kube: Kube, path: str, deployment: Object) -> None:
        kube.merge(f"{path}/status", {"spec": {"suspend": True}, "status": {"phase": "Trading"}})

        stored = kube.get(path)
        assert (stored["spec"]["suspend"], stored["status"]["phase"]) == (False, "Trading")
        assert stored["metadata"]["generation"] == deployment["metadata"]["generation"] == 1

    def test_the_status_cannot_be_written_with_the_spec(self, kube: Kube, path: str) -> None:
        kube.merge(path, {"spec": {"suspend": True}, "status": {"phase": "Trading"}})

        stored = kube.get(path)
        assert (stored["spec"]["suspend"], "status" in stored) == (True, False)
        assert stored["metadata"]["generation"] == 2

    def test_nothing_is_filled_into_a_report(self, kube: Kube, path: str, deployment: Object) -> None:
        assert _report(kube, path, deployment, node=NODE_REPORT)["status"] == {"node": NODE_REPORT}

    @pytest.mark.parametrize(
        ("status", "says"),
        [
            ({"phase": "Dancing"}, "status.phase: Unsupported value"),
            ({"conditions": [READY | {"reason": "not one word"}]}, "write one CamelCase word, such as NameConflict"),
            ({"conditions": [READY | {"message": "m" * 1025}]}, "may not be more than 1024"),
            ({"conditions": [READY | {"lastTransitionTime": "now"}]}, "must be of type date-time"),
            ({"node": NODE_REPORT | {"orders": {"total": -1}}}, "should be greater than or equal to 0"),
        ],
        ids=["phase", "reason", "message", "time", "count"],
    )
    def test_a_report_out_of_bounds_is_refused(
        self, kube: Kube, path: str, deployment: Object, status: Object, says: str
    ) -> None:
        with pytest.raises(Refused, match=says):
            _decide(kube, path, deployment, **status)


class TestWriters:
    """Operator and node apply their own parts; neither loses the other's."""

    def test_each_keeps_its_part(self, kube: Kube, node: Kube, path: str, deployment: Object) -> None:
        _decide(kube, path, deployment, phase="Starting", conditions=[READY | {"status": "False"}])
        _report(node, path, deployment, node=NODE_REPORT)
        _decide(kube, path, deployment, phase="Trading", conditions=[READY])

        assert kube.get(path)["status"] == {"phase": "Trading", "conditions": [READY], "node": NODE_REPORT}

    def test_a_node_withdraws_what_it_no_longer_says(self, node: Kube, path: str, deployment: Object) -> None:
        _report(node, path, deployment, node=NODE_REPORT)
        shorter = {key: value for key, value in NODE_REPORT.items() if key != "pnl"}
        assert _report(node, path, deployment, node=shorter)["status"] == {"node": shorter}

    def test_a_node_that_writes_the_operators_part_is_in_conflict(
        self, kube: Kube, node: Kube, path: str, deployment: Object
    ) -> None:
        _decide(kube, path, deployment, phase="Starting")
        with pytest.raises(Refused, match='conflict with "trading-operator"'):
            _report(node, path, deployment, phase="Trading", node=NODE_REPORT)

    def test_a_report_to_a_former_deployment_is_known_by_its_pod_alone(
        self, kube: Kube, node: Kube, path: str, namespace: str, deployment: Object
    ) -> None:
        """The API server compares no uid where a status exists (docs/adr/0201): the pod's uid has to tell."""
        kube.delete(path)
        kube.create(deployments_path(namespace), good_manifest())

        stored = _report(node, path, deployment, node=NODE_REPORT)

        assert stored["metadata"]["uid"] != deployment["metadata"]["uid"]
        assert stored["status"]["node"]["podUid"] == NODE_REPORT["podUid"]

    def test_the_identity_of_a_former_deployment_is_worth_nothing(
        self, kube: Kube, node: Kube, path: str, namespace: str, deployment: Object
    ) -> None:
        owner = owner_of(deployment)
        kube.delete(f"/api/v1/namespaces/{namespace}/serviceaccounts/{owner.base}")
        kube.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", service_account(owner))

        with pytest.raises(Refused) as caught:
            _report(node, path, deployment, node=NODE_REPORT)
        assert caught.value.status == 401

    def test_a_report_never_makes_a_deployment(self, kube: Kube, node: Kube, path: str, deployment: Object) -> None:
        kube.delete(path)
        with pytest.raises(Refused) as caught:
            _report(node, path, deployment, node=NODE_REPORT)
        assert caught.value.status == 404
        with pytest.raises(Refused, match="not found"):
            kube.get(path)


class TestRights:
    """A node's identity can report on its own deployment, and nothing else."""

    @pytest.mark.parametrize("own", ["", "/status"], ids=["the deployment", "its status"])
    def test_it_reads_nothing(self, node: Kube, path: str, own: str) -> None:
        with pytest.raises(Refused) as caught:
            node.get(path + own)
        assert caught.value.status == 403

    def test_it_cannot_change_the_spec(self, node: Kube, path: str) -> None:
        with pytest.raises(Refused) as caught:
            node.merge(path, {"spec": {"suspend": True}})
        assert caught.value.status == 403

    def test_its_way_to_the_status_leads_nowhere_else(self, kube: Kube, node: Kube, path: str) -> None:
        before = kube.merge(path, {"metadata": {"finalizers": ["trading-operator.io/orderly-stop"]}})

        node.merge(f"{path}/status", {"spec": {"suspend": True}, "metadata": {"finalizers": [], "labels": {"a": "b"}}})

        after = kube.get(path)
        kube.merge(path, {"metadata": {"finalizers": []}})
        assert after["spec"] == before["spec"]
        assert after["metadata"]["finalizers"] == before["metadata"]["finalizers"]
        assert "labels" not in after["metadata"]

    def test_it_cannot_report_on_another_deployment(
        self, node: Kube, namespace: str, create: Callable[[Manifest], Object]
    ) -> None:
        other = create(good_manifest("other"))
        with pytest.raises(Refused) as caught:
            _report(node, deployments_path(namespace, "other"), other, node=NODE_REPORT)
        assert caught.value.status == 403


class TestColumns:
    """What a person sees."""

    @pytest.mark.usefixtures("deployment")
    def test_a_new_deployment(self, kubectl: Callable[..., str]) -> None:
        head, row = kubectl("get", "td").splitlines()
        assert head.split() == ["NAME", "MODE", "PHASE", "READY", "STATE", "ORDERS", "POSITIONS", "PNL", "AGE"]
        assert row.split()[:2] == ["good", "Paper"]

    def test_a_trading_one(self, kube: Kube, kubectl: Callable[..., str], path: str, deployment: Object) -> None:
        _decide(kube, path, deployment, phase="Trading", conditions=[READY], revision={"running": "0123456789"})
        _report(kube, path, deployment, node=NODE_REPORT)

        row = kubectl("get", "td", "--no-headers")
        assert row.split()[:9] == ["good", "Paper", "Trading", "True", "Active", "7", "1", "12.50", "USDT"]
        head, row = kubectl("get", "trading", "-o", "wide").splitlines()
        assert head.split()[-3:] == ["REVISION", "REASON", "MESSAGE"]
        assert row.split()[-5:] == ["0123456789", "Trading", "revision", "0123456789", "trades"]
