"""One operator for the whole session, installed by Helm; catalogs in a bucket; a namespace a test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.fixtures import cluster, namespace, pytest_runtest_makereport
from tests.cluster.gcs import Gcs
from tests.e2e.deployments import BUCKET, LONG_PREFIX, SHORT_PREFIX, Deployment
from tests.e2e.kubectl import Kubectl, Object
from tests.e2e.operator_install import OperatorInstall
from trading_node.catalog.generator import generate_catalog

__all__ = ["cluster", "namespace", "pytest_runtest_makereport"]

LONG_MINUTES = 180
SHORT_MINUTES = 2


@pytest.fixture(scope="session")
def catalogs(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Gcs:
    """Return the emulator with one catalog that outlasts any test and one that is over at once."""
    gcs = Gcs.of(cluster)
    root: Path = tmp_path_factory.mktemp("catalogs")
    for prefix, minutes in ((LONG_PREFIX, LONG_MINUTES), (SHORT_PREFIX, SHORT_MINUTES)):
        generate_catalog(root / prefix, seed=7, minutes=minutes, instrument_id="BTCUSDT.BINANCE")
        gcs.upload_folder(BUCKET, root / prefix, prefix)
    return gcs


@pytest.fixture(scope="session")
def operator(cluster: Cluster, catalogs: Gcs) -> OperatorInstall:
    """Install the operator from this checkout's images; it stays for the next session on the same cluster."""
    cluster.images()
    install = OperatorInstall(cluster.environment, catalogs.endpoint)
    install.install()
    return install


@pytest.fixture
def kubectl(cluster: Cluster, namespace: str) -> Kubectl:
    """Return a kubectl for the test's namespace."""
    return Kubectl(cluster.environment, namespace)


@pytest.fixture
def apply(kubectl: Kubectl, operator: OperatorInstall) -> Iterator[Callable[[Object], Deployment]]:
    """Apply a manifest of a TradingDeployment; all are deleted in order before the namespace goes."""

    def apply_manifest(manifest: Object) -> Deployment:
        kubectl.apply(manifest)
        return Deployment(kubectl, manifest["metadata"]["name"])

    yield apply_manifest
    if kubectl.get("namespace", kubectl.namespace) is not None:
        kubectl.run("delete", "td", "--all", "--timeout=90s", timeout=100)
