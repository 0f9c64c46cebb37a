"""Reading the books: what reconciliation, risk and the API ask, on a connection of its own that cannot write."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from sqlalchemy import URL, ColumnElement, RowMapping, Select, func, select

from trading_node.book_events import Filled
from trading_node.positions import Position
from trading_node.store.engine import make_engine
from trading_node.store.rows import read_fill, read_position
from trading_node.store.schema import fills, orders, positions


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """An order as its row tells it."""

    operation_id: str
    strategy_id: str
    venue: str
    account_id: str
    instrument_id: str
    client_order_id: str
    venue_order_id: str
    side: str
    order_type: str
    time_in_force: str
    status: str
    reason: str
    quantity: Decimal | None
    price: Decimal | None
    trigger_price: Decimal | None
    filled_quantity: Decimal
    average_price: Decimal | None
    ts_placed: int
    ts_last: int


class BookReader:
    """Queries on the books of one trader. Use as an async context manager, on one event loop."""

    def __init__(self, url: URL, trader_id: str) -> None:
        self._engine = make_engine(url, read_only=True)
        self._trader_id = trader_id

    async def __aenter__(self) -> Self:
        """Return the reader; it connects when it is first asked."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        await self._engine.dispose()

    async def open_orders(self) -> list[StoredOrder]:
        """Return every order that the venue may still fill, oldest first."""
        return await self._orders(orders.c.is_open)

    async def orders_by_venue_id(self, venue: str, venue_order_ids: Sequence[str]) -> list[StoredOrder]:
        """Return the orders that a venue knows by these ids."""
        return await self._orders((orders.c.venue == venue) & orders.c.venue_order_id.in_(venue_order_ids))

    async def recent_orders(self, since_ns: int, limit: int = 1000) -> list[StoredOrder]:
        """Return the newest orders that were placed since a moment, oldest first."""
        return await self._orders(orders.c.ts_placed >= since_ns, limit)

    async def count_orders(self, since_ns: int, *, strategy_id: str = "", venue: str = "") -> int:
        """Return how many orders were placed since a moment: what limits of order rates count."""
        wanted = [orders.c.trader_id == self._trader_id, orders.c.ts_placed >= since_ns]
        wanted += [orders.c.strategy_id == strategy_id] if strategy_id else []
        wanted += [orders.c.venue == venue] if venue else []
        async with self._engine.connect() as connection:
            return int((await connection.execute(select(func.count()).where(*wanted))).scalar_one())

    async def fills(self, since_ns: int) -> list[Filled]:
        """Return the fills since a moment by the venue's clock, oldest first, without those that were taken back."""
        statement = select(fills).where(
            fills.c.trader_id == self._trader_id, fills.c.ts_event >= since_ns, ~fills.c.voided
        )
        return [read_fill(row) for row in await self._rows(statement.order_by(fills.c.ts_event, fills.c.fill_id))]

    async def positions(self, *, open_only: bool = True, limit: int | None = None) -> list[Position]:
        """Return the positions: the open ones, then the others, of each those that changed last before the others."""
        statement = select(positions).where(positions.c.trader_id == self._trader_id)
        if open_only:
            statement = statement.where(positions.c.is_open)
        order = (positions.c.is_open.desc(), positions.c.ts_last.desc(), *positions.primary_key.columns)
        return [read_position(row) for row in await self._rows(statement.order_by(*order).limit(limit))]

    async def _orders(self, condition: ColumnElement[bool], limit: int | None = None) -> list[StoredOrder]:
        columns = [orders.c[name] for name in StoredOrder.__dataclass_fields__]
        statement = select(*columns).where(orders.c.trader_id == self._trader_id, condition)
        newest_first = statement.order_by(orders.c.ts_placed.desc(), orders.c.operation_id.desc()).limit(limit)
        return [StoredOrder(**row) for row in reversed(await self._rows(newest_first))]

    async def _rows(self, statement: Select[tuple[Any, ...]]) -> Sequence[RowMapping]:
        async with self._engine.connect() as connection:
            rows: Sequence[RowMapping] = (await connection.execute(statement)).mappings().all()
            return rows
