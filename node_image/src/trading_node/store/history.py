"""What a node that starts again has to know of its former life: read from the books, for the reconciliation."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from trading_node.book_events import Filled, OrderEvent
from trading_node.former_life import History, OrderHistory, PositionHistory
from trading_node.positions import Position
from trading_node.store.codec import decode
from trading_node.store.projection import order_events
from trading_node.store.rows import read_fill, read_position
from trading_node.store.schema import events, fills, orders, positions

_CHUNK = 500


class HistoryReader:
    """Asks the books of one trader, on the event loop; the engine should be a reading one."""

    def __init__(self, engine: AsyncEngine, trader_id: str) -> None:
        self._engine = engine
        self._trader_id = trader_id

    async def read(self, since_ns: int) -> History:
        """Return what is open, and the fills since a moment by the venues' clocks."""
        return History(
            orders=tuple(await self._orders(orders.c.is_open)),
            positions=tuple(await self._positions()),
            fills=tuple(await self._fills(fills.c.ts_event >= since_ns)),
        )

    async def close(self) -> None:
        """Close the connection."""
        await self._engine.dispose()

    async def orders_of(self, client_order_ids: Sequence[str], venue_order_ids: Sequence[str]) -> list[OrderHistory]:
        """Return the orders of these ids, open or closed."""
        wanted = orders.c.client_order_id.in_(client_order_ids) | orders.c.venue_order_id.in_(venue_order_ids)
        return await self._orders(wanted)

    async def open_orders(self) -> list[OrderHistory]:
        """Return the open orders."""
        return await self._orders(orders.c.is_open)

    async def fills_after(self, event_id: str) -> list[Filled]:
        """Return the fills that the log has behind an event; all for no event, none for one that it does not have."""
        here = select(events.c.sequence).where(events.c.event_id == event_id).scalar_subquery() if event_id else 0
        statement = (
            select(fills)
            .join(events, events.c.event_id == fills.c.event_id)
            .where(fills.c.trader_id == self._trader_id, ~fills.c.voided, events.c.sequence > here)
        )
        return [read_fill(row) for row in await self._rows(statement.order_by(events.c.sequence))]

    async def open_now(self) -> tuple[list[tuple[str, str, Decimal]], list[Position]]:
        """Return account, client order id and filled quantity of every open order, and the open positions."""
        columns = (orders.c.account_id, orders.c.client_order_id, orders.c.filled_quantity)
        statement = select(*columns).where(orders.c.trader_id == self._trader_id, orders.c.is_open)
        found = [
            (row["account_id"], row["client_order_id"], row["filled_quantity"]) for row in await self._rows(statement)
        ]
        return found, [position for position, _ in await self._open_positions()]

    async def _orders(self, condition: ColumnElement[bool]) -> list[OrderHistory]:
        statement = select(orders.c.operation_id).where(orders.c.trader_id == self._trader_id, condition)
        wanted = [row["operation_id"] for row in await self._rows(statement.order_by(orders.c.ts_placed))]
        found: dict[str, list[OrderEvent]] = {operation: [] for operation in wanted}
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            log = select(events.c.payload).where(events.c.operation_id.in_(chunk)).order_by(events.c.sequence)
            for event in order_events(decode(row["payload"].encode()) for row in await self._rows(log)):
                found[event.operation_id].append(event)
        return [OrderHistory(operation_id=key, events=tuple(several)) for key, several in found.items()]

    async def _positions(self) -> list[PositionHistory]:
        histories = []
        for position, mine in await self._open_positions():
            made_of = await self._fills(and_(*mine, fills.c.ts_event >= position.ts_opened))
            histories.append(PositionHistory(position=position, fills=tuple(made_of)))
        return histories

    async def _open_positions(self) -> list[tuple[Position, list[ColumnElement[bool]]]]:
        statement = select(positions).where(positions.c.trader_id == self._trader_id, positions.c.is_open)
        key = [column.name for column in positions.primary_key.columns]
        rows = await self._rows(statement.order_by(*positions.primary_key.columns))
        return [(read_position(row), [fills.c[name] == row[name] for name in key]) for row in rows]

    async def _fills(self, condition: ColumnElement[bool]) -> list[Filled]:
        statement = select(fills).where(fills.c.trader_id == self._trader_id, ~fills.c.voided, condition)
        return [read_fill(row) for row in await self._rows(statement.order_by(fills.c.ts_event, fills.c.fill_id))]

    async def _rows(self, statement: Select) -> Sequence:  # type: ignore[type-arg]
        async with self._engine.connect() as connection:
            return (await connection.execute(statement)).mappings().all()
