"""One batch of events into the database: one transaction, after which log and tables agree, however often it runs."""

from collections.abc import Iterable, Sequence
from functools import cache

from sqlalchemy import Column, Table, TextClause, and_, delete, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from trading_node.book_events import OrderEvent
from trading_node.positions import Position, PositionKey, fold_position
from trading_node.store import schema
from trading_node.store.codec import decode
from trading_node.store.projection import (
    FillChanges,
    FillState,
    advance,
    change_fills,
    fold_orders,
    order_events,
    touched_fills,
)
from trading_node.store.rows import (
    Row,
    event_row,
    fill_row,
    json_text,
    order_row,
    position_row,
    read_fill,
    read_position,
)

_CHUNK = 512
# Whatever the server believes of a table that grew from nothing within minutes: all that is asked here has an index. Of
# a table that it has no statistics of it would read all for a few hundred keys, with each batch more.
_BEGIN = text(
    "SELECT pg_advisory_xact_lock(723460, hashtext(:trader)), "
    "set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true)"
)


async def write_batch(connection: AsyncConnection, trader_id: str, payloads: Sequence[bytes]) -> None:
    """Append encoded events to the log and bring the tables to what the log then says.

    Runs in the caller's transaction. Writers of one trader wait for each other, so that nodes that overlap for a moment
    write one after the other. An event that is in the log already changes nothing. Raises UnreadableEventError.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_BEGIN, {"trader": trader_id})
    events = [decode(payload) for payload in payloads]
    concerned = order_events(events)
    before = await _history(connection, sorted({event.operation_id for event in concerned}))
    rows = [event_row(event, payload, trader_id) for event, payload in zip(events, payloads, strict=True)]
    await _upsert(connection, schema.events, rows)
    if not concerned:
        return
    folds = fold_orders([*before, *concerned])
    rows = [order_row(fold.order(), trader_id) for _, fold in sorted(folds.items())]
    await _upsert(connection, schema.orders, rows)
    touched = touched_fills(concerned)
    if touched:
        changes = change_fills(touched, folds, await _known_fills(connection, trader_id, touched))
        await _write_fills(connection, changes)


async def _write_fills(connection: AsyncConnection, changes: FillChanges) -> None:
    rows = [fill_row(state.fill, voided=state.voided) for state in changes.written]
    await _upsert(connection, schema.fills, sorted(rows, key=lambda row: row["fill_id"]))
    current = await _positions(connection, changes.fresh.keys() - changes.refold)
    changed: list[Position] = []
    for key in sorted(changes.fresh.keys() | changes.refold):
        position = None if key in changes.refold else advance(current.get(key), changes.fresh[key])
        if position is None:
            position = await _refold_position(connection, key)
        if position is not None:
            changed.append(position)
    await _upsert(connection, schema.positions, [position_row(position) for position in changed])


async def _history(connection: AsyncConnection, operation_ids: Iterable[str]) -> list[OrderEvent]:
    condition, keys = _among(connection, schema.events.c.operation_id, operation_ids)
    payloads = (await connection.execute(select(schema.events.c.payload).where(condition), keys)).scalars()
    return order_events(decode(payload.encode()) for payload in payloads)


async def _known_fills(connection: AsyncConnection, trader_id: str, fill_ids: Iterable[str]) -> dict[str, FillState]:
    condition, keys = _among(connection, schema.fills.c.fill_id, fill_ids)
    mine = schema.fills.c.trader_id == trader_id
    rows = await connection.execute(select(schema.fills).where(condition, mine), keys)
    return {row["fill_id"]: FillState(read_fill(row), row["voided"]) for row in rows.mappings()}


async def _positions(connection: AsyncConnection, keys: Iterable[PositionKey]) -> dict[PositionKey, Position]:
    found: dict[PositionKey, Position] = {}
    columns = schema.positions.primary_key.columns
    for chunk in _padded([tuple(_key_values(key).values()) for key in keys]):
        rows = await connection.execute(select(schema.positions).where(tuple_(*columns).in_(chunk)))
        read = [read_position(row) for row in rows.mappings()]
        found.update({position.key: position for position in read})
    return found


async def _refold_position(connection: AsyncConnection, key: PositionKey) -> Position | None:
    """Fold a position from all of its fills; its row goes when it has none."""
    mine = [schema.fills.c[name] == value for name, value in _key_values(key).items()]
    rows = await connection.execute(select(schema.fills).where(and_(*mine, ~schema.fills.c.voided)))
    position = fold_position(read_fill(row) for row in rows.mappings())
    if position is None:
        mine = [schema.positions.c[name] == value for name, value in _key_values(key).items()]
        await connection.execute(delete(schema.positions).where(and_(*mine)))
    return position


async def _upsert(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows in one statement, as one parameter: neither driver nor server then handles them one by one."""
    if rows:
        statement = _upsert_statement(connection.dialect.name, table, tuple(rows[0]))
        await connection.execute(statement, {"rows": json_text(rows)})


@cache
def _upsert_statement(dialect: str, table: Table, columns: tuple[str, ...]) -> TextClause:
    """Return the statement that inserts rows given as JSON, or updates those that are there.

    It names only the columns that this release knows: those of a later one keep what is in them.
    """
    if dialect == "postgresql":
        chosen, source = columns, f"json_populate_recordset(NULL::{table.name}, CAST(:rows AS json))"
    else:
        chosen, source = tuple(f"value ->> '$.{column}'" for column in columns), "json_each(:rows)"
    # WHERE true: without it SQLite takes ON CONFLICT for a join.
    insert = f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {', '.join(chosen)} FROM {source} WHERE true"  # noqa: S608 - names from the schema alone
    if table is schema.events:
        return text(f"{insert} ON CONFLICT (event_id) DO NOTHING")
    key = [column.name for column in table.primary_key]
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    return text(f"{insert} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {updates}")


def _among(
    connection: AsyncConnection, column: Column[str], values: Iterable[str]
) -> tuple[TextClause, dict[str, object]]:
    """Return the condition that a column has one of the values, and these as its one parameter.

    A parameter for each value would have the statement made anew for each batch, in more time than it takes to run.
    """
    if connection.dialect.name == "postgresql":
        return text(f"{column} = ANY(CAST(:keys AS TEXT[]))"), {"keys": list(values)}
    among = f"{column} IN (SELECT value FROM json_each(:keys))"  # noqa: S608 - the column is the schema's
    return text(among), {"keys": json_text(list(values))}


def _key_values(key: PositionKey) -> dict[str, str]:
    return {column.name: getattr(key, column.name) for column in schema.positions.primary_key.columns}


def _padded[T](values: Iterable[T]) -> Iterable[list[T]]:
    """Give the values in chunks of few different lengths, so that the database meets few different statements."""
    remaining = list(values)
    while remaining:
        chunk, remaining = remaining[:_CHUNK], remaining[_CHUNK:]
        length = 1 << (len(chunk) - 1).bit_length()
        yield chunk + chunk[-1:] * (length - len(chunk))
