"""The venue's ledger, as its control API tells it, in the words of the comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.ledger.rooms import LedgerRoom
from tests.ledger.rows import FillRow, OrderRow, State, VenueRows

_STATES = {
    "NEW": State.OPEN,
    "PARTIALLY_FILLED": State.OPEN,
    "FILLED": State.FILLED,
    "CANCELED": State.CANCELED,
    "EXPIRED": State.EXPIRED,
    "PREVENTED": State.TAKEN_OUT,
}
_CONDITIONAL_STATES = {
    "WAITING": State.OPEN,
    "CANCELED": State.CANCELED,
    "EXPIRED": State.EXPIRED,
    "REJECTED": State.REFUSED,
}


def venue_rows(ledger: Mapping[str, Any], room: LedgerRoom, purse: Mapping[str, Decimal]) -> VenueRows:
    """Return the rows of one account; purse: what it was given of each asset."""
    spot = {market.symbol: market.base for market in room.markets if market.base}
    multipliers = {market.symbol: market.multiplier for market in room.markets if market.multiplier}
    fills = tuple(_fill(fill) for fill in ledger["fills"])
    positions = {held["symbol"]: Decimal(held["quantity"]) for held in ledger["positions"]}
    for symbol, base in spot.items():
        balance = ledger["balances"].get(base, {"free": "0", "locked": "0"})
        positions[symbol] = Decimal(balance["free"]) + Decimal(balance["locked"]) - purse.get(base, Decimal(0))
    worth = {symbol: Decimal(0) for symbol in multipliers}
    for fill in fills:
        if fill.symbol in multipliers:
            sign = -1 if fill.side == "BUY" else 1
            worth[fill.symbol] += sign * fill.quantity * Decimal(multipliers[fill.symbol]) * fill.price - fill.fee
    amended = {event["order"]["id"] for event in ledger["events"] if event.get("change") == "AMENDED"}
    orders = [_order(order, amended=order["id"] in amended) for order in ledger["orders"]]
    # One that fired lives on as an order with the same client id.
    orders += [_conditional(each) for each in ledger["conditionals"] if each["order_id"] is None]
    if not room.expires:
        orders = [replace(o, state=State.CANCELED) if o.state is State.EXPIRED else o for o in orders]
    return VenueRows(orders=tuple(orders), fills=fills, positions=positions, worth=worth)


def balances(ledger: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return what the account has of each asset."""
    return {asset: Decimal(held["free"]) + Decimal(held["locked"]) for asset, held in dict(ledger["balances"]).items()}


def _order(order: Mapping[str, Any], *, amended: bool) -> OrderRow:
    limit = order["request"]["kind"] == "LIMIT" and order["price"] is not None
    return OrderRow(
        client_id=order["client_id"],
        venue_id=str(order["id"]),
        symbol=order["request"]["symbol"],
        side=order["request"]["side"],
        quantity=Decimal(order["quantity"]),
        price=Decimal(order["price"]) if limit else None,
        filled=Decimal(order["filled"]),
        state=_STATES[order["status"]],
        amended=amended,
    )


def _conditional(conditional: Mapping[str, Any]) -> OrderRow:
    request = conditional["request"]
    return OrderRow(
        client_id=conditional["client_id"],
        venue_id=str(conditional["id"]),
        symbol=request["symbol"],
        side=request["side"],
        quantity=Decimal(request["quantity"] or 0),
        price=Decimal(request["price"]) if request["price"] is not None else None,
        filled=Decimal(0),
        state=_CONDITIONAL_STATES[conditional["status"]],
    )


def _fill(fill: Mapping[str, Any]) -> FillRow:
    return FillRow(
        trade_id=str(fill["trade_id"]),
        client_id=fill["client_id"],
        symbol=fill["symbol"],
        side=fill["side"],
        quantity=Decimal(fill["quantity"]),
        price=Decimal(fill["price"]),
        fee=Decimal(fill["fee"]),
        fee_asset=fill["fee_asset"],
    )
