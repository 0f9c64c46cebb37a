"""The whole simulation: an API server, controllers, machines, operators, people, and a scheduler of single steps."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from tests.sim.controllers import MACHINES, GarbageCollector, Machines, NamespaceController, StatefulSetController
from tests.sim.operators import Faults, SimOperator
from tests.sim.promises import Promises
from tests.sim.store import Clock, Store, with_metadata
from trading_operator.desired.names import ANNOTATION_APPROVE, base_name
from trading_operator.objects import (
    CONFIG_MAP,
    CONTROLLER_REVISION,
    POD,
    ROLE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    DeploymentKey,
    Manifest,
    ObjectRef,
    annotations_of,
    is_terminating,
    name_of,
    ref_of,
)
from trading_operator.settings import GcsSettings, RenderSettings

NAMESPACE = "desk"
Do = Callable[[], Awaitable[None]]


def manifest(name: str, *, state: Manifest | None = None, **config: Any) -> Manifest:
    """A TradingDeployment whose strategy config says how its node behaves."""
    made = _manifest(name, config)
    return made | {"spec": made["spec"] | ({"state": state} if state is not None else {})}


def _manifest(name: str, config: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "trading-operator.io/v1alpha1",
        "kind": "TradingDeployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "mode": "Paper",
            "image": "example/trading-node:1.0.0",
            "traderId": "DESK-A-001",
            "strategies": [
                {"name": "ema", "path": "desk.ema:Ema", "configPath": "desk.ema:EmaConfig", "config": config}
            ],
            "venues": [
                {
                    "name": "BINANCE",
                    "adapter": "Replay",
                    "replay": {"catalog": "ticks"},
                    "paper": {"startingBalances": ["1000 USDT"]},
                }
            ],
            "catalogs": [{"name": "ticks", "gcs": {"bucket": "ticks"}}],
        },
    }


@dataclass
class World:
    """Everything there is, and the random scheduler of it."""

    random: Random
    names: tuple[str, ...] = ("alpha",)
    trace: list[str] = field(default_factory=list)
    operators: list[SimOperator] = field(default_factory=list)
    operator_version: int = 1
    edits: int = 0

    def __post_init__(self) -> None:
        self.clock = Clock()
        # What is lost is restored from what is left; a history loses either of the places that a revision is kept in.
        self.meddled = [POD, SERVICE_ACCOUNT, ROLE]
        self.meddled += self.random.choice([[STATEFUL_SET, CONFIG_MAP], [CONTROLLER_REVISION]])
        self.store = Store(self.clock)
        self.machines = Machines(self.store)
        self.promises = Promises(self.store, self.machines)
        others = (StatefulSetController(self.store), GarbageCollector(self.store), NamespaceController(self.store))
        self.controllers = (*others, self.machines)
        self.start_operator()

    # Operators

    @property
    def leader(self) -> SimOperator:
        return self.operators[-1]

    def start_operator(self) -> None:
        """A process takes over; the former one is dead, or suspended and will wake up late."""
        settings = RenderSettings(gcs=GcsSettings(image=f"gcsfuse:{self.operator_version}"))
        name = f"operator-{len(self.operators)}"
        self.operators.append(SimOperator(name, self.store, self.random, settings))

    def replace_leader(self) -> None:
        self.leader.client.alive = False
        self.start_operator()

    # Steps

    def _controller_steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        for controller in self.controllers:
            yield from controller.steps()

    def _operator_steps(self) -> Iterator[tuple[str, Do]]:
        leader = self.leader
        if leader.free:
            if leader.backlog:
                yield "informer", self._inform
            for key in leader.ready():
                yield f"reconcile {key.name}", partial(self._work, leader, key)

    async def _inform(self) -> None:
        self.leader.take_events()

    async def _work(self, operator: SimOperator, key: DeploymentKey) -> None:
        await operator.work(key)
        if not operator.client.alive or not operator.free:
            self.start_operator()

    async def step(self) -> bool:
        """Take one step that is possible; False: nothing moves until the clock does."""
        moves: list[tuple[str, Do]] = [*self._operator_steps()]
        moves += [(name, _as_async(do)) for name, do in self._controller_steps()]
        if not moves:
            return False
        name, do = self.random.choice(moves)
        self.trace.append(name)
        await do()
        return True

    async def quiesce(self, limit: int = 200) -> None:
        """Run without further faults until nothing is left to do but the resync.

        Three times the steps that the longest of a thousand histories takes are taken for no end.
        """
        for operator in self.operators:
            operator.client.faults = Faults()
            await operator.resume()
        if not self.leader.client.alive:
            self.start_operator()
        self.machines.lost.clear()
        for _ in range(limit):
            if await self.step():
                continue
            wake = self.leader.wake_at()
            if wake is None:
                return
            self.clock.now = max(wake, self.clock.now)
            self.trace.append(f"time {self.clock.text}")
        raise AssertionError(f"no end after {limit} steps: {self.trace[-30:]}")

    # People

    def deployment(self, name: str) -> Manifest | None:
        return self.store.get(ObjectRef(TRADING_DEPLOYMENT, NAMESPACE, name))

    def people(self) -> dict[str, Callable[[str], None]]:
        return {
            "create": self.create,
            "edit": self.edit,
            "limits": self.change_limits,
            "state": self.change_state,
            "suspend": self.toggle_suspend,
            "rollout": self.toggle_rollout,
            "approve": self.approve,
            "delete": self.delete,
            "meddle": self.meddle,
        }

    def create(self, name: str) -> None:
        if self.deployment(name) is None and NAMESPACE not in self.store.going_namespaces:
            self.store.create(manifest(name, state=self._state(), **self._config()))

    def _config(self) -> dict[str, Any]:
        self.edits += 1
        kind = self.random.choice(["plain", "plain", "plain", "finishes", "refused"])
        return {"edit": self.random.randrange(3)} | ({kind: True} if kind != "plain" else {})

    def _state(self) -> Manifest | None:
        return self.random.choice([None, *({"size": "1Gi", "whenDeleted": what} for what in ("Retain", "Delete"))])

    def _change_spec(self, name: str, **fields: Any) -> None:
        live = self.deployment(name)
        if live is not None and not is_terminating(live):
            self.store.update(live | {"spec": live["spec"] | fields})

    def edit(self, name: str) -> None:
        self._change_spec(name, strategies=manifest(name, **self._config())["spec"]["strategies"])

    def change_limits(self, name: str) -> None:
        """A risk officer's change: it restarts nothing."""
        self._change_spec(name, risk={"maxOrdersPerSecond": self.random.randrange(1, 6)})

    def change_state(self, name: str) -> None:
        live = self.deployment(name)
        if live is not None and "state" in live["spec"]:
            size = self.random.choice(["1Gi", "2Gi", "3Gi"])
            self._change_spec(name, state={"size": size, "whenDeleted": self.random.choice(["Retain", "Delete"])})

    def toggle_suspend(self, name: str) -> None:
        live = self.deployment(name)
        if live is not None:
            self._change_spec(name, suspend=not live["spec"].get("suspend", False))

    def toggle_rollout(self, name: str) -> None:
        live = self.deployment(name)
        if live is not None:
            now = live["spec"].get("rollout", {}).get("when", "Immediately")
            self._change_spec(name, rollout={"when": "OnApproval" if now == "Immediately" else "Immediately"})

    def approve(self, name: str) -> None:
        live = self.deployment(name)
        pending = ((live or {}).get("status") or {}).get("revision", {}).get("pending")
        if live is not None and pending:
            self.store.update(with_metadata(live, annotations={**annotations_of(live), ANNOTATION_APPROVE: pending}))

    def delete(self, name: str) -> None:
        live = self.deployment(name)
        if live is not None and not is_terminating(live):
            how = self.random.choice(["Background", "Foreground", "Orphan"])
            self.trace.append(f"delete {how}")
            self.store.delete(ref_of(live), propagation=how)

    def meddle(self, name: str) -> None:
        """Somebody deletes what is the operator's."""
        base = base_name(name)
        kind = self.random.choice(self.meddled)
        found = [one for one in self.store.of_kind(kind) if name_of(one).startswith(base)]
        if found:
            victim = self.random.choice(found)
            how = self.random.choice(["Background", "Foreground", "Orphan"]) if kind is STATEFUL_SET else "Background"
            self.trace.append(f"meddle {kind} {name_of(victim)} {how}")
            self.store.delete(ref_of(victim), propagation=how)

    def delete_namespace(self) -> None:
        self.store.going_namespaces.add(NAMESPACE)

    # Accidents

    def lose_or_find_machine(self) -> None:
        machine = self.random.choice(MACHINES)
        if machine in self.machines.lost:
            self.machines.lost.discard(machine)
        else:
            self.machines.lost.add(machine)
        self.trace.append(f"lost: {sorted(self.machines.lost)}")

    def fail_pod(self) -> None:
        reachable = [one for one in self.machines.processes.values() if one.machine not in self.machines.lost]
        if reachable:
            self.machines.fail(self.random.choice(reachable))

    def late_report(self) -> None:
        """The last report of a node that has ended arrives; the present one overwrites it with its next."""
        if self.machines.ended:
            ended = self.random.choice(self.machines.ended)
            self.machines.report(ended, self.random.choice(ended.states))
            for process in self.machines.processes.values():
                process.told = ""

    def upgrade_operator(self) -> None:
        self.operator_version += 1
        self.replace_leader()

    async def close(self) -> None:
        for operator in self.operators:
            operator.close()
            if operator.task is not None:
                await asyncio.gather(operator.task, return_exceptions=True)


def _as_async(do: Callable[[], None]) -> Do:
    async def run() -> None:
        do()

    return run
