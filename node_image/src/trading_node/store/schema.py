"""The books' tables: one schema for PostgreSQL and for the embedded database.

`unified_events` is the append-only log and the truth; `unified_orders`, `unified_fills` and `unified_positions` are
folds of it, kept for reading. `unified_claims` says what a trader's books are about. Decimals are NUMERIC(38, 18), in
SQLite text: never binary floats. Times are BIGINT, UNIX nanoseconds in UTC. JSON is text.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from trading_node.exact import PRECISION, SCALE, plain, rounded

REVISION = "0002"
"""The newest migration: the schema that this release's code wants."""


class ExactDecimal(TypeDecorator[Decimal]):
    """A Decimal that comes back as it went in, to 18 digits after the point."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return NUMERIC where it is exact, text where the database would make it a float."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(Numeric(PRECISION, SCALE))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """Return what the driver takes."""
        if value is None:
            return None
        exact = rounded(value)
        return plain(exact) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Decimal | str | None, _dialect: Dialect) -> Decimal | None:
        """Return what the code takes."""
        return None if value is None else Decimal(value)


Nanoseconds = BigInteger
_BigKey = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()


def _word(name: str) -> Column[str]:
    return Column(name, String(), nullable=False, server_default="")


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean(), nullable=False, server_default=text("false"))


def _amount(name: str) -> Column[Decimal]:
    return Column(name, ExactDecimal(), nullable=False, server_default="0")


def _maybe_amount(name: str) -> Column[Decimal]:
    return Column(name, ExactDecimal())


def _time(name: str) -> Column[int]:
    return Column(name, Nanoseconds, nullable=False, server_default="0")


def _maybe_time(name: str) -> Column[int]:
    return Column(name, Nanoseconds)


def _json(name: str, empty: str = "{}") -> Column[str]:
    return Column(name, Text(), nullable=False, server_default=empty)


def _chain_columns() -> list[Column[Any]]:
    return [_word("tx_hash"), Column("gas_used", BigInteger), _maybe_amount("gas_price")]


events = Table(
    "unified_events",
    metadata,
    Column("sequence", _BigKey, primary_key=True, autoincrement=True),
    Column("event_id", String(), nullable=False, unique=True),
    _word("operation_id"),
    _word("trader_id"),
    Column("kind", String(), nullable=False),
    Column("ts_event", Nanoseconds, nullable=False),
    Column("ts_init", Nanoseconds, nullable=False),
    _flag("reconciliation"),
    Column("payload", Text(), nullable=False),
    Index("ix_unified_events_operation", "operation_id"),
    Index("ix_unified_events_kind", "trader_id", "kind", "ts_init"),
)

orders = Table(
    "unified_orders",
    metadata,
    Column("operation_id", String(), primary_key=True),
    _word("trader_id"),
    _word("strategy_id"),
    _word("venue"),
    _word("account_id"),
    _word("instrument_id"),
    _word("venue_symbol"),
    _word("client_order_id"),
    _word("venue_order_id"),
    _word("operation"),
    _word("side"),
    _word("order_type"),
    _word("time_in_force"),
    _word("status"),
    _flag("is_open"),
    _word("reason"),
    _json("reason_details"),
    _maybe_amount("quantity"),
    _maybe_amount("price"),
    _maybe_amount("trigger_price"),
    _maybe_amount("display_quantity"),
    _amount("filled_quantity"),
    _maybe_amount("average_price"),
    _json("commissions"),
    _flag("post_only"),
    _flag("reduce_only"),
    _flag("quote_quantity"),
    _word("emulation_trigger"),
    _word("algorithm"),
    _json("algorithm_parameters"),
    _word("parent_operation_id"),
    _word("spawn_operation_id"),
    _word("order_list_id"),
    _word("contingency"),
    _json("linked_operation_ids", "[]"),
    _json("tags", "[]"),
    _word("atomic_group"),
    Column("atomic_sequence", Integer()),
    _maybe_amount("odds"),
    _word("selection"),
    *_chain_columns(),
    _flag("reconciliation"),
    _time("ts_placed"),
    _maybe_time("ts_expire"),
    _maybe_time("ts_submitted"),
    _maybe_time("ts_accepted"),
    _maybe_time("ts_closed"),
    _time("ts_last"),
    # Velocity: how many orders of a strategy, at a venue, since a moment.
    Index("ix_unified_orders_velocity", "trader_id", "strategy_id", "venue", "ts_placed"),
    Index("ix_unified_orders_status", "trader_id", "strategy_id", "venue", "status"),
    Index(
        "ix_unified_orders_open", "trader_id", "instrument_id",
        postgresql_where=text("is_open"), sqlite_where=text("is_open"),
    ),
    Index("ix_unified_orders_venue_order", "venue", "venue_order_id"),
    Index(
        "ix_unified_orders_atomic_group", "atomic_group", "atomic_sequence",
        postgresql_where=text("atomic_group <> ''"), sqlite_where=text("atomic_group <> ''"),
    ),
)  # fmt: skip

fills = Table(
    "unified_fills",
    metadata,
    Column("fill_id", String(), primary_key=True),
    Column("event_id", String(), nullable=False),
    Column("operation_id", String(), nullable=False),
    _word("trader_id"),
    _word("strategy_id"),
    _word("venue"),
    _word("account_id"),
    _word("instrument_id"),
    _word("client_order_id"),
    _word("venue_order_id"),
    _word("trade_id"),
    _word("position_id"),
    _word("side"),
    _amount("quantity"),
    _amount("price"),
    _amount("commission"),
    _word("commission_currency"),
    _word("liquidity"),
    _word("base_currency"),
    _word("quote_currency"),
    _word("settlement_currency"),
    Column("multiplier", ExactDecimal(), nullable=False, server_default="1"),
    _flag("inverse"),
    _flag("spot"),
    *_chain_columns(),
    _flag("reconciliation"),
    _flag("voided"),
    _time("ts_event"),
    _time("ts_init"),
    Index("ix_unified_fills_operation", "operation_id"),
    Index(
        "ix_unified_fills_position",
        "trader_id", "strategy_id", "account_id", "instrument_id", "position_id", "ts_event",
    ),
    Index("ix_unified_fills_time", "trader_id", "venue", "ts_event"),
)  # fmt: skip

positions = Table(
    "unified_positions",
    metadata,
    Column("trader_id", String(), primary_key=True),
    Column("strategy_id", String(), primary_key=True),
    Column("account_id", String(), primary_key=True),
    Column("instrument_id", String(), primary_key=True),
    Column("position_id", String(), primary_key=True),
    _word("venue"),
    _word("base_currency"),
    _word("quote_currency"),
    _word("settlement_currency"),
    Column("multiplier", ExactDecimal(), nullable=False, server_default="1"),
    _flag("inverse"),
    _flag("is_open"),
    _amount("quantity"),
    _maybe_amount("average_price"),
    _amount("realized_profit"),
    _json("commissions"),
    _amount("bought"),
    _amount("sold"),
    Column("fill_count", BigInteger, nullable=False, server_default="0"),
    _time("ts_opened"),
    _time("ts_last"),
    _word("last_trade_id"),
    _word("last_fill_id"),
    Index("ix_unified_positions_instrument", "instrument_id", "venue"),
    Index("ix_unified_positions_base", "base_currency", "venue"),
    Index(
        "ix_unified_positions_open", "trader_id", "strategy_id", "venue",
        postgresql_where=text("is_open"), sqlite_where=text("is_open"),
    ),
)  # fmt: skip

claims = Table(
    "unified_claims",
    metadata,
    Column("trader_id", String(), primary_key=True),
    Column("subject", String(), primary_key=True),
    Column("claim", String(), nullable=False),
    _time("ts_claimed"),
)
