"""Several questions at once: one after the other, each costs a journey to the venue and back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

AT_ONCE = 8
"""Questions of one kind on their way together: venues count requests, and some take bursts amiss."""


@contextlib.asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks until all have ended. The first error ends the others and is raised as itself, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def side_by_side[Answer](asks: Iterable[Callable[[], Awaitable[Answer]]]) -> list[Answer]:
    """Return the answers in the order of the questions. The first error ends the others and is raised."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(ask: Callable[[], Awaitable[Answer]]) -> Answer:
        async with free:
            return await ask()

    async with together() as group:
        tasks = [group.create_task(one(ask)) for ask in asks]
    return [task.result() for task in tasks]
