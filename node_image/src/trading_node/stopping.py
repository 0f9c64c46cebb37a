"""What is told about a stop: in the node's report, in its log and by its exit code. Pure."""

from decimal import Decimal

from trading_api.policies import DrainPolicy, OrdersAtStop, PositionsAtStop
from trading_api.status import DrainState, DrainStatus, LeftOrder, LeftPosition
from trading_node.drain.facts import Policy, Result, WorkingOrder
from trading_node.errors import NodeError, stop_incomplete
from trading_node.termination import shorten

LISTED = 5
"""Orders and positions that are listed."""
MAX_MESSAGE = 400
MAX_NAME = 128
AFTER_SECONDS = 12.0
"""What of a stop's time is kept for disconnecting, the books' last lines and the last report, at most."""
AFTER_SHARE = 0.3
DISCONNECT_SHARE = 0.4
"""The part of that which disconnecting may take."""


def after_seconds(budget_seconds: float) -> float:
    """Return how much of a stop's time is kept for what comes after the drain."""
    return min(AFTER_SECONDS, AFTER_SHARE * budget_seconds)


def stop_policy(drain: DrainPolicy, remaining_seconds: float) -> Policy:
    """Return what a stop does, with the time that it has for strategies, orders and positions."""
    return Policy(
        cancel=drain.orders is OrdersAtStop.CANCEL,
        flatten=drain.positions is PositionsAtStop.FLATTEN,
        seconds=remaining_seconds - after_seconds(remaining_seconds),
    )


def drain_begun(drain: DrainPolicy) -> DrainStatus:
    """Return the report of a stop that is at work."""
    return DrainStatus(orders=drain.orders, positions=drain.positions, state=DrainState.DRAINING)


def drain_ended(drain: DrainPolicy, result: Result, *, traded: bool) -> DrainStatus:
    """Return the report of a stop that has ended.

    traded: whether the node could send orders at all. If not, a venue that could not be asked is no failure, unless
    the node knows of something that a former run left there.
    """
    done = result.fulfilled or not (traded or _leaves_what_it_should_not(drain, result))
    return DrainStatus(
        orders=drain.orders,
        positions=drain.positions,
        state=DrainState.DONE if done else DrainState.INCOMPLETE,
        verified=result.verified,
        open_orders=len(result.orders) + len(result.strays),
        open_positions=len(result.positions),
        left_orders=tuple(_left_order(order) for order in result.orders[:LISTED]),
        left_positions=tuple(
            LeftPosition(
                instrument=shorten(left.position.instrument, MAX_NAME),
                strategy=shorten(left.position.strategy, MAX_NAME),
                quantity=_text(left.position.quantity),
                dust=left.dust,
            )
            for left in result.positions[:LISTED]
        ),
        message=shorten(_message(drain, result), MAX_MESSAGE),
    )


def stop_failure(status: DrainStatus, cause: NodeError | None) -> NodeError | None:
    """Return why a node ends whose stop left something, or could not be verified: that outranks why it stopped."""
    if status.state is not DrainState.INCOMPLETE:
        return cause
    because = "" if cause is None else f". It stopped because: {cause.message}"
    return stop_incomplete(
        f"The stop did not do all of orders: {status.orders.value}, positions: {status.positions.value}: "
        f"{status.message}{because}",
        "Look at the venue for open orders and positions, and start the node again or close them there",
    )


def _leaves_what_it_should_not(drain: DrainPolicy, result: Result) -> bool:
    orders = drain.orders is OrdersAtStop.CANCEL and bool(result.orders or result.strays)
    return orders or (drain.positions is PositionsAtStop.FLATTEN and any(left.reducible for left in result.positions))


def _message(drain: DrainPolicy, result: Result) -> str:
    orders = [f"{each.order_id} ({_side(each)} {_text(each.remaining)} {each.instrument})" for each in result.orders]
    orders += [f"{order_id} (open at the venue, closed in the node)" for order_id in result.strays]
    positions = [
        f"{_text(left.position.quantity)} {left.position.instrument} of {left.position.strategy}"
        + (" (dust)" if left.dust else "")
        for left in result.positions
    ]
    kept = drain.orders is OrdersAtStop.KEEP, drain.positions is PositionsAtStop.KEEP
    parts = [_list("order", orders, kept=kept[0]), _list("position", positions, kept=kept[1])]
    parts += [f"a venue holds {_text(quantity)} {name} beyond the node's own" for name, quantity in result.unexplained]
    said = [part for part in parts if part] or ["no order and no position is left"]
    return "; ".join(said) + ("" if result.verified else "; not every venue could be asked, so this is not verified")


def _list(kind: str, items: list[str], *, kept: bool) -> str:
    if not items:
        return ""
    more = f" and {len(items) - LISTED} more" if len(items) > LISTED else ""
    count = f"{len(items)} {kind}{'s' if len(items) > 1 else ''} {'kept' if kept else 'left'}"
    return f"{count}: {', '.join(items[:LISTED])}{more}"


def _left_order(order: WorkingOrder) -> LeftOrder:
    return LeftOrder(
        client_order_id=shorten(order.order_id, MAX_NAME),
        instrument=shorten(order.instrument, MAX_NAME),
        strategy=shorten(order.strategy, MAX_NAME),
        side=_side(order),
        quantity=_text(order.remaining),
    )


def _side(order: WorkingOrder) -> str:
    return "BUY" if order.buy else "SELL"


def _text(value: Decimal) -> str:
    return format(value, "f")
