"""Between the books' dataclasses and the tables' rows: written as JSON with amounts as text, read as columns."""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from trading_node.book_events import BookEvent, Filled, Placed, Side, describe
from trading_node.exact import plain, rounded
from trading_node.orders import Order
from trading_node.positions import Position, PositionKey

Row = dict[str, Any]


def event_row(event: BookEvent, payload: bytes, trader_id: str) -> Row:
    """Return an event and its encoded form as a row of the log."""
    return {
        "event_id": event.event_id,
        "operation_id": event.operation_id,
        "trader_id": trader_id,
        "kind": describe(event),
        "ts_event": _integer(event.ts_event),
        "ts_init": _integer(event.ts_init),
        "reconciliation": event.reconciliation,
        "payload": payload.decode(),
    }


def order_row(order: Order, trader_id: str) -> Row:
    """Return an order as a row; what its placing would tell is empty while that is unknown."""
    return {
        **_terms_columns(order.terms),
        "operation_id": order.operation_id,
        "trader_id": trader_id,
        "account_id": _text(order.account_id),
        "venue_order_id": _text(order.venue_order_id),
        "status": order.status.value,
        "is_open": order.is_open,
        "reason": _text(order.reason),
        "reason_details": json_text(order.details),
        "quantity": _amount(order.quantity),
        "price": _amount(order.price),
        "trigger_price": _amount(order.trigger_price),
        "filled_quantity": _amount(order.filled_quantity),
        "average_price": _amount(order.average_price),
        "commissions": _amounts(order.commissions),
        "tx_hash": order.tx_hash,
        "gas_used": _integer(order.gas_used),
        "gas_price": _amount(order.gas_price),
        "ts_submitted": order.ts_submitted,
        "ts_accepted": order.ts_accepted,
        "ts_closed": order.ts_closed,
        "ts_last": order.ts_last,
    }


def _terms_columns(terms: Placed | None) -> Row:
    known = terms or _UNKNOWN
    return {
        "strategy_id": known.strategy_id,
        "venue": known.venue,
        "instrument_id": known.instrument_id,
        "venue_symbol": known.venue_symbol,
        "client_order_id": known.client_order_id,
        "operation": known.operation.value,
        "side": known.side.value if terms else "",
        "order_type": known.order_type,
        "time_in_force": known.time_in_force,
        "display_quantity": _amount(known.display_quantity),
        "post_only": known.post_only,
        "reduce_only": known.reduce_only,
        "quote_quantity": known.quote_quantity,
        "emulation_trigger": known.emulation_trigger,
        "algorithm": known.algorithm,
        "algorithm_parameters": json_text(known.parameters),
        "parent_operation_id": known.parent_operation_id,
        "spawn_operation_id": known.spawn_operation_id,
        "order_list_id": known.order_list_id,
        "contingency": known.contingency,
        "linked_operation_ids": json_text(known.linked_operation_ids),
        "tags": json_text(known.tags),
        "atomic_group": known.atomic_group,
        "atomic_sequence": _integer(known.atomic_sequence),
        "odds": _amount(known.odds),
        "selection": _text(known.selection),
        "reconciliation": known.reconciliation,
        "ts_placed": known.ts_event,
        "ts_expire": _integer(known.ts_expire),
    }


_UNKNOWN = Placed(
    event_id="", operation_id="", ts_event=0, ts_init=0, trader_id="", strategy_id="", venue="", instrument_id="",
    client_order_id="", side=Side.BUY, order_type="", quantity=Decimal(0),
)  # fmt: skip
_FILL_COLUMNS = (
    "event_id", "operation_id", "trader_id", "strategy_id", "venue", "account_id", "instrument_id", "client_order_id",
    "venue_order_id", "trade_id", "position_id", "quantity", "price", "commission", "commission_currency", "liquidity",
    "base_currency", "quote_currency", "settlement_currency", "multiplier", "inverse", "spot", "tx_hash", "gas_used",
    "gas_price", "reconciliation", "ts_event", "ts_init",
)  # fmt: skip
_fill_values = attrgetter(*_FILL_COLUMNS)
_FILL_AMOUNTS = ("quantity", "price", "commission", "multiplier", "gas_price")


def fill_row(fill: Filled, *, voided: bool) -> Row:
    """Return a fill as a row."""
    row: Row = dict(zip(_FILL_COLUMNS, _fill_values(fill), strict=True))
    for name in _FILL_AMOUNTS:
        row[name] = _amount(row[name])
    row["gas_used"] = _integer(fill.gas_used)
    return {**row, "fill_id": fill.fill_id, "side": fill.side.value, "voided": voided}


def read_fill(row: RowMapping) -> Filled:
    """Return the fill in a row."""
    return Filled(side=Side(row["side"]), **{name: row[name] for name in _FILL_COLUMNS})


def position_row(position: Position) -> Row:
    """Return a position as a row."""
    key = position.key
    return {
        "trader_id": key.trader_id,
        "strategy_id": key.strategy_id,
        "account_id": key.account_id,
        "instrument_id": key.instrument_id,
        "position_id": key.position_id,
        "venue": position.venue,
        "base_currency": position.base_currency,
        "quote_currency": position.quote_currency,
        "settlement_currency": position.settlement_currency,
        "multiplier": _amount(position.multiplier),
        "inverse": position.inverse,
        "is_open": position.is_open,
        "quantity": _amount(position.quantity),
        "average_price": _amount(position.average_price),
        "realized_profit": _amount(position.realized_profit),
        "commissions": _amounts(position.commissions),
        "bought": _amount(position.bought),
        "sold": _amount(position.sold),
        "fill_count": position.fill_count,
        "ts_opened": position.ts_opened,
        "ts_last": position.ts_last,
        "last_trade_id": position.last_fill[2],
        "last_fill_id": position.last_fill[3],
    }


def read_position(row: RowMapping) -> Position:
    """Return the position in a row."""
    return Position(
        key=PositionKey(
            trader_id=row["trader_id"],
            strategy_id=row["strategy_id"],
            account_id=row["account_id"],
            instrument_id=row["instrument_id"],
            position_id=row["position_id"],
        ),
        venue=row["venue"],
        base_currency=row["base_currency"],
        quote_currency=row["quote_currency"],
        settlement_currency=row["settlement_currency"],
        multiplier=row["multiplier"],
        inverse=row["inverse"],
        quantity=row["quantity"],
        average_price=row["average_price"],
        realized_profit=row["realized_profit"],
        commissions={currency: Decimal(amount) for currency, amount in json.loads(row["commissions"]).items()},
        bought=row["bought"],
        sold=row["sold"],
        fill_count=row["fill_count"],
        ts_opened=row["ts_opened"],
        ts_last=row["ts_last"],
        last_fill=(row["ts_last"], len(row["last_trade_id"]), row["last_trade_id"], row["last_fill_id"]),
    )


_to_json = msgspec.json.Encoder(enc_hook=str).encode


def json_text(value: object) -> str:
    """Return the value as JSON; what JSON does not know as text."""
    return _to_json(value).decode()


def _integer(value: int | None) -> int | None:
    """Return what a BIGINT holds. Raises OverflowError for more: SQLite would silently make it a float."""
    if value is not None and not -(2**63) <= value < 2**63:
        raise OverflowError(f"{value} is more than 64 bits hold")
    return value


@lru_cache(maxsize=8192)  # Equal amounts give equal text, and they repeat.
def _amount(value: Decimal | None) -> str | None:
    return None if value is None else plain(rounded(value))


def _amounts(amounts: Mapping[str, Decimal]) -> str:
    return json_text({currency: plain(amount) for currency, amount in amounts.items()})


def _text(value: str) -> str:
    """Return text that every database takes: venues have been seen to send NUL in their reasons."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
