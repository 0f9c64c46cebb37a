"""A status never says of a node what an earlier process of its pod said, nor what nobody has confirmed for long."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from tests.sim.controllers import Process
from tests.sim.world import NAMESPACE, World, manifest
from trading_operator.desired.names import base_name
from trading_operator.objects import STATEFUL_SET, ObjectRef


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world in which one node trades."""
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    made = World(Random(1))
    made.store.create(manifest("alpha"))
    await made.quiesce()
    assert told(made) == ("Trading", "True", "False", "AsExpected")
    yield made
    await made.close()


def told(world: World) -> tuple[str, ...]:
    status: dict[str, Any] = (world.deployment("alpha") or {})["status"]
    by_type = {one["type"]: one for one in status["conditions"]}
    degraded = by_type["Degraded"]
    return status["phase"], by_type["Ready"]["status"], degraded["status"], degraded["reason"]


def node(world: World) -> Process:
    (process,) = world.machines.processes.values()
    return process


async def let_settle(world: World) -> None:
    while await world.step():
        pass


async def test_a_process_that_was_killed_does_not_speak_for_the_next_one(world: World) -> None:
    again = world.machines.restart(node(world), mute=True)
    await let_settle(world)
    assert told(world) == ("Starting", "False", "True", "OutOfMemory"), (
        "what it was killed for, until the next one trades"
    )

    await world.quiesce()
    assert told(world) == ("Starting", "False", "True", "NodeNotReporting")

    again.mute = False
    await let_settle(world)
    assert told(world) == ("Trading", "True", "False", "AsExpected")


async def test_a_process_that_was_killed_and_trades_again_is_heard(world: World) -> None:
    for _ in range(3):
        world.machines.restart(node(world))
        await let_settle(world)
        assert told(world) == ("Trading", "True", "False", "AsExpected")


async def test_a_node_that_trades_is_killed_and_then_refuses_has_failed(world: World) -> None:
    again = world.machines.restart(node(world))
    again.config = {"refused": True}
    await world.quiesce()

    assert (told(world)[0], told(world)[3]) == ("Failed", "StrategyRefused")
    stateful_set = world.store.objects[ObjectRef(STATEFUL_SET, NAMESPACE, base_name("alpha"))]
    assert stateful_set["spec"]["replicas"] == 0


async def test_a_node_that_falls_silent_is_unknown_until_it_reports_again(world: World) -> None:
    world.machines.times_reports = True
    world.machines.restart(node(world))
    await let_settle(world)
    reported = world.clock.now
    await world.quiesce()  # no report follows

    assert told(world) == ("Unknown", "False", "True", "NodeNotReporting")
    assert (world.clock.now - reported).total_seconds() == 720
    world.leader.client.writes.clear()
    await world.quiesce()
    assert not world.leader.client.writes, "silence is told once"

    node(world).told = ""
    await let_settle(world)
    assert told(world) == ("Trading", "True", "False", "AsExpected")
