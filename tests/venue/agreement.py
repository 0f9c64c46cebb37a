"""Compare what a Nautilus node believes with what the venue's ledger says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nautilus_trader.model.enums import OrderStatus, PositionSide

from tests.venue.core.model import Status
from tests.venue.nautilus_node import RunningNode
from tests.venue.venue import Market

_STATUS = {
    Status.NEW: {OrderStatus.ACCEPTED, OrderStatus.TRIGGERED},
    Status.PARTIALLY_FILLED: {OrderStatus.PARTIALLY_FILLED},
    Status.FILLED: {OrderStatus.FILLED},
    Status.CANCELED: {OrderStatus.CANCELED},
    Status.EXPIRED: {OrderStatus.EXPIRED},
    Status.PREVENTED: {OrderStatus.EXPIRED},
}

type Row = tuple[Any, ...]


def cached_fills(node: RunningNode) -> set[Row]:
    """Return (client id, trade id, price, quantity, commission) of every fill in the cache."""
    return {
        (
            order.client_order_id.value,
            event.trade_id.value,
            event.last_px.as_decimal(),
            event.last_qty.as_decimal(),
            event.commission.as_decimal(),
        )
        for order in node.cache.orders()
        for event in order.events
        if type(event).__name__ == "OrderFilled"
    }


def ledger_fills(market: Market, account: str) -> set[Row]:
    return {
        (fill.client_id, str(fill.trade_id), fill.price, fill.quantity, fill.fee)
        for fill in market.exchange.account_fills(account)
    }


def orders_agree(node: RunningNode, market: Market, account: str) -> bool:
    """Say whether both know the same orders, in the same state, filled alike."""
    ours = {order.client_order_id.value: order for order in node.cache.orders()}
    theirs = {order.client_id: order for order in market.exchange.account_orders(account)}
    return ours.keys() == theirs.keys() and all(
        ours[key].status in _STATUS[order.status]
        and ours[key].filled_qty.as_decimal() == order.filled
        and ours[key].quantity.as_decimal() == order.quantity
        for key, order in theirs.items()
    )


def cached_position(node: RunningNode) -> Decimal:
    """Return the signed open quantity of the node's instrument."""
    return sum(
        (
            position.quantity.as_decimal() * (1 if position.side == PositionSide.LONG else -1)
            for position in node.cache.positions_open(instrument_id=node.instrument.id)
        ),
        Decimal(0),
    )


def cached_total(node: RunningNode, asset: str) -> Decimal:
    account = node.cache.accounts()[0]
    totals: dict[str, Decimal] = {currency.code: b.total.as_decimal() for currency, b in account.balances().items()}
    return totals[asset]


def agrees(node: RunningNode, market: Market, account: str, symbol: str) -> bool:
    """Say whether orders, fills, position and balance are the same on both sides."""
    ledger = market.exchange.ledger.accounts[account]
    return (
        orders_agree(node, market, account)
        and cached_fills(node) == ledger_fills(market, account)
        and cached_position(node) == ledger.position(symbol).quantity
        and cached_total(node, "USDT") == ledger.total("USDT")
    )


def spot_agrees(node: RunningNode, market: Market, account: str) -> bool:
    """Say whether orders, fills and all balances are the same on both sides."""
    ledger = market.exchange.ledger.accounts[account]
    return (
        orders_agree(node, market, account)
        and cached_fills(node) == ledger_fills(market, account)
        and all(cached_total(node, asset) == ledger.total(asset) for asset in ledger.assets())
    )
