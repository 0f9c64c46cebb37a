"""Checks of one order's quantity and worth."""

from trading_node.risk.book import GateBook
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.holdings import Holding
from trading_node.risk.orders import ONE, OrderIntent
from trading_node.risk.plan import Plan
from trading_node.risk.prices import worst_price


def check_quantity(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse a quantity that is too small or too large."""
    del holding, book, now_ns
    most, least, quantity = plan.own.max_quantity, plan.own.min_quantity, order.quantity
    if most is not None and quantity > most:
        return Deny(Reason.ORDER_QUANTITY_TOO_LARGE, order.contract.instrument_id, most, quantity)
    if least is not None and quantity < least:
        return Deny(Reason.ORDER_QUANTITY_TOO_SMALL, order.contract.instrument_id, least, quantity)
    return None


def check_notional(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse an order that is worth too little or too much."""
    del book, now_ns
    contract, own, rate = order.contract, plan.own, holding.market.rate
    if rate is None:
        return Deny(Reason.NO_CONVERSION, contract.currency)
    price = order.price
    if price is None or not order.buy:
        price = worst_price(order, holding.market)
    if price is None:
        return Deny(Reason.NO_REFERENCE_PRICE, contract.instrument_id)
    notional = abs(order.quantity * price if contract.plain else contract.notional(order.quantity, price))
    if rate is not ONE:
        notional *= rate
    most, least = own.max_notional, own.min_notional
    if most is not None and notional > most:
        return Deny(Reason.ORDER_NOTIONAL_TOO_LARGE, contract.instrument_id, most, notional)
    if least is not None and notional < least:
        return Deny(Reason.ORDER_NOTIONAL_TOO_SMALL, contract.instrument_id, least, notional)
    return None
