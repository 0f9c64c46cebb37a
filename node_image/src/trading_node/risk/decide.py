"""May this order be sent? One function answers, from what is known and nothing else."""

from trading_node.risk.book import GateBook
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.exposure import check_balance, check_exposure, check_loss, check_position
from trading_node.risk.frequency import check_rates, check_repetition
from trading_node.risk.holdings import Holding
from trading_node.risk.limits import UNLIMITED, Limits
from trading_node.risk.orders import ZERO, OrderIntent
from trading_node.risk.plan import Check, Plan
from trading_node.risk.prices import check_age, check_crossing, check_tolerance, check_tolerance_of_reducing
from trading_node.risk.sizes import check_notional, check_quantity
from trading_node.risk.standing import Admission, Standing


def decide(  # noqa: PLR0917  # a call by name takes longer, and every order makes one
    order: OrderIntent,
    holding: Holding,
    book: GateBook,
    standing: Standing,
    now_ns: int,
    resting: bool = False,
) -> Deny | None:
    """Return why an order, which would change this holding, may not be sent now; None if it may.

    The order is not in the book. For a modify the order is as it would become, and the book is without the old one;
    resting: it is at the venue with as much to fill already.
    """
    reducing = is_reducing(order, holding, resting=resting) if holding.position else False
    if order.cleanup or not standing.is_open:
        refusal = check_standing(order.contract.venue, standing, reducing=reducing, cleanup=order.cleanup)
        if refusal is not None:
            return refusal
    order_id = order.order_id
    if order_id in book.pending or order_id in book.finished or order_id in book.finished_before:
        return Deny(Reason.DUPLICATE_ID, order_id)
    if order.cleanup:
        return None
    plan = holding.plan
    if plan is None or plan.limits is not book.limits:
        plan = holding.plan = make_plan(holding, book, book.limits)
    if reducing:
        checks = plan.reducing
    else:
        checks = plan.growing
        if plan.valued:
            book.valuation.refresh(now_ns)
    for check in checks:
        refusal = check(order, holding, plan, book, now_ns)
        if refusal is not None:
            return refusal
    return None


def is_reducing(order: OrderIntent, holding: Holding, *, resting: bool = False) -> bool:
    """Return whether an order makes a position smaller and cannot turn it, also if everything pending fills first.

    That is asked of the strategy's own position and, where the venue nets them, of all strategies' together. Cleanup is
    asked of its own alone: otherwise two strategies that hold against each other could not be closed. Where the venue
    keeps reduce-only, such orders do not count against each other: whichever fills first leaves the others nothing.
    """
    position = holding.position
    if not position or (position > ZERO) is order.buy:
        return False
    if order.reduce_only and not (order.cleanup or order.contract.spot) and (resting or _is_kept(order, holding)):
        return True
    room = -position - holding.buys if order.buy else position - holding.sells
    if room < order.quantity:
        return False
    holdings = holding.market.holdings
    if len(holdings) == 1 or order.cleanup or order.contract.hedged:
        return True
    if order.buy:
        return sum((-each.position - each.buys for each in holdings), ZERO) >= order.quantity
    return sum((each.position - each.sells for each in holdings), ZERO) >= order.quantity


def _is_kept(order: OrderIntent, holding: Holding) -> bool:
    """Return whether the venue keeps a reduce-only order to what the strategy holds, whatever else is pending.

    The venue looks at the account's position. It does not where an order that may open is pending on the same side,
    because that one opens after this one has filled, nor where others hold on that side: it would go on with theirs.
    """
    buy, quantity = order.buy, order.quantity
    if abs(holding.position) < quantity or (holding.opening_buys if buy else holding.opening_sells):
        return False
    if order.contract.hedged:
        return True
    room = abs(holding.position)
    for each in holding.market.holdings:
        if each is not holding:
            position = -each.position if buy else each.position
            if position > ZERO or (each.opening_buys if buy else each.opening_sells):
                return False
            room += position
    return room >= quantity


def check_standing(venue: str, standing: Standing, *, reducing: bool, cleanup: bool) -> Deny | None:
    """Refuse what is not taken at all now."""
    if not standing.is_reconciled(venue):
        return Deny(Reason.NOT_RECONCILED, venue)
    if cleanup:
        return None if reducing else Deny(Reason.REDUCE_ONLY, venue)
    admission = standing.admission_at(venue)
    if admission is Admission.HALT:
        return Deny(Reason.HALTED, venue)
    if admission is Admission.REDUCE and not reducing:
        return Deny(Reason.REDUCE_ONLY, venue)
    if not standing.recorded and not reducing:
        return Deny(Reason.NOT_RECORDED)
    return None


def make_plan(holding: Holding, book: GateBook, limits: Limits) -> Plan:
    """Return the limits as they apply to a holding."""
    strategy, instrument_id, _ = holding.key
    venue = holding.market.contract.venue
    own = limits.instrument(instrument_id)
    scopes = (limits.node, limits.strategies.get(strategy, UNLIMITED), limits.venues.get(venue, UNLIMITED))
    node, of_strategy, of_venue = scopes
    rates = [(node, book.sends.node)] if node.limits_rate else []
    rates += [(of_strategy, book.sends.of_strategy(strategy))] if of_strategy.limits_rate else []
    rates += [(of_venue, book.sends.of_venue(venue))] if of_venue.limits_rate else []
    totals = tuple(zip(scopes, holding.totals, strict=True))
    exposures = tuple(pair for pair in totals if pair[0].gross is not None or pair[0].net is not None)
    losses = tuple(pair for pair in totals if pair[0].daily_loss is not None)
    tolerance = own.price_tolerance is not None
    growing: list[tuple[bool, Check]] = [
        (tolerance, check_tolerance),
        (limits.max_age_ns is not None, check_age),
        (own.min_quantity is not None or own.max_quantity is not None, check_quantity),
        (own.min_notional is not None or own.max_notional is not None, check_notional),
        (own.position is not None or own.position_notional is not None, check_position),
        (bool(exposures), check_exposure),
        (limits.balance_use is not None, check_balance),
        (bool(losses), check_loss),
    ]
    always: list[tuple[bool, Check]] = [
        (bool(rates), check_rates),
        (limits.duplicate_window_ns is not None, check_repetition),
        (limits.deny_crossing, check_crossing),
    ]
    in_money = (own.min_notional, own.max_notional, own.position_notional)
    return Plan(
        limits=limits,
        own=own,
        rates=tuple(rates),
        exposures=exposures,
        losses=losses,
        valued=bool(exposures or losses) or any(limit is not None for limit in (*in_money, limits.balance_use)),
        reducing=_needed([*always, (tolerance, check_tolerance_of_reducing)]),
        growing=_needed([*always, *growing]),
    )


def _needed(checks: list[tuple[bool, Check]]) -> tuple[Check, ...]:
    return tuple(check for needed, check in checks if needed)
