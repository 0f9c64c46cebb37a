"""One random history: people, accidents and crashes at any step, then rest, then a look at what came of it.

Replay one: ``pytest tests/sim --seed N``.
"""

import asyncio
from random import Random

from tests.sim import end_state
from tests.sim.operators import Faults
from tests.sim.world import World

STEPS = 60


class HistoryError(AssertionError):
    """A history that went wrong, with its seed and its trace."""


async def play(seed: int, steps: int = STEPS) -> World:
    """Play one history; raise HistoryError with seed and trace where a promise is broken or the end is wrong."""
    # Without it, each of a reconciliation's many requests costs a turn of the event loop or two.
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    random = Random(seed)
    world = World(random, names=("alpha", "beta") if random.random() < 0.2 else ("alpha",))
    try:
        for name in world.names:
            world.create(name)
        for _ in range(steps):
            await _disturb(world, random)
            await world.step()
        await world.quiesce()
        for name in world.names:
            end_state.check(world, name)
        await _check_rest(world)
    except BaseException as error:
        told = "\n  ".join(world.trace[-120:])
        raise HistoryError(f"seed {seed}: {type(error).__name__}: {error}\n  {told}") from error
    finally:
        await world.close()
    return world


async def _disturb(world: World, random: Random) -> None:
    """Let nothing happen, or one thing: most often people, then crashes, then accidents."""
    dice = random.random()
    for share, disturb in _DISTURBANCES:
        dice -= share
        if dice < 0:
            await disturb(world, random)
            return


async def _people(world: World, random: Random) -> None:
    name, target = random.choice(list(world.people())), random.choice(world.names)
    world.trace.append(f"{name} {target}")
    world.people()[name](target)


async def _kill(world: World, random: Random) -> None:
    if random.random() < 0.5:
        world.leader.client.faults = Faults(kill_after=random.randrange(30))
    else:
        world.leader.client.faults = Faults(kill_before=random.choice(_TELLING_REQUESTS))


async def _pause(world: World, random: Random) -> None:
    if random.random() < 0.5:
        world.leader.client.faults = Faults(pause_after=random.randrange(30))
    else:
        world.leader.client.faults = Faults(pause_before=random.choice(_TELLING_REQUESTS))


async def _flaky(world: World, random: Random) -> None:
    del random
    world.leader.client.faults = Faults(flaky=0.15)


async def _wake(world: World, random: Random) -> None:
    suspended = [one for one in world.operators if not one.free and one.client.alive]
    if suspended:
        world.trace.append("a suspended operator wakes up")
        await random.choice(suspended).resume()


async def _accident(world: World, random: Random) -> None:
    random.choice([world.fail_pod, world.late_report, world.lose_or_find_machine])()


async def _upgrade(world: World, random: Random) -> None:
    del random
    world.trace.append("the operator is upgraded")
    world.upgrade_operator()


async def _delete_namespace(world: World, random: Random) -> None:
    del random
    world.trace.append("the namespace is deleted")
    world.delete_namespace()


async def _time(world: World, random: Random) -> None:
    world.clock.advance(random.choice([1, 10, 60, 700]))


_TELLING_REQUESTS = (
    "create StatefulSet",
    "decide StatefulSet",
    "replace ControllerRevision",
    "create ControllerRevision",
    "delete StatefulSet",
    "delete Pod",
    "finalizers",
    "status",
)
_DISTURBANCES = (
    (0.13, _people),
    (0.06, _kill),
    (0.06, _pause),
    (0.04, _flaky),
    (0.06, _wake),
    (0.03, _accident),
    (0.01, _upgrade),
    (0.002, _delete_namespace),
    (0.06, _time),
)


async def _check_rest(world: World) -> None:
    """Look at everything anew with an empty memory: nothing may be written, for ever."""
    world.replace_leader()
    world.leader.client.writes.clear()
    await world.quiesce()
    assert not world.leader.client.writes, f"written at rest: {world.leader.client.writes}"
