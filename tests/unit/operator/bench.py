"""A reconciler at a small API server, and a deployment to reconcile."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.sim.operators import SimClient
from tests.sim.store import Clock, Store
from tests.sim.world import NAMESPACE, manifest
from trading_operator.desired.names import base_name
from trading_operator.handlers import on_event
from trading_operator.kube import errors
from trading_operator.memory import Memory
from trading_operator.objects import (
    CORE_EVENT,
    EVENT,
    POD,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    DeploymentKey,
    Manifest,
    ObjectRef,
    kind_of,
)
from trading_operator.reconcile import POD_TELLS_WITHIN, Reconciler
from trading_operator.settings import RenderSettings

KEY = DeploymentKey(NAMESPACE, "alpha")


class Client(SimClient):
    """Refuses what it is told to, and knows Events of StatefulSets."""

    refuse: dict[str, errors.ApiError]
    events: list[Manifest]
    reads: list[str]
    before: Callable[[str], None]
    """Lets something happen right before a request."""

    async def _request(self, what: str, do: Any, *, write: bool = True) -> Any:
        self.before(what)
        if not write:
            self.reads.append(what)
        if what in self.refuse:
            raise self.refuse[what]
        return await super()._request(what, do, write=write)

    async def list(self, kind: Any, namespace: str, *, labels: Any = None, fields: Any = None) -> Sequence[Manifest]:
        if kind is CORE_EVENT:
            return [event for event in self.events if event["reason"] == fields["reason"]]
        return await super().list(kind, namespace, labels=labels, fields=fields)


class Bench:
    """A deployment, a client and a reconciler."""

    def __init__(self) -> None:
        self.store = Store(Clock())
        self.client = Client(self.store, Random(1))
        self.client.refuse, self.client.events = {}, []
        self.client.reads, self.client.before = [], lambda _: None
        self.reconciler = Reconciler(self.client, RenderSettings(), now=lambda: self.store.clock.now)
        self.store.create(manifest("alpha"))

    async def run(self) -> Any:
        return await self.reconciler.reconcile(KEY)

    async def until_forgotten(self) -> None:
        """Run until a deletion is through; the StatefulSet's controller hears of each change meanwhile."""
        for _ in range(9):
            if live := self.store.get(self.ref(STATEFUL_SET)):
                observed = {"observedGeneration": live["metadata"]["generation"], "replicas": 0}
                self.store.update(live | {"status": observed})
            if (await self.run()).forget:
                return

    async def settle(self) -> Any:
        """Run, and once more where a node was started: its status is written in the next turn."""
        again = await self.run()
        return await self.run() if again.after == POD_TELLS_WITHIN else again

    @property
    def deployment(self) -> Manifest:
        return self.store.objects[ObjectRef(TRADING_DEPLOYMENT, NAMESPACE, "alpha")]

    def condition(self, kind: str) -> tuple[str, str, str]:
        found = next(one for one in self.deployment["status"]["conditions"] if one["type"] == kind)
        return found["status"], found["reason"], found["message"]

    def events(self) -> list[str]:
        return [one["reason"] for ref, one in self.store.objects.items() if ref.kind is EVENT]

    def ref(self, kind: Any) -> ObjectRef:
        return ObjectRef(kind, NAMESPACE, base_name("alpha") + ("-0" if kind is POD else ""))


def heard(memory: Memory, one: Manifest, event: str = "MODIFIED") -> list[DeploymentKey]:
    keys: list[DeploymentKey] = []
    on_event(kind_of(one), event, one, memory, keys.append)
    return keys
