"""The day's loss over restarts: a node that is started again goes on with what was lost since midnight UTC.

Otherwise each restart would open the daily limit anew. What open positions lose while no node runs is not seen; what
they lose while one runs is, also while no order asks for it.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from trading_api.node_config import NodeConfig
from trading_node.gate import Gate
from trading_node.risk.losses import DayLosses
from trading_node.threads import in_daemon_thread

FILE = "day_losses.json"
SAVE_SECONDS = 1.0
LOOK_SECONDS = 1.0
LAST_SECONDS = 1.0
"""How long an end waits for the volume."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(DayLosses).decode
_log = logging.getLogger(__name__)


def losses_folder(config: NodeConfig) -> str | None:
    """Return what outlives the process: the state directory, else the books'; None where nothing does."""
    books = config.database
    return config.trading_node.state_directory or (None if books is None else books.directory)


def load(folder: Path) -> DayLosses | None:
    """Return what a former life noted; None if there is nothing, or nothing that can be read."""
    path = folder / FILE
    try:
        return _decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        _log.error("%s cannot be read, so the day's loss begins anew: %s", path, error)
        return None


def save(folder: Path, losses: DayLosses) -> None:
    """Note the day's losses, wholly or not at all. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{FILE}.new"
    new.write_bytes(_encode(losses))
    os.replace(new, folder / FILE)  # noqa: PTH105  # says that it takes another file's place


async def follow_profit(gate: Gate) -> None:
    """Have the gate value what is held each second, until cancelled: midnight comes whether an order does or not."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        gate.read_prices()


@contextlib.asynccontextmanager
async def kept_losses(folder: Path, gate: Gate) -> AsyncIterator[None]:
    """Go on with the losses of a former life, and note those of this one until the block ends."""
    carried = await in_daemon_thread(lambda: load(folder), "read-losses")
    if carried is not None:
        gate.book.valuation.carry(carried)
    keeper = _Keeper(folder, gate)
    task = asyncio.ensure_future(keeper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))
        with contextlib.suppress(TimeoutError):  # a volume that hangs; all else has ended
            async with asyncio.timeout(LAST_SECONDS):
                await keeper.keep()


class _Keeper:
    def __init__(self, folder: Path, gate: Gate) -> None:
        self._folder = folder
        self._valuation = gate.book.valuation
        self._kept = self._valuation.losses()
        self._trouble = ""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            await self.keep()

    async def keep(self) -> None:
        """Note what changed; trouble is told once."""
        losses = self._valuation.losses()
        if losses is None or losses == self._kept:
            return
        try:
            await in_daemon_thread(lambda: save(self._folder, losses), "keep-losses")
        except OSError as error:
            if str(error) != self._trouble:
                _log.error("the day's losses cannot be kept for the next start: %s", error)
            self._trouble = str(error)
        else:
            self._kept, self._trouble = losses, ""
