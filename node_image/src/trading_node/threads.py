"""Blocking work beside the event loop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable


async def in_daemon_thread[T](work: Callable[[], T], name: str) -> T:
    """Run blocking work in a thread of its own and return what it returns.

    Unlike an executor's, the thread is never waited for at the end of the process: a read on a mount that hangs cannot
    be interrupted, and must not keep the process.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def resolve(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # no error means that there is a result

    def run() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001  # handed to the caller
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has gone in the meantime
            loop.call_soon_threadsafe(resolve, result, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future
