"""The parts of Kubernetes beside the API server: StatefulSet controller, garbage collector, kubelets, and the node.

Each is a set of single steps that a scheduler takes in any order, so that every interleaving can happen. The
StatefulSet controller acts on what its own informer last told it, which may be old.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tests.sim.store import FOREGROUND, ORPHAN, Store, with_metadata
from trading_api import wiring
from trading_api.exit_codes import ExitCode
from trading_operator.desired.config_map import CONFIG_FILE
from trading_operator.desired.limits import hash_of
from trading_operator.kube import errors
from trading_operator.objects import (
    CONFIG_MAP,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    Manifest,
    ObjectRef,
    finalizers_of,
    generation_of,
    is_terminating,
    labels_of,
    ref_of,
    uid_of,
)

Step = tuple[str, Callable[[], None]]
MACHINES = ("machine-a", "machine-b")


def _owner(pod: Manifest) -> str:
    owners = pod["metadata"].get("ownerReferences") or [{}]
    return str(owners[0].get("uid", ""))


@dataclass
class StatefulSetController:
    """Makes and deletes pod 0 of each StatefulSet, from what it last heard of it."""

    store: Store
    heard: dict[ObjectRef, Manifest] = field(default_factory=dict)

    def steps(self) -> Iterator[Step]:
        live = {ref_of(one): one for one in self.store.of_kind(STATEFUL_SET)}
        for ref in sorted({*live, *self.heard}, key=str):
            if live.get(ref) is not self.heard.get(ref):
                yield f"sts-informer {ref.name}", partial(self._hear, ref)
            if ref in self.heard and self._todo(ref) is not None:
                yield f"sts-controller {ref.name}", partial(self._act, ref)

    def _hear(self, ref: ObjectRef) -> None:
        live = self.store.get(ref)
        if live is None:
            self.heard.pop(ref, None)
        else:
            self.heard[ref] = live

    def _todo(self, ref: ObjectRef) -> Callable[[], None] | None:
        known = self.heard[ref]
        pod_ref = ObjectRef(POD, ref.namespace, f"{ref.name}-0")
        pod = self.store.get(pod_ref)
        wanted = known["spec"]["replicas"] if not is_terminating(known) else 0
        ours = pod is not None and _owner(pod) in {"", uid_of(known)}
        if pod is not None and ours and not _owner(pod):
            return lambda: self._adopt(pod, known)
        if pod is None and wanted and not is_terminating(known):
            return lambda: self._make(known, pod_ref)
        ended = pod is not None and pod.get("status", {}).get("phase") in {"Failed", "Succeeded"}
        if pod is not None and ours and not is_terminating(pod) and not is_terminating(known) and (not wanted or ended):
            return lambda: self.store.delete(pod_ref)
        status = {"observedGeneration": generation_of(known), "replicas": int(pod is not None and ours)}
        live = self.store.get(ref)
        if live is not None and uid_of(live) == uid_of(known) and live.get("status") != status:
            return lambda: self._say(ref, status)
        return None

    def _act(self, ref: ObjectRef) -> None:
        todo = self._todo(ref)
        if todo is not None:
            try:
                todo()
            except errors.ApiError:
                return

    def _say(self, ref: ObjectRef, status: dict[str, Any]) -> None:
        self.store.change(ref, status=status)

    def _adopt(self, pod: Manifest, known: Manifest) -> None:
        live = self.store.get(ref_of(known))
        if live is not None and uid_of(live) == uid_of(known) and not is_terminating(live):
            self.store.update(with_metadata(pod, ownerReferences=[{"uid": uid_of(known)}]))

    def _make(self, known: Manifest, ref: ObjectRef) -> None:
        template = known["spec"]["template"]
        metadata = {
            "name": ref.name,
            "namespace": ref.namespace,
            "labels": template["metadata"]["labels"],
            "ownerReferences": [{"uid": uid_of(known)}],
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        self.store.create(pod | {"status": {"phase": "Pending"}})


@dataclass
class GarbageCollector:
    """Deletes pods whose StatefulSet is gone, and ends foreground and orphaning deletions."""

    store: Store

    def steps(self) -> Iterator[Step]:
        owners = {uid_of(one) for one in self.store.of_kind(STATEFUL_SET)}
        for pod in self.store.of_kind(POD):
            owner = _owner(pod)
            if owner and owner not in owners and not is_terminating(pod):
                yield f"gc {ref_of(pod).name}", partial(self.store.delete, ref_of(pod))
        for ref, manifest in [one for one in self.store.objects.items() if one[1]["metadata"].get("finalizers")]:
            if ORPHAN in finalizers_of(manifest):
                yield f"gc-orphan {ref.name}", partial(self._orphan, ref)
            elif FOREGROUND in finalizers_of(manifest):
                yield f"gc-foreground {ref.name}", partial(self._foreground, ref)

    def _dependents(self, manifest: Manifest) -> list[Manifest]:
        return [pod for pod in self.store.of_kind(POD) if _owner(pod) == uid_of(manifest)]

    def _orphan(self, ref: ObjectRef) -> None:
        live = self.store.objects[ref]
        for pod in self._dependents(live):
            self.store.update(with_metadata(pod, ownerReferences=[]))
        self._without(live, ORPHAN)

    def _foreground(self, ref: ObjectRef) -> None:
        live = self.store.objects[ref]
        dependents = self._dependents(live)
        for pod in dependents:
            if not is_terminating(pod):
                self.store.delete(ref_of(pod))
        if not dependents:
            self._without(live, FOREGROUND)

    def _without(self, live: Manifest, finalizer: str) -> None:
        left = [name for name in finalizers_of(live) if name != finalizer]
        self.store.update(with_metadata(live, finalizers=left))


@dataclass
class Process:
    """One running trading node: what there must never be two of."""

    pod: ObjectRef
    uid: str
    machine: str
    deployment: tuple[str, str]
    revision: str
    config: dict[str, Any]
    state: str = "Starting"
    states: list[str] = field(default_factory=lambda: ["Starting"])
    """Every state that it has been in."""
    told: str = ""
    limits: str = ""
    """Hash of the limits that it applies."""
    started: str = ""
    mute: bool = False
    """Whether its reports do not arrive."""


def _volumes(pod: Manifest, source: str) -> list[Manifest]:
    return [one for one in pod["spec"]["volumes"] if source in one]


@dataclass
class Machines:
    """Kubelets and the nodes that they run. A lost machine's processes run on; nobody hears of them."""

    store: Store
    lost: set[str] = field(default_factory=set)
    processes: dict[str, Process] = field(default_factory=dict)
    ended: list[Process] = field(default_factory=list)
    on_start: Callable[[Process], None] = lambda _: None
    times_reports: bool = False
    """Whether reports tell when they were written: their operator then looks again and again whether one is due."""

    def steps(self) -> Iterator[Step]:
        for pod in self.store.of_kind(POD):
            yield from self._pod_steps(pod)
        for process in list(self.processes.values()):
            if process.machine not in self.lost:
                yield from self._process_steps(process)

    def _pod_steps(self, pod: Manifest) -> Iterator[Step]:
        ref, machine = ref_of(pod), pod["spec"].get("nodeName")
        if machine is None:
            if is_terminating(pod):
                yield f"unscheduled pod goes {ref.name}", lambda: self.store.drop(ref)
            elif up := [name for name in MACHINES if name not in self.lost]:
                spec = pod["spec"] | {"nodeName": up[self.store.version % len(up)]}
                yield f"scheduler {ref.name}", lambda: self._schedule(ref, spec)
            return
        if machine in self.lost:
            if not is_terminating(pod):
                yield f"node controller evicts {ref.name}", lambda: self._evict(ref)
            return
        if is_terminating(pod):
            yield f"kubelet ends {ref.name}", lambda: self._end(ref, uid_of(pod))
        elif uid_of(pod) not in self.processes and pod["status"]["phase"] == "Pending" and self._can_start(pod):
            yield f"kubelet starts {ref.name}", lambda: self._start(ref, machine)

    def _schedule(self, ref: ObjectRef, spec: Manifest) -> None:
        self.store.change(ref, spec=spec)

    def _evict(self, ref: ObjectRef) -> None:
        pod = self.store.objects[ref]
        statuses = pod["status"].get("containerStatuses", [])
        conditions = [{"type": "Ready", "status": "False"}]
        self.store.change(ref, status=pod["status"] | {"containerStatuses": statuses, "conditions": conditions})
        self.store.delete(ref)

    def _config(self, pod: Manifest) -> Manifest | None:
        name = pod["spec"]["volumes"][0]["configMap"]["name"]
        return self.store.get(ObjectRef(CONFIG_MAP, pod["metadata"]["namespace"], name))

    def _can_start(self, pod: Manifest) -> bool:
        account = ObjectRef(SERVICE_ACCOUNT, pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"])
        claims = [one["persistentVolumeClaim"]["claimName"] for one in _volumes(pod, "persistentVolumeClaim")]
        bound = all(self.store.get(ObjectRef(PERSISTENT_VOLUME_CLAIM, account.namespace, name)) for name in claims)
        files = self._config(pod) is not None and self._limits(pod) is not None
        return bound and files and self.store.get(account) is not None

    def _limits(self, pod: Manifest) -> Manifest | None:
        name = next(one["configMap"]["name"] for one in _volumes(pod, "configMap") if one["name"] == "trading-limits")
        return self.store.get(ObjectRef(CONFIG_MAP, pod["metadata"]["namespace"], name))

    def _sync_limits(self, process: Process, limits: str) -> None:
        process.limits, process.told = limits, ""

    def _start(self, ref: ObjectRef, machine: str) -> None:
        pod = self.store.objects[ref]
        config_map = self._config(pod)
        assert config_map is not None
        config = json.loads(config_map["data"][CONFIG_FILE])["trading_node"]["strategies"][0].get("config", {})
        labels = labels_of(pod)
        process = Process(
            ref,
            uid_of(pod),
            machine,
            (ref.namespace, labels[wiring.LABEL_DEPLOYMENT]),
            labels[wiring.LABEL_REVISION],
            config,
        )
        limits = self._limits(pod)
        assert limits is not None
        process.limits = hash_of(limits)
        self._run(process, {})

    def _run(self, process: Process, last: Manifest) -> None:
        process.started = self.store.clock.text
        self.processes[process.uid] = process
        self.on_start(process)
        running = {
            "name": "node",
            "ready": True,
            "started": True,
            "state": {"running": {"startedAt": process.started}},
            "lastState": last,
        }
        self._say(process.pod, {"phase": "Running", "containerStatuses": [running]})

    def restart(self, process: Process, *, mute: bool = False) -> Process:
        """Kill a node's process; its kubelet starts another in the same pod."""
        killed = {"exitCode": 137, "reason": "OOMKilled", "startedAt": process.started}
        self._forget(process.uid)
        self.store.clock.advance(2)
        again = replace(process, state="Starting", states=["Starting"], told="", mute=mute)
        self._run(again, {"terminated": killed | {"finishedAt": self.store.clock.text}})
        return again

    def _end(self, ref: ObjectRef, uid: str) -> None:
        self._forget(uid)
        self.store.drop(ref)

    def fail(self, process: Process) -> None:
        """Let a pod fail as a whole; its controller makes another from the newest template."""
        self._forget(process.uid)
        self._say(process.pod, {"phase": "Failed"})

    def _forget(self, uid: str) -> None:
        process = self.processes.pop(uid, None)
        if process is not None:
            self.ended.append(process)

    def _say(self, ref: ObjectRef, status: dict[str, Any]) -> None:
        pod = self.store.get(ref)
        if pod is not None:
            self.store.change(ref, status=status)

    def _process_steps(self, process: Process) -> Iterator[Step]:
        config = process.config
        if config.get("refused"):
            yield f"node refuses {process.pod.name}", lambda: self._refuse(process)
            return
        if process.state == "Starting":
            yield f"node trades {process.pod.name}", lambda: self._become(process, "Trading")
        elif process.state == "Trading" and config.get("finishes"):
            yield f"node completes {process.pod.name}", lambda: self._become(process, "Completed")
        pod = self.store.get(process.pod)
        limits = self._limits(pod) if pod is not None else None
        if limits is not None and hash_of(limits) != process.limits:
            yield f"kubelet syncs limits {process.pod.name}", lambda: self._sync_limits(process, hash_of(limits))
        if process.told != process.state and not process.mute:
            yield f"node reports {process.pod.name}", lambda: self.report(process)

    def _become(self, process: Process, state: str) -> None:
        process.state = state
        process.states.append(state)

    def _refuse(self, process: Process) -> None:
        self._forget(process.uid)
        message = json.dumps({"reason": "StrategyRefused", "message": "no such class", "remedy": "write another path"})
        lived = {"startedAt": process.started, "finishedAt": self.store.clock.text}
        code = int(ExitCode.STRATEGY_REFUSED)
        end = {"terminated": {"exitCode": code, "reason": "Error", "message": message} | lived}
        waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
        status = {"name": "node", "ready": False, "state": waiting, "lastState": end, "restartCount": 1}
        self._say(process.pod, {"phase": "Running", "containerStatuses": [status]})

    def report(self, process: Process, state: str = "") -> None:
        """Write status.node, as the node of one pod does; a late one writes too."""
        process.told = process.state
        namespace, name = process.deployment
        live = self.store.get(ObjectRef(TRADING_DEPLOYMENT, namespace, name))
        if live is None:
            return
        node = {
            "podUid": process.uid,
            "state": state or process.state,
            "reconciled": process.state == "Trading",
            "limits": {"hash": process.limits},
            "startedAt": process.started,
        } | ({"updatedAt": self.store.clock.text} if self.times_reports else {})
        self.store.apply_status(
            {**live, "metadata": {**live["metadata"], "resourceVersion": ""}, "status": {"node": node}}
        )


@dataclass
class NamespaceController:
    """Deletes what is in a namespace that is going, in no particular order."""

    store: Store

    def steps(self) -> Iterator[Step]:
        going = self.store.going_namespaces
        for ref, manifest in list(self.store.objects.items()) if going else ():
            if ref.namespace in going and not is_terminating(manifest):
                yield f"namespace takes {ref.kind} {ref.name}", partial(self._take, ref)

    def _take(self, ref: ObjectRef) -> None:
        if ref in self.store.objects:
            self.store.delete(ref)
