"""Positions as the books have them, for whoever asks over HTTP: read and added up beside the trading loop."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trading_node.position_report import Prices, positions_document
from trading_node.threads import in_daemon_thread

if TYPE_CHECKING:
    from trading_node.positions import Position
    from trading_node.store.books import Books

MAX_POSITIONS = 2_000
"""The open ones, then those that changed last; reading more would be felt by what trades in the same process."""
FRESH_SECONDS = 1.0
"""Whoever asks more often is told the same positions again, at newer prices."""
READ_SECONDS = 5.0


class PositionsUnknownError(Exception):
    """The positions cannot be told now; says why."""


class BookPositions:
    """The positions of one trader, on the event loop."""

    def __init__(self, books: "Books", trader_id: str) -> None:
        """Take open books."""
        self._books = books
        self._trader_id = trader_id
        self._read_at = -FRESH_SECONDS
        self._positions: list[Position] = []
        self._one_at_a_time = asyncio.Lock()

    async def document(self, prices: Callable[[], Prices], currency: str = "") -> dict[str, Any]:
        """Return what /api/positions shows. Raises PositionsUnknownError while the database does not answer."""
        async with self._one_at_a_time:
            if time.monotonic() >= self._read_at + FRESH_SECONDS:
                self._positions = await in_daemon_thread(self._read, "read-positions")
                self._read_at = time.monotonic()
            positions, now, unwritten = self._positions, prices(), self._books.stats().queue_depth
            complete = len(positions) <= MAX_POSITIONS

            def write() -> dict[str, Any]:
                shown = positions[:MAX_POSITIONS]
                return positions_document(shown, now, currency=currency, complete=complete, unwritten=unwritten)

            return await in_daemon_thread(write, "write-positions")

    def _read(self) -> "list[Position]":
        from trading_node.store.queries import BookReader  # noqa: PLC0415  # only with books

        async def read() -> "list[Position]":
            async with asyncio.timeout(READ_SECONDS), BookReader(self._books.url, self._trader_id) as reader:
                return await reader.positions(open_only=False, limit=MAX_POSITIONS + 1)

        try:
            return asyncio.run(read())
        except Exception as error:  # drivers raise anything while a database is away
            why = f"the books' database {self._books.database} does not answer ({type(error).__name__})"
            raise PositionsUnknownError(why) from error
