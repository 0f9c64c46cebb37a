"""The operator's own program and client against a real API server.

There are no controllers here: the tests play the StatefulSet's, the kubelet's and the node's part.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import load_kube_config

from tests.api.kube import Kube
from tests.api.manifests import good_manifest
from tests.cluster.api_server import ApiServer
from trading_api import wiring
from trading_operator.desired.names import ANNOTATION_APPROVE, FINALIZER, base_name, pod_name
from trading_operator.desired.stateful_set import replicas_of, revision_in
from trading_operator.kube import errors
from trading_operator.kube.api_server import ApiServer as Client
from trading_operator.objects import (
    CHILD_KINDS,
    CONFIG_MAP,
    EVENT,
    LEASE,
    POD,
    ROLE,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    Kind,
    Manifest,
    ObjectRef,
    finalizers_of,
    uid_of,
)

NAME = "btc-mm"


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

    async def report(self, pod: Manifest, state: str) -> None:
        """Report as the node of a pod does."""
        node = {
            "podName": pod_name(NAME),
            "podUid": uid_of(pod),
            "revision": "r",
            "state": state,
            "reconciled": state == "Trading",
            "startedAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z",
        }
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
async def operator(api_server: ApiServer, bench: Bench, tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program itself, serving the test's namespace; it must end well, and in time."""
    log = tmp_path / "operator.log"
    environment = os.environ | {
        "KUBECONFIG": str(api_server.kubeconfig),
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
    lease = await bench.client.get(bench.ref(LEASE, "trading-operator"))
    assert lease is not None
    assert not lease["spec"].get("holderIdentity"), "the lease was not given back"


async def test_from_apply_to_trading_through_a_change_to_deletion(bench: Bench, operator: Any) -> None:
    await bench.create()
    pod = await bench.make_pod()
    await bench.report(pod, "Starting")
    await bench.until_phase("Starting")
    await bench.report(pod, "Trading")
    trading = await bench.until_phase("Trading")
    assert FINALIZER in finalizers_of(trading)
    conditions = {one["type"]: one["status"] for one in trading["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    assert trading["status"]["node"]["state"] == "Trading", "the operator owns its own fields only"
    first = trading["status"]["revision"]["approved"]

    await bench.change(image="example/trading-node:2.0.0")
    await bench.end_pod()
    changed = await bench.until_there(bench.ref(STATEFUL_SET), lambda one: revision_in(one) != first)
    pod = await bench.make_pod()
    await bench.report(pod, "Trading")
    again = await bench.until_phase("Trading")
    assert again["status"]["revision"]["running"] == revision_in(changed)

    await bench.change(suspend=True)
    await bench.settle()
    await bench.delete(POD, pod_name(NAME))
    await bench.end_pod()
    await bench.until_phase("Suspended")

    await bench.delete(TRADING_DEPLOYMENT, NAME)
    await bench.settle()
    await bench.until_gone(bench.ref(TRADING_DEPLOYMENT, NAME))
    assert await bench.left() == []
    events = {one["reason"] for one in await bench.client.list(EVENT, bench.namespace)}
    assert {"Trading", "Suspended", "Stopping"} <= events


async def test_a_deletion_waits_for_the_pod_s_end(bench: Bench, operator: Any) -> None:
    await bench.create()
    await bench.make_pod()
    await bench.until_phase("Starting")
    await bench.delete(TRADING_DEPLOYMENT, NAME)
    await bench.settle()
    going = await bench.until_phase("Stopping")
    assert FINALIZER in finalizers_of(going)
    assert len(await bench.left()) > 5, "what a stopping node needs is there until it has stopped"
    await bench.delete(POD, pod_name(NAME))
    await bench.end_pod()
    await bench.until_gone(bench.ref(TRADING_DEPLOYMENT, NAME))
    assert await bench.left() == []


async def test_a_revision_waits_for_the_command_that_its_condition_shows(bench: Bench, operator: Any) -> None:
    await bench.create(rollout={"when": "OnApproval"})
    pod = await bench.make_pod()
    await bench.report(pod, "Trading")
    await bench.until_phase("Trading")
    await bench.change(image="example/trading-node:2.0.0")

    async def pending() -> str | None:
        revision = (await bench.deployment())["status"]["revision"]
        return str(revision["pending"]) if revision["pending"] else None

    waiting = await bench.until(pending, "a pending revision")
    stateful_set = await bench.until_there(bench.ref(STATEFUL_SET))
    assert revision_in(stateful_set) != waiting
    told = next(one for one in (await bench.deployment())["status"]["conditions"] if one["type"] == "UpdatePending")
    assert told["message"].endswith(f"{ANNOTATION_APPROVE}={waiting}")
    await bench.change(metadata={"annotations": {ANNOTATION_APPROVE: waiting}})
    await bench.until_there(bench.ref(STATEFUL_SET), lambda one: revision_in(one) == waiting)
    await bench.end_pod()


async def test_what_somebody_deletes_or_changes_is_restored(bench: Bench, operator: Any) -> None:
    await bench.create()
    await bench.until_phase("Pending")
    labels = {wiring.LABEL_DEPLOYMENT: NAME}
    (config_map,) = await bench.client.list(CONFIG_MAP, bench.namespace, labels=labels)
    for kind, name in ((ROLE, base_name(NAME)), (CONFIG_MAP, config_map["metadata"]["name"])):
        before = uid_of(await bench.until_there(bench.ref(kind, name)))
        await bench.delete(kind, name)
        await bench.until_there(bench.ref(kind, name), partial(_is_another, before))
    live = await bench.until_there(bench.ref(ROLE))
    await bench.client.replace(live | {"rules": []})
    await bench.until_there(bench.ref(ROLE), lambda one: bool(one.get("rules")))


def _is_another(uid: str, manifest: Manifest) -> bool:
    return uid_of(manifest) != uid


async def test_a_pod_that_the_server_refuses_is_told_in_its_words(bench: Bench, operator: Any) -> None:
    bad = {"spec": {"tolerations": [{"operator": "Sometimes"}]}}
    await bench.create(podTemplate=bad)

    async def refused() -> str | None:
        conditions = (await bench.deployment()).get("status", {}).get("conditions", ())
        return next((one["message"] for one in conditions if one["reason"] == "PodTemplateRefused"), None)

    assert "Sometimes" in await bench.until(refused, "a refusal")
    await bench.change(podTemplate={})
    await bench.until_there(bench.ref(STATEFUL_SET))
    assert await bench.until_phase("Pending")


# What the promises rest on of an API server


async def test_decisive_writes_are_locked_to_what_was_read(bench: Bench) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": bench.namespace}}
    first = await bench.client.create(manifest)
    second = await bench.client.replace(first | {"data": {"a": "b"}})
    other = second | {"metadata": second["metadata"] | {"uid": "00000000-0000-0000-0000-000000000000"}}
    with pytest.raises(errors.AlreadyExistsError):
        await bench.client.create(manifest)
    for stale in (first, other):
        with pytest.raises(errors.ConflictError):
            await bench.client.replace(stale | {"data": {"a": "c"}})
        with pytest.raises(errors.ConflictError):
            await bench.client.delete(bench.ref(CONFIG_MAP, "one"), uid_of(stale), stale["metadata"]["resourceVersion"])
    with pytest.raises(errors.ConflictError):
        await bench.client.set_finalizers(first, ["example.com/x"])
    await bench.client.delete(bench.ref(CONFIG_MAP, "one"), uid_of(second), second["metadata"]["resourceVersion"])
    with pytest.raises((errors.NotFoundError, errors.ConflictError)):
        await bench.client.replace(second)


async def test_a_status_is_locked_to_what_was_read(bench: Bench) -> None:
    first = await bench.create()
    body = {name: first[name] for name in ("apiVersion", "kind")}
    metadata = {name: first["metadata"][name] for name in ("name", "namespace", "uid", "resourceVersion")}
    second = await bench.client.apply_status(body | {"metadata": metadata, "status": {"phase": "Pending"}})
    assert second["status"]["phase"] == "Pending"
    with pytest.raises(errors.ConflictError):
        await bench.client.apply_status(body | {"metadata": metadata, "status": {"phase": "Trading"}})
