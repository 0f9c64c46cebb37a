"""What outlives a node: its books, and the accounts of its simulated venues."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trading_api.node_config import NodeConfig
from trading_api.trading_rules import Mode
from trading_node.book_history import BookHistory
from trading_node.book_positions import PositionsUnknownError
from trading_node.bookkeeping import keep_books
from trading_node.gate import Denial
from trading_node.nautilus import NautilusNode
from trading_node.position_report import Prices
from trading_node.store.stats import BookStats
from trading_node.venues.paper import KeptAccount

_log = logging.getLogger(__name__)


class Keeping:
    """What one run keeps."""

    def __init__(self, config: NodeConfig, folder: Path, variables: Mapping[str, str]) -> None:
        """Prepare; :meth:`open` acts. Relative paths count from folder; variables are those of the environment."""
        self._section = config.trading_node
        self._books = books = keep_books(config, folder, variables)
        self.run = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        """Name of this run, in the books."""
        self.accounts: list[KeptAccount] = []
        """Of the simulated venues, once these are built."""
        self.on_denial: Callable[[Denial], None] | None = None if books is None else books.on_denial
        """Hears of each refusal, where books are kept."""

    @property
    def has_books(self) -> bool:
        """Whether books are kept."""
        return self._books is not None

    @property
    def outcome(self) -> str:
        """What became of the books, for a person; empty where none are kept."""
        return "" if self._books is None else self._books.outcome

    def what_records(self) -> Callable[[], bool] | None:
        """Return what is asked before each order: whether all is kept that has to be; None where nothing has."""
        books, accounts = self._books, self.accounts
        if self._section.mode is not Mode.PAPER or self._section.state_directory is None:
            return None if books is None else books.takes
        return lambda: not any(account.failure for account in accounts) and (books is None or books.takes())

    async def open(self, node: NautilusNode) -> None:
        """Open the books before anything happens that belongs into them. Raises NodeError."""
        books = self._books
        if books is None:
            return
        await books.open()
        venues = self._section.venues
        runs = {venue.name: self.run for venue in venues if venue.paper is not None}
        runs |= {account.venue: account.state.run for account in self.accounts}
        adapters = {venue.name: venue.adapter for venue in venues}
        books.follow(node.keep_books(books.record, runs, adapters))
        history = books.history()
        for account in self.accounts:
            if history is not None:
                await node.agree_on_paper(account, books.record, history)

    def history(self) -> BookHistory | None:
        """Return what the books have of former lives; None where there are none, or before they are open."""
        return None if self._books is None else self._books.history()

    def stats(self) -> BookStats | None:
        """Return what metrics show; None where there are no books, or before they are open."""
        return None if self._books is None else self._books.stats()

    async def positions(self, prices: Callable[[], Prices], currency: str) -> dict[str, Any]:
        """Return the positions of the books, added up. Raises PositionsUnknownError."""
        positions = None if self._books is None else self._books.positions()
        if positions is None:
            why = "no books are kept: write the section database" if self._books is None else "no books are open yet"
            raise PositionsUnknownError(why)
        return await positions.document(prices, currency)

    async def close(self, seconds: float) -> None:
        """Close the books, within so many seconds; raises nothing."""
        if self._books is None:
            return
        try:
            await self._books.close(seconds)
        except Exception:  # noqa: BLE001  # whatever it is, the journal has what it was told, and the report comes first
            _log.exception("the books could not be closed; what the database lacks stays in the journal")
