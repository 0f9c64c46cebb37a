"""Pytest fixtures and the hook that they need; a suite's conftest.py imports the ones that it uses.

`from tests.cluster.fixtures import cluster, kubectl, namespace, pytest_runtest_makereport`
"""

import re
import secrets
from collections.abc import Generator, Iterator
from typing import Protocol

import pytest

from tests.cluster import cluster as cluster_
from tests.cluster.api_server import ApiServer
from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.report import report

_FAILED = pytest.StashKey[bool]()
_DELETION_SECONDS = 90


class Kubectl(Protocol):
    """kubectl as a function: the words after `kubectl`, the output as the result."""

    def __call__(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run it; raise `ClusterError` with its message when it fails."""


@pytest.fixture(scope="session")
def api_server() -> Iterator[ApiServer]:
    """Return a real API server of this session's own, without nodes and controllers."""
    with ApiServer() as server:
        yield server


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return the machine's cluster: the one that runs, or one that this session starts and stops."""
    running = cluster_.running()
    try:
        found = running or cluster_.up(2)
        yield found
        _wait_deleted(found)
    finally:
        if running is None:
            cluster_.down()


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    """Return kubectl for the cluster's administrator."""
    return cluster.kubectl


def namespace_name(test: str, suffix: str) -> str:
    """Return a namespace's name that tells which test it belongs to, within 40 characters."""
    readable = re.sub(r"[^a-z0-9]+", "-", test.lower().removeprefix("test_")).strip("-")
    return f"t-{readable[:30].strip('-')}-{suffix}"


@pytest.fixture
def namespace(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[str]:
    """Return a namespace of the test's own; after a failure what happened there is printed."""
    name = namespace_name(request.node.name, secrets.token_hex(3))
    cluster.kubectl("create", "namespace", name)
    # A pod that comes before its namespace's service account is refused.
    cluster.kubectl("wait", "serviceaccount/default", "-n", name, "--for=create", "--timeout=30s")
    try:
        yield name
        if request.node.stash.get(_FAILED, False):
            print(report(cluster, name))
    finally:
        # Its end takes some 6 s, which no other test has to wait for; the session waits for all of them.
        # A test may have deleted it already.
        cluster.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")
        _deleted.append(name)


_deleted: list[str] = []


def _wait_deleted(cluster: Cluster) -> None:
    names, _deleted[:] = list(_deleted), []
    if not names:
        return
    try:
        limit = f"--timeout={_DELETION_SECONDS}s"
        wanted = [f"namespace/{name}" for name in names]
        cluster.kubectl("wait", "--for=delete", limit, *wanted, timeout=_DELETION_SECONDS + 30)
    except ClusterError as error:
        left = cluster.kubectl("get", "namespace", *names, "--ignore-not-found", "-o", "name").split()
        told = "\n".join(report(cluster, name.partition("/")[2]) for name in left)
        raise ClusterError(f"namespaces do not go: {', '.join(left)}\n{told}") from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note a failure on the test, for fixtures that tell more after one."""
    outcome = yield
    if outcome.failed:
        item.stash[_FAILED] = True
    return outcome
