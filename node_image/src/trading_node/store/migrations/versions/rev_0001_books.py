"""The books: event log, orders, fills and positions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_DECIMAL = sa.Numeric(38, 18).with_variant(sa.Text(), "sqlite")


def _word(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), server_default="", nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def _amount(name: str, default: str = "0") -> sa.Column[object]:
    return sa.Column(name, _DECIMAL, server_default=default, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def upgrade() -> None:
    """Make the tables, and hold the event log to being append-only."""
    op.create_table(
        "unified_events",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        _word("operation_id"),
        _word("trader_id"),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ts_event", sa.BigInteger(), nullable=False),
        sa.Column("ts_init", sa.BigInteger(), nullable=False),
        _flag("reconciliation"),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index("ix_unified_events_kind", "unified_events", ["trader_id", "kind", "ts_init"])
    op.create_index("ix_unified_events_operation", "unified_events", ["operation_id"])
    op.create_table(
        "unified_fills",
        sa.Column("fill_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False),
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
        _amount("multiplier", "1"),
        _flag("inverse"),
        _flag("spot"),
        _word("tx_hash"),
        sa.Column("gas_used", sa.BigInteger()),
        sa.Column("gas_price", _DECIMAL),
        _flag("reconciliation"),
        _flag("voided"),
        _number("ts_event"),
        _number("ts_init"),
        sa.PrimaryKeyConstraint("fill_id"),
    )
    op.create_index("ix_unified_fills_operation", "unified_fills", ["operation_id"])
    op.create_index(
        "ix_unified_fills_position",
        "unified_fills",
        ["trader_id", "strategy_id", "account_id", "instrument_id", "position_id", "ts_event"],
    )
    op.create_index("ix_unified_fills_time", "unified_fills", ["trader_id", "venue", "ts_event"])
    op.create_table(
        "unified_orders",
        sa.Column("operation_id", sa.String(), nullable=False),
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
        sa.Column("reason_details", sa.Text(), server_default="{}", nullable=False),
        sa.Column("quantity", _DECIMAL),
        sa.Column("price", _DECIMAL),
        sa.Column("trigger_price", _DECIMAL),
        sa.Column("display_quantity", _DECIMAL),
        _amount("filled_quantity"),
        sa.Column("average_price", _DECIMAL),
        sa.Column("commissions", sa.Text(), server_default="{}", nullable=False),
        _flag("post_only"),
        _flag("reduce_only"),
        _flag("quote_quantity"),
        _word("emulation_trigger"),
        _word("algorithm"),
        sa.Column("algorithm_parameters", sa.Text(), server_default="{}", nullable=False),
        _word("parent_operation_id"),
        _word("spawn_operation_id"),
        _word("order_list_id"),
        _word("contingency"),
        sa.Column("linked_operation_ids", sa.Text(), server_default="[]", nullable=False),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False),
        _word("atomic_group"),
        sa.Column("atomic_sequence", sa.Integer()),
        sa.Column("odds", _DECIMAL),
        _word("selection"),
        _word("tx_hash"),
        sa.Column("gas_used", sa.BigInteger()),
        sa.Column("gas_price", _DECIMAL),
        _flag("reconciliation"),
        _number("ts_placed"),
        sa.Column("ts_expire", sa.BigInteger()),
        sa.Column("ts_submitted", sa.BigInteger()),
        sa.Column("ts_accepted", sa.BigInteger()),
        sa.Column("ts_closed", sa.BigInteger()),
        _number("ts_last"),
        sa.PrimaryKeyConstraint("operation_id"),
    )
    op.create_index(
        "ix_unified_orders_atomic_group",
        "unified_orders",
        ["atomic_group", "atomic_sequence"],
        postgresql_where=sa.text("atomic_group <> ''"),
        sqlite_where=sa.text("atomic_group <> ''"),
    )
    op.create_index(
        "ix_unified_orders_open",
        "unified_orders",
        ["trader_id", "instrument_id"],
        postgresql_where=sa.text("is_open"),
        sqlite_where=sa.text("is_open"),
    )
    op.create_index("ix_unified_orders_status", "unified_orders", ["trader_id", "strategy_id", "venue", "status"])
    op.create_index("ix_unified_orders_velocity", "unified_orders", ["trader_id", "strategy_id", "venue", "ts_placed"])
    op.create_index("ix_unified_orders_venue_order", "unified_orders", ["venue", "venue_order_id"])
    op.create_table(
        "unified_positions",
        sa.Column("trader_id", sa.String(), nullable=False),
        sa.Column("strategy_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("instrument_id", sa.String(), nullable=False),
        sa.Column("position_id", sa.String(), nullable=False),
        _word("venue"),
        _word("base_currency"),
        _word("quote_currency"),
        _word("settlement_currency"),
        _amount("multiplier", "1"),
        _flag("inverse"),
        _flag("is_open"),
        _amount("quantity"),
        sa.Column("average_price", _DECIMAL),
        _amount("realized_profit"),
        sa.Column("commissions", sa.Text(), server_default="{}", nullable=False),
        _amount("bought"),
        _amount("sold"),
        _number("fill_count"),
        _number("ts_opened"),
        _number("ts_last"),
        _word("last_trade_id"),
        _word("last_fill_id"),
        sa.PrimaryKeyConstraint("trader_id", "strategy_id", "account_id", "instrument_id", "position_id"),
    )
    op.create_index("ix_unified_positions_base", "unified_positions", ["base_currency", "venue"])
    op.create_index("ix_unified_positions_instrument", "unified_positions", ["instrument_id", "venue"])
    op.create_index(
        "ix_unified_positions_open",
        "unified_positions",
        ["trader_id", "strategy_id", "venue"],
        postgresql_where=sa.text("is_open"),
        sqlite_where=sa.text("is_open"),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION unified_events_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'unified_events is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER unified_events_append_only BEFORE UPDATE OR DELETE ON unified_events "
            "FOR EACH STATEMENT EXECUTE FUNCTION unified_events_append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER unified_events_no_{change.lower()} BEFORE {change} ON unified_events "
            "BEGIN SELECT RAISE(ABORT, 'unified_events is append-only'); END"
        )
