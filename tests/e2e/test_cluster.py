"""The local cluster itself: what the other end-to-end tests take for granted."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import images
from tests.cluster.cluster import Cluster
from tests.cluster.fixtures import Kubectl
from tests.cluster.gcs import Gcs
from tests.cluster.kind import wait_for_nodes
from tests.cluster.servers import POSTGRES, REDIS, of_cluster
from tests.waiting import eventually

DOCKERFILE = """\
FROM python:3.13-slim-trixie
COPY probe.py /probe.py
USER 10001:10001
CMD ["python", "/probe.py"]
"""
PROBE = """\
import json, os, pathlib, socket, ssl, sys, time, urllib.request

account = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
address = socket.gethostbyname("kubernetes.default.svc.cluster.local")
context = ssl.create_default_context(cafile=account / "ca.crt")
request = urllib.request.Request(
    f"https://{address}/api/v1/namespaces/{(account / 'namespace').read_text()}",
    headers={"Authorization": "Bearer " + (account / "token").read_text()},
)
try:
    status = urllib.request.urlopen(request, context=context, timeout=10).status
except urllib.error.HTTPError as error:
    status = error.code
began = time.monotonic()
try:
    socket.gethostbyname("nowhere.invalid")
except OSError:
    pass
unknown = time.monotonic() - began
print(json.dumps({"api": address, "status": status, "user": os.getuid(), "unknown": unknown}), flush=True)
time.sleep(600)
"""
PROBE_IMAGE = "localhost/cluster-probe:dev"


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return cluster.kubectl


@pytest.fixture(scope="module")
def probe(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("probe")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "probe.py").write_text(PROBE)
    cluster.images((images.Source(PROBE_IMAGE, folder / "Dockerfile", folder), images.GCSFUSE))
    return PROBE_IMAGE


def pod(name: str, image: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": image, "imagePullPolicy": "Never", **spec.pop("container", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container], **spec},
    }


def apply(kubectl: Kubectl, namespace: str, manifest: dict[str, Any]) -> None:
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))


def ready(kubectl: Kubectl, namespace: str, name: str) -> None:
    kubectl("wait", "-n", namespace, f"pod/{name}", "--for=condition=Ready", "--timeout=60s")


def test_two_nodes_are_ready(cluster: Cluster, kubectl: Kubectl) -> None:
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    states = {
        node["metadata"]["name"]: condition["status"]
        for node in nodes
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready"
    }
    assert len(cluster.nodes) >= 2
    assert {states[name] for name in cluster.nodes} == {"True"}


@pytest.mark.parametrize("number", [0, 1])
def test_a_pod_reaches_the_api_by_name_and_service_address(
    cluster: Cluster, kubectl: Kubectl, namespace: str, probe: str, number: int
) -> None:
    kubectl(
        "create", "rolebinding", "view", "--clusterrole=view", f"--serviceaccount={namespace}:default", "-n", namespace
    )
    apply(kubectl, namespace, pod("probe", probe, nodeName=cluster.nodes[number]))
    ready(kubectl, namespace, "probe")
    eventually(lambda: "status" in kubectl("logs", "probe", "-n", namespace), "the probe reports", within=20, every=0.2)
    told = json.loads(kubectl("logs", "probe", "-n", namespace))
    service = kubectl("get", "service", "kubernetes", "-n", "default", "-o", "jsonpath={.spec.clusterIP}")
    assert (told["api"], told["status"], told["user"]) == (service, 200, 10001)
    # Names outside the cluster fail at once instead of waiting for a server that nobody answers for.
    assert told["unknown"] < 3
    assert kubectl("exec", "probe", "-n", namespace, "--", "python", "-c", "print(6 * 7)").strip() == "42"


def test_pods_of_both_nodes_reach_each_other_through_a_service(
    cluster: Cluster, kubectl: Kubectl, namespace: str, probe: str
) -> None:
    serve = {"command": ["python", "-m", "http.server", "8000", "--directory", "/etc"]}
    server = pod("server", probe, nodeName=cluster.nodes[0], container=serve)
    server["metadata"]["labels"] = {"app": "server"}
    apply(kubectl, namespace, server)
    kubectl("expose", "pod", "server", "--port=80", "--target-port=8000", "-n", namespace)
    sleep = {"command": ["python", "-c", "import time; time.sleep(600)"]}
    for index, node in enumerate(cluster.nodes[:2]):
        apply(kubectl, namespace, pod(f"client-{index}", probe, nodeName=node, container=sleep))
    fetch = "import urllib.request; print(urllib.request.urlopen('http://server/hostname', timeout=5).status)"
    ready(kubectl, namespace, "server")
    for index in range(2):
        ready(kubectl, namespace, f"client-{index}")
        eventually(
            lambda name=f"client-{index}": (
                kubectl(  # type: ignore[misc]
                    "exec",
                    name,
                    "-n",
                    namespace,
                    "--",
                    "python",
                    "-c",
                    f"try:\n  {fetch}\nexcept OSError as e:\n  print(e)",
                ).strip()
                == "200"
            ),
            f"client-{index} gets an answer",
            within=20,
            every=0.5,
        )


def test_an_unknown_image_fails_at_once(kubectl: Kubectl, namespace: str) -> None:
    manifest = pod("nowhere", "nowhere.invalid/image:1", container={"imagePullPolicy": "IfNotPresent"})
    apply(kubectl, namespace, manifest)
    path = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    eventually(
        lambda: kubectl("get", "pod", "nowhere", "-n", namespace, "-o", path) in {"ErrImagePull", "ImagePullBackOff"},
        "the pull is refused",
        within=10,
        every=0.2,
    )


def test_gcsfuse_shows_a_bucket_to_a_pod_without_rights(
    cluster: Cluster, kubectl: Kubectl, namespace: str, probe: str, tmp_path: Path
) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "ticks.csv").write_text("1,2,3\n")
    gcs = Gcs.of(cluster)
    gcs.upload_folder(namespace, tmp_path, "data")
    mount = ["--custom-endpoint", gcs.endpoint, "--anonymous-access", "--implicit-dirs", "--enable-hns=false"]
    sidecar = {
        "name": "gcsfuse",
        "image": images.GCSFUSE.name,
        "imagePullPolicy": "Never",
        "restartPolicy": "Always",
        "args": ["--foreground", *mount, "-o", "ro", "-o", "allow_other", namespace, "/bucket"],
        "securityContext": {"privileged": True},
        "startupProbe": {
            "exec": {"command": ["mountpoint", "-q", "/bucket"]},
            "periodSeconds": 1,
            "failureThreshold": 30,
        },
        "lifecycle": {"preStop": {"exec": {"command": ["umount", "/bucket"]}}},
        "volumeMounts": [{"name": "bucket", "mountPath": "/bucket", "mountPropagation": "Bidirectional"}],
    }
    main = {
        "command": ["sh", "-c", "id -u; cat /bucket/data/day/ticks.csv; touch /bucket/x 2>&1 || true"],
        "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False},
        "volumeMounts": [{"name": "bucket", "mountPath": "/bucket", "mountPropagation": "HostToContainer"}],
    }
    manifest = pod("reader", probe, container=main, restartPolicy="Never")
    manifest["spec"] |= {"initContainers": [sidecar], "volumes": [{"name": "bucket", "emptyDir": {}}]}
    try:
        apply(kubectl, namespace, manifest)
        kubectl("wait", "-n", namespace, "pod/reader", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
        user, content, *refusal = kubectl("logs", "reader", "-c", "main", "-n", namespace).splitlines()
        assert (user, content) == ("10001", "1,2,3")
        assert "Read-only file system" in " ".join(refusal)
    finally:
        gcs.delete_bucket(namespace)


def test_waiting_for_nodes_needs_no_kubectl_of_the_machine(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    wait_for_nodes(cluster.kubeconfig)


def test_pods_reach_the_servers_on_the_machine(cluster: Cluster, kubectl: Kubectl, namespace: str, probe: str) -> None:
    servers = {kind.name: of_cluster(kind, cluster) for kind in (REDIS, POSTGRES)}
    lines = [f"socket.create_connection(('{at.host}', {at.port}), 5)" for at in servers.values()]
    command = ["python", "-c", f"import socket; {'; '.join(lines)}"]
    apply(kubectl, namespace, pod("caller", probe, restartPolicy="Never", container={"command": command}))
    kubectl("wait", "-n", namespace, "pod/caller", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=30s")


def test_a_partition_makes_the_node_not_ready_and_its_pods_run_on(
    cluster: Cluster, kubectl: Kubectl, namespace: str, probe: str
) -> None:
    node = cluster.nodes[1]
    tick = "import time, itertools\nfor n in itertools.count():\n  print(n, flush=True)\n  time.sleep(0.2)"
    apply(kubectl, namespace, pod("worker", probe, nodeName=node, container={"command": ["python", "-c", tick]}))
    ready(kubectl, namespace, "worker")
    path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    cluster.partition(node)
    try:
        eventually(
            lambda: kubectl("get", "node", node, "-o", path) == "Unknown", f"{node} given up", within=60, every=1
        )
    finally:
        cluster.heal(node)
    eventually(lambda: kubectl("get", "node", node, "-o", path) == "True", f"{node} back", within=60, every=0.5)
    restarts = "jsonpath={.status.containerStatuses[0].restartCount}"
    assert kubectl("get", "pod", "worker", "-n", namespace, "-o", restarts) == "0"
    numbers = [int(word) for word in kubectl("logs", "worker", "-n", namespace).split()]
    # Had it stood still with its kubelet, it would have counted no further than before the partition.
    assert len(numbers) > 15 / 0.2
    assert numbers == list(range(len(numbers)))
