"""Checks of how often is sent, and of the same order twice."""

from trading_node.risk.book import GateBook
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.holdings import Holding
from trading_node.risk.limits import NANOSECONDS_PER_MILLISECOND
from trading_node.risk.orders import OrderIntent
from trading_node.risk.plan import Plan
from trading_node.risk.rates import MINUTE, SECOND


def check_rates(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse to send more often than the node, the strategy or the venue may."""
    del order, holding
    log = book.sends
    now_ns += log.behind
    if now_ns < log.newest:
        now_ns = log.step_back(now_ns)
    for limits, sends in plan.rates:
        most, count = limits.per_second, len(sends.times)
        if most is not None and count >= most and sends.reached(most, SECOND, now_ns):
            return Deny(Reason.ORDERS_PER_SECOND, limits.scope, most, sends.count(SECOND, now_ns) + 1)
        most = limits.per_minute
        if most is not None and count >= most and sends.reached(most, MINUTE, now_ns):
            return Deny(Reason.ORDERS_PER_MINUTE, limits.scope, most, sends.count(MINUTE, now_ns) + 1)
    return None


def check_repetition(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse what a strategy sent a moment ago already."""
    del holding
    window, last = plan.limits.duplicate_window_ns, book.last_sent(order)
    if window is None or last is None or not 0 <= now_ns - last < window:  # A clock that stepped back says nothing.
        return None
    since, least = ((time // NANOSECONDS_PER_MILLISECOND) for time in (now_ns - last, window))
    return Deny(Reason.DUPLICATE_ORDER, order.strategy, least, since)
