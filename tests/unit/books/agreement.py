"""Whether a database holds exactly what happened: nothing lost, nothing doubled, nothing else."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from trading_node.book_events import BookEvent, Filled, FillVoided, Noted, OrderEvent
from trading_node.orders import fold_order
from trading_node.positions import fold_position, position_key
from trading_node.store import schema
from trading_node.store.rows import fill_row, order_row, position_row

Tables = dict[str, dict[Any, dict[str, Any]]]


def expected_tables(events: Iterable[BookEvent], trader: str) -> Tables:
    """What the events make, all at once and in memory."""
    by_id = {event.event_id: event for event in events}
    lives: dict[str, list[OrderEvent]] = {}
    for event in by_id.values():
        if not isinstance(event, Noted):
            lives.setdefault(event.operation_id, []).append(event)
    fills: dict[str, Filled] = {}
    for event in by_id.values():
        if isinstance(event, Filled):
            known = fills.get(event.fill_id, event)
            fills[event.fill_id] = min(known, event, key=lambda f: (f.reconciliation, f.ts_init, f.event_id))
    voided = {event.fill_id for event in by_id.values() if isinstance(event, FillVoided)}
    held: dict[Any, list[Filled]] = {}
    for fill in fills.values():
        if fill.fill_id not in voided:
            held.setdefault(position_key(fill), []).append(fill)
    positions = [position for fills_of in held.values() if (position := fold_position(fills_of))]
    return {
        "events": {event_id: {} for event_id in by_id},
        "orders": {key: order_row(fold_order(key, life), trader) for key, life in lives.items()},
        "fills": {key: fill_row(fill, voided=key in voided) for key, fill in fills.items()},
        "positions": {position.key: position_row(position) for position in positions},
    }


async def stored_tables(engine: AsyncEngine) -> Tables:
    async with engine.connect() as connection:

        async def rows(table: Any) -> list[dict[str, Any]]:
            known = [table.c[column.name] for column in table.columns]
            return [dict(row) for row in (await connection.execute(select(*known))).mappings()]

        logged = [row["event_id"] for row in await rows(schema.events)]
        found: Tables = {
            "events": {key: {} for key in logged},
            "orders": {row["operation_id"]: row for row in await rows(schema.orders)},
            "fills": {row["fill_id"]: row for row in await rows(schema.fills)},
            "positions": {},
        }
        for row in await rows(schema.positions):
            found["positions"][tuple(row[column.name] for column in schema.positions.primary_key)] = row
    assert len(logged) == len(set(logged))
    return found


def differences(expected: Tables, found: Tables) -> list[str]:
    """Every difference in words; empty when the database tells the truth."""
    told = []
    for table, rows in expected.items():
        by_key = {_flat(key): row for key, row in rows.items()}
        there = {_flat(key): row for key, row in found[table].items()}
        told += [f"lost from {table}: {key}" for key in by_key.keys() - there.keys()]
        told += [f"phantom in {table}: {key}" for key in there.keys() - by_key.keys()]
        for key in by_key.keys() & there.keys():
            told += [
                f"{table} {key}: {column} is {there[key][column]!r}, not {value!r}"
                for column, value in by_key[key].items()
                if not _same(there[key][column], value)
            ]
    return sorted(told)


def _flat(key: Any) -> Any:
    if hasattr(key, "position_id"):
        return (key.trader_id, key.strategy_id, key.account_id, key.instrument_id, key.position_id)
    return key


def _same(stored: Any, value: Any) -> bool:
    if isinstance(stored, Decimal) and value is not None:
        return stored == Decimal(value)
    return bool(stored == value)
