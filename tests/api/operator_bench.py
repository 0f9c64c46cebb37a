"""The operator's own program against a real API server, with the tests in the controllers' part."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import load_kube_config

from tests.api.kube import Kube
from tests.api.manifests import ROOT, good_manifest
from tests.cluster.api_server import ApiServer
from trading_api import wiring
from trading_operator.desired.names import base_name, claim_name, pod_name
from trading_operator.desired.stateful_set import replicas_of
from trading_operator.kube import errors
from trading_operator.kube.api_server import ApiServer as Client
from trading_operator.objects import (
    CHILD_KINDS,
    LEASE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    Kind,
    Manifest,
    ObjectRef,
    uid_of,
)

NAME = "btc-mm"
OPERATOR = "trading-operator"
CHART = str(ROOT / "charts" / OPERATOR)
type Helm = Callable[..., str]


class Bench:
    """What a test does at the API server while the operator runs."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace

    def ref(self, kind: Kind, name: str = "") -> ObjectRef:
        return ObjectRef(kind, self.namespace, name or base_name(NAME))

    async def create(self, **spec: Any) -> Manifest:
        manifest = good_manifest(NAME)
        manifest["metadata"]["namespace"] = self.namespace
        return await self.client.create(manifest | {"spec": manifest["spec"] | {"rollout": {}} | spec})

    async def deployment(self) -> Manifest:
        found = await self.client.get(self.ref(TRADING_DEPLOYMENT, NAME))
        assert found is not None, "the deployment is gone"
        return found

    async def change(self, metadata: Manifest | None = None, **spec: Any) -> None:
        """Change the deployment as a user does, over whatever the operator writes meanwhile."""
        while True:
            found = await self.deployment()
            changed = found | {"metadata": found["metadata"] | (metadata or {}), "spec": found["spec"] | spec}
            try:
                await self.client.replace(changed)
            except errors.ConflictError:
                continue
            return

    async def delete(self, kind: Kind, name: str = "") -> None:
        """Delete an object as a user does, over whatever the operator writes meanwhile."""
        while live := await self.client.get(self.ref(kind, name)):
            try:
                await self.client.delete(self.ref(kind, name), uid_of(live), live["metadata"]["resourceVersion"])
            except errors.ConflictError:
                continue
            return

    async def until[Answer](self, probe: Callable[[], Awaitable[Answer | None]], what: str) -> Answer:
        """Ask until there is an answer, at most 20 s."""
        deadline = asyncio.get_running_loop().time() + 20
        while not (answer := await probe()):
            assert asyncio.get_running_loop().time() < deadline, f"not in time: {what}"
            await asyncio.sleep(0.05)
        return answer

    async def until_phase(self, phase: str) -> Manifest:
        async def probe() -> Manifest | None:
            found = await self.deployment()
            status = found.get("status") or {}
            current = status.get("observedGeneration") == found["metadata"]["generation"]
            return found if current and status.get("phase") == phase else None

        return await self.until(probe, f"phase {phase}")

    async def until_there(self, ref: ObjectRef, fits: Callable[[Manifest], bool] = lambda _: True) -> Manifest:
        async def probe() -> Manifest | None:
            found = await self.client.get(ref)
            return found if found is not None and fits(found) else None

        return await self.until(probe, f"{ref} is there")

    async def until_gone(self, ref: ObjectRef) -> None:
        async def probe() -> bool:
            return await self.client.get(ref) is None

        await self.until(probe, f"{ref} is gone")

    async def left(self) -> list[str]:
        labels = {wiring.LABEL_DEPLOYMENT: NAME}
        found = [await self.client.list(kind, self.namespace, labels=labels) for kind in CHILD_KINDS]
        return [f"{one['kind']} {one['metadata']['name']}" for many in found for one in many]

    # The parts of the controllers

    async def make_pod(self) -> Manifest:
        """Make the pod of the StatefulSet's template, as its controller does."""
        stateful_set = await self.until_there(self.ref(STATEFUL_SET), lambda one: replicas_of(one) == 1)
        template = stateful_set["spec"]["template"]
        metadata = {"name": pod_name(NAME), "namespace": self.namespace, "labels": template["metadata"]["labels"]}
        spec = template["spec"] | {"nodeName": "nowhere"}
        return await self.client.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    async def end_pod(self) -> None:
        """Confirm the pod's end, as a kubelet does."""
        await self.until_there(
            self.ref(POD, pod_name(NAME)), lambda one: bool(one["metadata"].get("deletionTimestamp"))
        )
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod_name(NAME)}"
        await self.client._send("DELETE", path, {"gracePeriodSeconds": "0"}, None, "application/json")

    async def settle(self) -> None:
        """Say that the StatefulSet's controller has heard of its last change, and runs nothing."""
        live = await self.until_there(self.ref(STATEFUL_SET), lambda one: replicas_of(one) == 0)
        generation = live["metadata"]["generation"]
        path = f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets/{base_name(NAME)}/status"
        patch = {"status": {"observedGeneration": generation, "replicas": 0}}
        await self.client._send("PATCH", path, {}, patch, "application/merge-patch+json")

    @property
    def claim(self) -> ObjectRef:
        """The claim of the state volume."""
        return self.ref(PERSISTENT_VOLUME_CLAIM, claim_name(NAME))

    async def release_claim(self) -> None:
        """Let a claim go whose deletion was asked for, as the controller does that protects claims in use."""
        live = await self.until_there(self.claim, lambda one: bool(one["metadata"].get("deletionTimestamp")))
        await self.client.set_finalizers(live, [])

    async def report(self, pod: Manifest, state: str, **fields: Any) -> None:
        """Report as the node of a pod does."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        node = {
            "podName": pod_name(NAME),
            "podUid": uid_of(pod),
            "revision": "r",
            "state": state,
            "reconciled": state == "Trading",
            "startedAt": now,
            "updatedAt": now,
        } | fields
        body = {
            "apiVersion": TRADING_DEPLOYMENT.api_version,
            "kind": TRADING_DEPLOYMENT.name,
            "metadata": {"name": NAME, "namespace": self.namespace},
            "status": {"node": node},
        }
        path = TRADING_DEPLOYMENT.path(self.namespace, NAME) + "/status"
        query = {"fieldManager": "trading-node", "force": "true"}
        status, answer = await self.client._send("PATCH", path, query, body, "application/apply-patch+yaml")
        assert status == 200, answer


@pytest.fixture
async def bench(api_server: ApiServer, kube: Kube, namespace: str) -> AsyncIterator[Bench]:
    configuration = Configuration()
    configuration.client_session_kwargs = {"trust_env": False}
    await load_kube_config(str(api_server.kubeconfig), client_configuration=configuration)
    connection = ApiClient(configuration)
    yield Bench(Client(connection), namespace)
    await connection.close()


@pytest.fixture
def operator_kubeconfig(api_server: ApiServer, kube: Kube, helm: Helm, namespace: str, tmp_path: Path) -> Path:
    """Give the operator the rights that its chart gives it, and none besides; return its kubeconfig."""
    release, values = f"{OPERATOR}-{namespace}", f"watchNamespaces={{{namespace}}}"
    rendered = helm("template", release, CHART, "--namespace", namespace, "--set", values)
    for manifest in yaml.safe_load_all(rendered):
        if manifest["kind"] == "ServiceAccount" or manifest["apiVersion"].startswith("rbac."):
            _create(kube, manifest)
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/{release}"
    token = kube.request("POST", f"{account}/token", {"spec": {}})["status"]["token"]
    kubeconfig = yaml.safe_load(api_server.kubeconfig.read_text(encoding="utf-8"))
    kubeconfig["users"][0]["user"] = {"token": token}
    path = tmp_path / "operator.kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
    return path


def _create(kube: Kube, manifest: Manifest) -> None:
    kind = manifest["kind"].lower() + "s"
    namespace = manifest["metadata"].get("namespace")
    prefix = "/api/v1" if manifest["apiVersion"] == "v1" else f"/apis/{manifest['apiVersion']}"
    kube.create(f"{prefix}/namespaces/{namespace}/{kind}" if namespace else f"{prefix}/{kind}", manifest)


@pytest.fixture
async def operator(
    operator_kubeconfig: Path, bench: Bench, tmp_path: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program itself, serving the test's namespace; it must end well, and in time."""
    log = tmp_path / "operator.log"
    environment = os.environ | {
        "KUBECONFIG": str(operator_kubeconfig),
        "TRADING_OPERATOR_LEASE_NAME": f"{OPERATOR}-{bench.namespace}",
        "TRADING_OPERATOR_WATCH_NAMESPACES": bench.namespace,
        "TRADING_OPERATOR_LEASE_NAMESPACE": bench.namespace,
        "TRADING_OPERATOR_METRICS_PORT": "0",
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "trading_operator.main", "run", env=environment, stdout=output, stderr=output
        )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            code = await asyncio.wait_for(process.wait(), 30)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    text = log.read_text(encoding="utf-8")
    assert code == 0, text
    assert '"level": "ERROR"' not in text, text
    lease = await bench.client.get(bench.ref(LEASE, f"{OPERATOR}-{bench.namespace}"))
    assert lease is not None
    assert not lease["spec"].get("holderIdentity"), "the lease was not given back"
