"""Checks of an order's price: against the market's, and against our own resting orders."""

from decimal import Decimal

from trading_node.risk.book import GateBook
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.holdings import Holding, Market
from trading_node.risk.limits import NANOSECONDS_PER_SECOND
from trading_node.risk.orders import OrderIntent
from trading_node.risk.plan import Plan

FRESH_NS = 60 * NANOSECONDS_PER_SECOND
"""Age of a price that others are compared with, where the limits do not say one."""


def touch_price(order: OrderIntent, market: Market) -> Decimal | None:
    """Return the price that the market offers to an order now; None if that is not known."""
    touch = market.ask if order.buy else market.bid
    return market.mark if touch is None else touch


def worst_price(order: OrderIntent, market: Market) -> Decimal | None:
    """Return the price that makes an order worth most; None if neither order nor market has one."""
    own, touch = order.price, touch_price(order, market)
    if own is None:
        own = order.trigger
        if own is None:
            return touch
        if order.buy and touch is not None:  # Where the market has passed the trigger, it fills at the market's price.
            return _touch_when_triggered(order, own, touch)
    # A sell below the market fills at the market's price or its own, whichever is higher.
    return own if order.buy or touch is None else max(own, touch)


def check_age(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse to trade on an old price."""
    del order, book
    most, market = plan.limits.max_age_ns, holding.market
    if most is None or (market.seen_ns is not None and now_ns - market.seen_ns <= most):
        return None
    return _deny_older(market, most, now_ns)


def _deny_older(market: Market, most: int, now_ns: int) -> Deny | None:
    if market.seen_ns is None:
        return Deny(Reason.NO_REFERENCE_PRICE, market.contract.instrument_id)
    age = now_ns - market.seen_ns
    if age <= most:
        return None
    age_seconds, most_seconds = (Decimal(time) / NANOSECONDS_PER_SECOND for time in (age, most))
    return Deny(Reason.STALE_REFERENCE_PRICE, market.contract.instrument_id, most_seconds, age_seconds)


def check_tolerance(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse a price that is worse than the market's by more than the tolerance, or that cannot be compared."""
    del book
    tolerance, market, price = plan.own.price_tolerance, holding.market, order.price
    if tolerance is None or price is None:
        return None
    if plan.limits.max_age_ns is None and market.seen_ns is not None and now_ns - market.seen_ns > FRESH_NS:
        return _deny_older(market, FRESH_NS, now_ns)
    touch = (market.ask if order.buy else market.bid) or touch_price(order, market)
    if not touch:
        return Deny(Reason.NO_REFERENCE_PRICE, order.contract.instrument_id)
    if not order.active and order.trigger is not None:
        touch = _touch_when_triggered(order, order.trigger, touch)
    if price <= touch if order.buy else price >= touch:
        return None
    excess = price - touch if order.buy else touch - price
    if excess <= tolerance * abs(touch):
        return None
    return Deny(Reason.PRICE_OFF_MARKET, order.contract.instrument_id, tolerance, round(excess / abs(touch), 6))


def _touch_when_triggered(order: OrderIntent, trigger: Decimal, touch: Decimal) -> Decimal:
    """Return the price that the market will offer at least when a conditional order becomes active.

    A stop to buy waits for the market to rise to its trigger, a buy if touched for it to fall there. Where the market
    has passed the trigger already, the order trades at once, at the price of now.
    """
    rises = order.buy is not order.kind.endswith("IF_TOUCHED")
    return max(trigger, touch) if rises else min(trigger, touch)


def check_tolerance_of_reducing(
    order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int
) -> Deny | None:
    """Refuse a bad price of a reducing order, which is not held back for want of a fresh one to compare with."""
    if touch_price(order, holding.market) and check_age(order, holding, plan, book, now_ns) is None:
        refusal = check_tolerance(order, holding, plan, book, now_ns)
        return None if refusal is None or refusal.reason is Reason.STALE_REFERENCE_PRICE else refusal
    return None


def check_crossing(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse an order that would trade with one of our own.

    A market order trades with ours if ours is as good as the market's best. Conditional orders do not trade at once.
    """
    del plan, book, now_ns
    market = holding.market
    resting = market.resting_sells if order.buy else market.resting_buys
    own = resting.best if resting.prices else None
    if own is None or not order.active:
        return None
    price = order.price if order.price is not None else touch_price(order, market)
    if price is not None and (price < own if order.buy else price > own):
        return None
    return Deny(Reason.SELF_CROSSING, order.contract.instrument_id, own, price)
