"""What must hold at every moment, whatever happens; each breach is told with what was done."""

from dataclasses import dataclass, field

from tests.sim.controllers import Machines, Process
from tests.sim.store import Store
from trading_api import wiring
from trading_operator.desired.names import ANNOTATION_APPROVE, FINALIZER
from trading_operator.objects import (
    CONTROLLER_REVISION,
    POD,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    Manifest,
    annotations_of,
    finalizers_of,
    generation_of,
    kind_of,
    labels_of,
    name_of,
    owner_uid_of,
    uid_of,
)


class BrokenPromiseError(AssertionError):
    """A promise was broken."""


@dataclass
class Wish:
    """What a deployment said about rollouts at one generation or annotation."""

    generation: int
    immediately: bool
    approve: str


@dataclass
class Promises:
    """Watches every change of the store and every start of a node."""

    store: Store
    machines: Machines
    wishes: dict[str, list[Wish]] = field(default_factory=dict)
    born: dict[tuple[str, str], int] = field(default_factory=dict)
    """(deployment uid, revision) to the generation that first asked for it."""
    allowed: set[tuple[str, str]] = field(default_factory=set)
    """What a template has held by right; the first one needs no approval, because it replaces nothing."""

    def __post_init__(self) -> None:
        self.store.watchers.append(self.watch)
        self.machines.on_start = self.started

    def watch(self, event: str, before: Manifest | None, after: Manifest) -> None:
        kind = kind_of(after)
        if kind is TRADING_DEPLOYMENT:
            self._note_wish(after)
            if event == "DELETED":
                self._nothing_runs(after)
        elif kind is CONTROLLER_REVISION and event == "ADDED":
            self.born.setdefault((owner_uid_of(after), labels_of(after)[wiring.LABEL_REVISION]), after["revision"])
        elif kind is STATEFUL_SET:
            self._stateful_set_is_right(event, before, after)

    def started(self, process: Process) -> None:
        """One process per deployment, on whatever machine, heard of or not; none without its deployment."""
        pod = self.store.objects[process.pod]
        if not any(uid_of(one) == owner_uid_of(pod) for one in self.store.of_kind(TRADING_DEPLOYMENT)):
            raise BrokenPromiseError(f"{process.pod.name} starts for a deployment that is no more")
        others = [
            one
            for one in self.machines.processes.values()
            if one.deployment == process.deployment and one is not process
        ]
        if others:
            raise BrokenPromiseError(f"two nodes run for {process.deployment}: {process} beside {others}")

    def _note_wish(self, deployment: Manifest) -> None:
        immediately = (deployment["spec"].get("rollout") or {}).get("when") != "OnApproval"
        wish = Wish(generation_of(deployment), immediately, annotations_of(deployment).get(ANNOTATION_APPROVE, ""))
        self.wishes.setdefault(uid_of(deployment), []).append(wish)

    def _nothing_runs(self, deployment: Manifest) -> None:
        if FINALIZER in finalizers_of(deployment):
            return
        left = [
            name_of(one)
            for kind in (POD, STATEFUL_SET)
            for one in self.store.of_kind(kind)
            if owner_uid_of(one) == uid_of(deployment)
        ]
        if left:
            raise BrokenPromiseError(f"{name_of(deployment)} was let go while {left} was there")

    def permitted(self, uid: str, revision: str) -> bool:
        """Tell whether a revision was ever allowed to run: as the first one, by its spec's wish or by a person."""
        generation = self.born.get((uid, revision))
        if generation is None:
            return False
        if (uid, revision) in self.allowed or not any(owner == uid for owner, _ in self.allowed):
            return True
        later = [wish for wish in self.wishes.get(uid, []) if wish.generation >= generation]
        return any(wish.immediately or wish.approve == revision for wish in later)

    def _stateful_set_is_right(self, event: str, before: Manifest | None, after: Manifest) -> None:
        if after["spec"]["replicas"] not in {0, 1}:
            raise BrokenPromiseError(f"{name_of(after)} has {after['spec']['replicas']} replicas")
        started = after["spec"]["replicas"] and (before is None or not before["spec"]["replicas"])
        if started and not any(uid_of(one) == owner_uid_of(after) for one in self.store.of_kind(TRADING_DEPLOYMENT)):
            raise BrokenPromiseError(f"{name_of(after)} was started for a deployment that is no more")
        revision = after["spec"]["template"]["metadata"]["labels"][wiring.LABEL_REVISION]
        if event == "DELETED":
            return
        if not self.permitted(owner_uid_of(after), revision):
            raise BrokenPromiseError(f"{name_of(after)} holds revision {revision}, which nobody approved")
        self.allowed.add((owner_uid_of(after), revision))
