"""What the books tell a node of its former life, once they have everything that it told them."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from trading_node.book_events import Filled
from trading_node.errors import not_trading
from trading_node.reconciliation.books import BooksNow
from trading_node.reconciliation.facts import OPENING
from trading_node.threads import in_daemon_thread
from trading_node.venue_symbols import to_engine

if TYPE_CHECKING:
    from trading_node.former_life import History, OrderHistory
    from trading_node.positions import Position
    from trading_node.store.books import Books
    from trading_node.store.history import HistoryReader

WAIT_SECONDS = 1.0
"""How long one wait for the database is; then it is logged, and waited on."""
CLOSE_SECONDS = 1.0
"""How long a stop waits for the database to end an idle connection: the books' last lines are yet to be written."""
LOOK_BACK_NS = 7 * 86_400 * 1_000_000_000
"""Fills of the last week are known by their trade ids; older ones a venue hardly tells again."""

_log = logging.getLogger(__name__)


class BookHistory:
    """Reads one trader's books, on the event loop."""

    def __init__(self, books: "Books", trader_id: str) -> None:
        """Take open books; nothing is imported or connected before it is asked."""
        self._books = books
        self._trader_id = trader_id
        self._reader: HistoryReader | None = None

    async def read(self) -> "History":
        """Return what is open and what happened lately.

        Waits until the database has all that an earlier life left in the journal, however long that takes: an order
        that is only in the journal is open all the same.
        """
        await self.written()
        return await self._asked().read(time.time_ns() - LOOK_BACK_NS)

    async def written(self) -> None:
        """Wait until the database has all that the books were told, however long that takes.

        Raises NodeError (NOT_TRADING) for a database that will never take it, such as one of another account's books.
        """
        books, told = self._books, False
        while not await in_daemon_thread(lambda: books.wait_written(WAIT_SECONDS), "await-books"):
            if books.writer.failure:
                raise not_trading(
                    f"The books in {books.database} cannot be kept: {books.writer.failure}",
                    "Correct the database, or name another in the run-config's database section",
                    reason="BooksFailed",
                )
            if not told:
                told = True
                _log.warning(
                    "waiting for the books' database %s: without it nobody knows which orders are open", books.database
                )

    async def orders_around(self, client_order_ids: Sequence[str], late: Sequence[Filled]) -> "list[OrderHistory]":
        """Return the open orders, those of these ids, and those that the fills belong to."""
        reader = self._asked()
        wanted = {*client_order_ids, *(fill.client_order_id for fill in late)}
        found = [*await reader.open_orders(), *await reader.orders_of(sorted(wanted), ())]
        return list({history.operation_id: history for history in found}.values())

    async def fills_after(self, event_id: str, venue: str, run: str) -> list[Filled]:
        """Return the fills of a simulated account behind an event; all for no event, none for an unknown one.

        Those that stand for what no event explains are of the account in any case.
        """
        found = await self._asked().fills_after(event_id)
        mine = [fill for fill in found if fill.venue == venue and fill.position_id.endswith(f"@{run}")]
        return [fill for fill in mine if not fill.trade_id.startswith(OPENING)]

    async def open_positions(self) -> "list[Position]":
        """Return what is held."""
        return (await self._asked().open_now())[1]

    async def orders_of(self, client_order_ids: Sequence[str], venue_order_ids: Sequence[str]) -> "list[OrderHistory]":
        """Return single orders, open or closed."""
        return await self._asked().orders_of(client_order_ids, venue_order_ids)

    async def now(self, account_id: str) -> BooksNow | None:
        """Return what the database has of an account; None while it lags behind what it was told."""
        if self._books.stats().queue_depth:
            return None
        orders, positions = await self._asked().open_now()
        held: dict[str, Decimal] = {}
        for position in positions:
            if position.key.account_id == account_id:
                name = to_engine(position.key.instrument_id, position.venue)
                held[name] = held.get(name, Decimal(0)) + position.quantity
        mine = {order: filled for account, order, filled in orders if account == account_id}
        return BooksNow(orders=mine, positions={name: quantity for name, quantity in held.items() if quantity})

    async def close(self) -> None:
        """Close the connection; one whose database hangs is left to the end of the process."""
        if self._reader is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._reader.close()

    def _asked(self) -> "HistoryReader":
        if self._reader is None:
            from trading_node.store.engine import make_engine  # noqa: PLC0415
            from trading_node.store.history import HistoryReader  # noqa: PLC0415

            self._reader = HistoryReader(make_engine(self._books.url, read_only=True), self._trader_id)
        return self._reader
