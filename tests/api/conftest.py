"""One real API server for the suite, with the CustomResourceDefinition; one namespace for each test."""

import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import yaml

from tests.api.kube import Kube, Object, deployments_path
from tests.api.manifests import CRD_FILE, Manifest
from tests.api.operator_bench import bench, operator, operator_kubeconfig
from tests.cluster import programs
from tests.cluster.api_server import ApiServer
from tests.cluster.fixtures import api_server
from tests.waiting import eventually

__all__ = ["api_server", "bench", "operator", "operator_kubeconfig"]

CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_numbers = count(1)


@pytest.fixture(scope="session")
def crd(api_server: ApiServer) -> Object:
    """Install the CustomResourceDefinition and return it as the server holds it once it is established."""
    kube = Kube.as_admin(api_server.kubeconfig)
    kube.create(CRD_PATH, yaml.safe_load(CRD_FILE.read_text(encoding="utf-8")))

    def established() -> Object | None:
        found = kube.get(f"{CRD_PATH}/tradingdeployments.trading-operator.io")
        conditions = {c["type"]: c["status"] for c in (found.get("status") or {}).get("conditions") or ()}
        return found if conditions.get("Established") == "True" else None

    return eventually(established, "the CustomResourceDefinition is established")


@pytest.fixture(scope="session")
def kube(api_server: ApiServer, crd: Object) -> Kube:
    """Connect as the administrator, with the resource served."""
    kube = Kube.as_admin(api_server.kubeconfig)
    eventually(lambda: kube.get("/apis/trading-operator.io/v1alpha1").get("resources"), "the resource is served")
    # Its explanation follows a moment later.
    group = "apis/trading-operator.io/v1alpha1"
    eventually(lambda: group in kube.get("/openapi/v3")["paths"], "the resource is explained")
    return kube


@pytest.fixture
def namespace(kube: Kube) -> str:
    """Make a namespace of the test's own; it goes with the server."""
    name = f"test-{next(_numbers)}"
    kube.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture
def create(kube: Kube, namespace: str) -> Callable[[Manifest], Object]:
    """Create a TradingDeployment in the test's namespace."""
    return lambda manifest: kube.create(deployments_path(namespace), manifest)


@pytest.fixture(scope="session")
def tools() -> Path:
    """Return the folder that holds kubectl and helm."""
    return programs.kubectl_folder()


@pytest.fixture
def kubectl(api_server: ApiServer, kube: Kube, namespace: str, tools: Path) -> Callable[..., str]:
    """Run kubectl in the test's namespace and return what it prints."""

    def run(*arguments: str) -> str:
        connection = ("--kubeconfig", str(api_server.kubeconfig), "--namespace", namespace)
        return _output(str(tools / "kubectl"), *connection, *arguments)

    return run


@pytest.fixture
def helm(tools: Path) -> Callable[..., str]:
    """Run helm and return what it prints."""
    return lambda *arguments: _output(str(tools / "helm"), *arguments)


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(autouse=True)
def _no_state_of_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep helm and kubectl away from the caches of the person who runs the tests."""
    for variable in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "KUBECACHEDIR"):
        monkeypatch.setenv(variable, str(tmp_path))
