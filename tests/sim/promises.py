"""What must hold at every moment, whatever happens; each breach is told with what was done."""

import json
from dataclasses import dataclass, field

from tests.sim.controllers import Machines, Process
from tests.sim.store import Store
from trading_api import wiring
from trading_operator.desired.limits import generation_in
from trading_operator.desired.names import ANNOTATION_APPROVE, FINALIZER
from trading_operator.desired.stateful_set import revision_in
from trading_operator.objects import (
    CONFIG_MAP,
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

_NOT_RENDERED = {"risk", "suspend", "rollout"}


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

    specs: dict[tuple[str, int], str] = field(default_factory=dict)
    """(deployment uid, generation) to what of the spec is rendered."""

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
        elif kind is CONFIG_MAP and event == "MODIFIED" and before is not None:
            self._limits_are_not_older(before, after)

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
        spec = {key: value for key, value in deployment["spec"].items() if key not in _NOT_RENDERED}
        told = json.dumps(spec | {"state": "state" in spec}, sort_keys=True)
        self.specs[uid_of(deployment), generation_of(deployment)] = told

    def _limits_are_not_older(self, before: Manifest, after: Manifest) -> None:
        """A former leader that wakes up does not bring back former limits."""
        if owner_uid_of(before) == owner_uid_of(after) and generation_in(after) < generation_in(before):
            raise BrokenPromiseError(f"{name_of(after)} goes back to the limits of generation {generation_in(after)}")

    def _replaced_for_a_reason(self, before: Manifest, after: Manifest) -> None:
        """No pod is replaced for what is not rendered, such as limits, though a newer operator renders differently."""
        uid = owner_uid_of(after)
        records = {labels_of(one)[wiring.LABEL_REVISION]: one for one in self._records(uid)}
        old, new = (records.get(revision_in(one)) for one in (before, after))
        if old is new or old is None or new is None or owner_uid_of(before) != uid:
            return
        if self.specs.get((uid, old["revision"])) == self.specs.get((uid, new["revision"])):
            raise BrokenPromiseError(f"{name_of(after)} was replaced though nothing was changed that is rendered")

    def _records(self, uid: str) -> list[Manifest]:
        return [one for one in self.store.of_kind(CONTROLLER_REVISION) if owner_uid_of(one) == uid]

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
        if before is not None:
            self._replaced_for_a_reason(before, after)
        self.allowed.add((owner_uid_of(after), revision))
