"""Operator processes in the simulation: the real reconciler and event glue over a client that can be made to fail."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from tests.sim.promises import BrokenPromiseError
from tests.sim.store import Store
from trading_operator.desired.claim import goes_with_its_deployment
from trading_operator.handlers import on_event
from trading_operator.kube import errors
from trading_operator.kube.json_patch import Operation, json_patch
from trading_operator.objects import (
    PERSISTENT_VOLUME_CLAIM,
    TRADING_DEPLOYMENT,
    DeploymentKey,
    Kind,
    Manifest,
    ObjectRef,
    annotations_of,
    kind_of,
    labels_of,
    owner_uid_of,
    ref_of,
    resource_version_of,
    uid_of,
)
from trading_operator.reconcile import Reconciler, RefusedByClusterError
from trading_operator.settings import RenderSettings


class Killed(BaseException):
    """The process ended between two requests; nothing of it runs any more."""


@dataclass
class Faults:
    """What may happen to one process's requests. Counters count down per request; None: never."""

    kill_after: int | None = None
    pause_after: int | None = None
    pause_before: str = ""
    """A request to be suspended before, such as ``create StatefulSet``."""
    kill_before: str = ""
    flaky: float = 0.0
    """Share of requests that get no answer; half of the writes among them are done all the same."""


@dataclass
class SimClient:
    """The operator's Client over the store."""

    store: Store
    random: Random
    faults: Faults = field(default_factory=Faults)
    alive: bool = True
    paused: "asyncio.Future[None] | None" = None
    writes: list[str] = field(default_factory=list)

    async def _request[Answer](self, what: str, do: Callable[[], Answer], *, write: bool = True) -> Answer:
        await self._pass(what)
        if self.faults.flaky and self.random.random() < self.faults.flaky:
            if write and self.random.random() < 0.5:
                do()
            raise errors.UnavailableError(f"{what}: no answer")
        if write:
            self.writes.append(what)
        return do()

    async def _pass(self, what: str) -> None:
        """Let a request through, unless the process is dead, is to die here, or is to be suspended here."""
        faults = self.faults
        if faults.kill_after is not None:
            faults.kill_after -= 1
        if (faults.kill_after or 0) < 0 or faults.kill_before == what:
            self.alive = False
        if faults.pause_after is not None:
            faults.pause_after -= 1
        here = (faults.pause_after or 0) < 0 or faults.pause_before == what
        if here and self.paused is None:
            self.paused = asyncio.get_running_loop().create_future()
        if self.paused is not None and not self.paused.done():
            await asyncio.shield(self.paused)
        if not self.alive:
            raise Killed

    async def get(self, ref: ObjectRef) -> Manifest | None:
        return await self._request(f"get {ref}", lambda: self.store.get(ref), write=False)

    async def list(
        self,
        kind: Kind,
        namespace: str,
        *,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[Manifest]:
        del fields

        def found() -> list[Manifest]:
            return [one for one in self.store.of_kind(kind, labels) if one["metadata"]["namespace"] == namespace]

        return await self._request(f"list {kind}", found, write=False)

    async def create(self, manifest: Manifest) -> Manifest:
        return await self._request(f"create {kind_of(manifest)}", lambda: self.store.create(manifest))

    async def apply(self, manifest: Manifest) -> Manifest:
        return await self._request(f"apply {kind_of(manifest)}", lambda: self.store.apply(manifest))

    async def replace(self, manifest: Manifest) -> Manifest:
        _locked(uid_of(manifest), resource_version_of(manifest))
        return await self._request(f"replace {kind_of(manifest)}", lambda: self.store.update(manifest))

    async def decide(self, live: Manifest, wanted: Manifest) -> Manifest:
        operations = json_patch(live, wanted)
        _decided(operations)
        return await self._request(f"decide {kind_of(live)}", lambda: self.store.patch(ref_of(live), operations))

    async def set_finalizers(self, manifest: Manifest, finalizers: Sequence[str]) -> Manifest:
        def do() -> Manifest:
            metadata = manifest["metadata"] | {"finalizers": list(finalizers)}
            return self.store.update(manifest | {"metadata": metadata})

        _locked(uid_of(manifest), resource_version_of(manifest))
        return await self._request("finalizers", do)

    async def annotate(self, manifest: Manifest, annotations: Mapping[str, str]) -> Manifest:
        def do() -> Manifest:
            metadata = manifest["metadata"] | {"annotations": {**annotations_of(manifest), **annotations}}
            return self.store.update(manifest | {"metadata": metadata})

        _locked(uid_of(manifest), resource_version_of(manifest))
        return await self._request(f"annotate {kind_of(manifest)}", do)

    async def delete(self, ref: ObjectRef, uid: str, resource_version: str) -> None:
        def do() -> None:
            live = self.store.get(ref)
            try:
                self.store.delete(ref, uid, resource_version)
            except errors.NotFoundError:
                return
            if ref.kind is PERSISTENT_VOLUME_CLAIM and live is not None and self._is_to_be_kept(live):
                raise BrokenPromiseError(f"{ref} is deleted, though its books are to be kept")

        _locked(uid, resource_version)
        await self._request(f"delete {ref.kind}", do)

    def _is_to_be_kept(self, claim: Manifest) -> bool:
        """By its mark, or by the last word of its deployment."""
        owners = (one for one in self.store.of_kind(TRADING_DEPLOYMENT) if uid_of(one) == owner_uid_of(claim))
        says = [one["spec"]["state"]["whenDeleted"] for one in owners if "state" in one["spec"]]
        return not goes_with_its_deployment(claim) or says == ["Retain"]

    async def apply_status(self, manifest: Manifest) -> Manifest:
        _locked(uid_of(manifest), resource_version_of(manifest))
        return await self._request("status", lambda: self.store.apply_status(manifest))


def _locked(uid: str, resource_version: str) -> None:
    """A write that decides is made on what it was decided on, or not at all."""
    if not uid or not resource_version:
        raise BrokenPromiseError("a write carries no uid or no resourceVersion")


def _decided(operations: Sequence[Operation]) -> None:
    """A decision is checked against what it was made on before it changes anything."""
    tested = [one["path"] for one in operations if one["op"] == "test" and one["value"] != ""]
    if tested != ["/metadata/uid", "/metadata/generation", "/metadata/annotations"]:
        raise BrokenPromiseError(f"a decision is locked to {tested}")


@dataclass
class SimOperator:
    """One process: its own memory, its own backlog of events, its own due work."""

    name: str
    store: Store
    random: Random
    settings: RenderSettings = field(default_factory=RenderSettings)
    backlog: list[tuple[str, Manifest]] = field(default_factory=list)
    due: dict[DeploymentKey, datetime] = field(default_factory=dict)
    resync: set[DeploymentKey] = field(default_factory=set)
    """What is due only because time has passed."""
    task: "asyncio.Task[None] | None" = None
    client: SimClient = field(init=False)
    reconciler: Reconciler = field(init=False)

    def __post_init__(self) -> None:
        self.client = SimClient(self.store, self.random)
        self.reconciler = Reconciler(self.client, self.settings, instance=self.name, now=lambda: self.store.clock.now)
        self.store.watchers.append(self._hear)
        for manifest in list(self.store.objects.values()):
            self._hear("ADDED", None, manifest)

    def _hear(self, event: str, before: Manifest | None, after: Manifest) -> None:
        del before
        ours = after["kind"] == "TradingDeployment" or "trading-operator.io/deployment" in labels_of(after)
        if self.client.alive and ours:
            self.backlog.append((event, after))

    @property
    def free(self) -> bool:
        return self.client.alive and (self.task is None or self.task.done())

    def take_events(self) -> None:
        """Let the informer catch up."""
        for event, manifest in self.backlog:
            on_event(kind_of(manifest), event, manifest, self.reconciler.memory, self._enqueue)
        self.backlog.clear()

    def _enqueue(self, key: DeploymentKey) -> None:
        self.due[key] = self.store.clock.now
        self.resync.discard(key)

    def ready(self) -> list[DeploymentKey]:
        return [key for key, at in self.due.items() if at <= self.store.clock.now]

    def wake_at(self) -> datetime | None:
        """When there is something to do; None: all that is to come is the resync."""
        return min((at for key, at in self.due.items() if key not in self.resync), default=None)

    async def work(self, key: DeploymentKey) -> None:
        """Reconcile one key until it is done, dead or suspended."""
        self.task = asyncio.ensure_future(self._reconcile(key))
        await self.settle()

    async def settle(self) -> None:
        while self.task is not None and not self.task.done():
            if self.client.paused is not None and not self.client.paused.done():
                return
            await asyncio.sleep(0)
        if self.task is not None and not self.task.cancelled():
            self.task.result()

    async def resume(self) -> None:
        """Wake a suspended process: it goes on where it was, whatever has happened since."""
        if self.client.paused is not None and not self.client.paused.done():
            self.client.faults.pause_after = None
            self.client.paused.set_result(None)
            await self.settle()

    async def _reconcile(self, key: DeploymentKey) -> None:
        del self.due[key]
        self.resync.discard(key)
        try:
            again = await self.reconciler.reconcile(key)
        except Killed:
            return
        except (errors.ApiError, RefusedByClusterError):
            self._come_again(key, 1)
            return
        if again.after is not None:
            self._come_again(key, again.after)
        elif not again.forget and key not in self.due:
            self._come_again(key, 600)
            self.resync.add(key)

    def _come_again(self, key: DeploymentKey, seconds: float) -> None:
        at = self.store.clock.now + timedelta(seconds=seconds)
        self.due[key] = min(at, self.due.get(key, at))

    def close(self) -> None:
        """Forget the process without a trace in the event loop."""
        self.client.alive = False
        self.store.watchers.remove(self._hear)
        if self.client.paused is not None and not self.client.paused.done():
            self.client.paused.set_result(None)
