"""Both sides against each other: every difference, classified, with its repair. Pure.

Nothing is invented: a fill is only taken in if the venue named its trade, an order is only closed on the venue's word,
and that the venue does not know an order counts only when it could have known it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from trading_node.reconciliation.difference import (
    NO_MEMORY,
    Adopt,
    ApplyFill,
    Change,
    ChangeOrder,
    Difference,
    Kind,
    Memory,
    Revive,
    Rules,
)
from trading_node.reconciliation.facts import (
    ZERO,
    OwnOrder,
    OwnStatus,
    OwnView,
    VenueFill,
    VenueOrder,
    VenueStatus,
    VenueView,
)
from trading_node.reconciliation.positions import compare_positions

_CLOSES = {VenueStatus.CANCELED: Change.CANCELED, VenueStatus.EXPIRED: Change.EXPIRED}


def compare(
    own: OwnView, venue: VenueView, rules: Rules, memory: Memory = NO_MEMORY
) -> tuple[tuple[Difference, ...], Memory]:
    """Return the differences, in the order in which their repairs are to be made, and what the next look must know."""
    said = _said(own, venue)
    missing = _missing_fills(own, venue)
    found: list[Difference] = []
    not_found: dict[str, int] = {}
    for order in own.orders.values():
        key = order.client_order_id
        fills = missing.pop(key, [])
        if key in said:
            found += _compare_known(order, said[key], fills, venue.asked_ns, rules)
            continue
        found += _fills(order, fills)
        if key in venue.answers and not order.status.is_closed:
            first = not_found[key] = memory.not_found.get(key, venue.asked_ns)
            found.append(_not_found(order, venue.asked_ns, first, rules))
    for stranger in _strangers(own, venue):
        found += _adopt(stranger, missing.pop(stranger.venue_key, []), venue.asked_ns, rules)
    for orphans in missing.values():
        found += [_orphan(fill) for fill in orphans]
    gaps, mismatches = compare_positions(own, venue, found, memory.gaps)
    for mismatch in mismatches:
        found += _taken_in(mismatch, gaps, venue, rules)
    return tuple(found), Memory(not_found=not_found, gaps=gaps)


def _taken_in(mismatch: Difference, gaps: dict[str, Decimal], venue: VenueView, rules: Rules) -> Iterator[Difference]:
    """Give what takes in a position from before the books, or else the mismatch that it is."""
    opening = venue.openings.get(mismatch.subject)
    if mismatch.trivial or opening is None or opening.fill.signed != gaps[mismatch.subject]:
        yield mismatch
        return
    del gaps[mismatch.subject]
    message = (
        f"the venue holds {opening.fill.signed} from before the books and lists no trades that made it: taken in "
        f"at its average entry of {opening.fill.price}, without strategy or fee"
    )
    adoption, *others = _adopt(opening.order, [opening.fill], venue.asked_ns, rules)
    yield replace(adoption, kind=Kind.EXTERNAL_POSITION, subject=mismatch.subject, message=message)
    yield from others


def may_be_told(own: OwnView, differences: Iterable[Difference]) -> bool:
    """Return whether the venue's stream, being slower than its answers, may be about to take differences away.

    It tells nothing that would of an order that was placed outside; but while the node has orders there, one of them
    may look like that: where the venue lists it without our id, or under a new one.
    """
    serious = [each for each in differences if not each.trivial]
    outside = {each.subject for each in serious if isinstance(each.repair, Adopt)}
    trades = any(not order.status.is_closed for order in own.orders.values())
    return any(trades or each.subject not in outside for each in serious)


def _said(own: OwnView, venue: VenueView) -> dict[str, VenueOrder]:
    """Return what the venue says of the node's orders, by client order id; a single answer is newer than the list."""
    by_venue_key = own.by_venue_key()
    said: dict[str, VenueOrder] = {}
    for order in venue.open_orders:
        mine = _mine(own, by_venue_key, order)
        if mine is not None:
            said[mine.client_order_id] = order
    said.update({key: order for key, order in venue.answers.items() if order is not None and key in own.orders})
    return said


def _mine(own: OwnView, by_venue_key: dict[str, OwnOrder], order: VenueOrder | VenueFill) -> OwnOrder | None:
    return own.orders.get(order.client_order_id) or by_venue_key.get(order.venue_key)


def _missing_fills(own: OwnView, venue: VenueView) -> dict[str, list[VenueFill]]:
    """Return the fills that the node lacks, by client order id, or by the venue's key where the order is not known."""
    by_venue_key = own.by_venue_key()
    for key, answer in venue.answers.items():
        # An order that was sent without an answer has no venue's id here yet.
        if answer is not None and answer.venue_order_id and key in own.orders:
            by_venue_key.setdefault(answer.venue_key, own.orders[key])
    for order in venue.open_orders:
        mine = own.orders.get(order.client_order_id)
        if mine is not None:
            by_venue_key.setdefault(order.venue_key, mine)
    missing: dict[str, list[VenueFill]] = {}
    seen: set[object] = set()
    for fill in sorted(venue.fills, key=_sequence):
        if fill.key in own.fills or fill.key in seen:
            continue
        seen.add(fill.key)
        mine = _mine(own, by_venue_key, fill)
        missing.setdefault(mine.client_order_id if mine else fill.venue_key, []).append(fill)
    return missing


def _sequence(fill: VenueFill) -> tuple[int, int, str]:
    return fill.ts_event, len(fill.trade_id), fill.trade_id


def _strangers(own: OwnView, venue: VenueView) -> Iterator[VenueOrder]:
    """Give the orders that the node did not place."""
    by_venue_key = own.by_venue_key()
    known = {answer.venue_key for answer in venue.answers.values() if answer is not None}
    seen: set[str] = set()
    for order in (*venue.strangers.values(), *venue.open_orders):
        if _mine(own, by_venue_key, order) is None and order.venue_key not in known | seen:
            seen.add(order.venue_key)
            yield order


def _compare_known(
    own: OwnOrder, said: VenueOrder, fills: list[VenueFill], asked_ns: int, rules: Rules
) -> Iterator[Difference]:
    """Give the differences of an order that both sides have."""
    settled = own.changed_ns + rules.settle_ns <= asked_ns
    state = _compare_state(own, said, settled=settled)
    yield from state.differences
    if state.is_all:
        return
    yield from _compare_terms(own, said, asked_ns, rules, settled=settled)
    yield from _fills(own, fills)
    filled = own.filled + sum((fill.quantity for fill in fills), ZERO)
    if said.filled > filled:
        message = f"the venue has {said.filled} filled and lists trades of {filled}"
        remedy = "Wait: venues list trades late; if it stays, look at the order's trades at the venue"
        yield Difference(kind=Kind.FILL_NOT_LISTED, subject=own.client_order_id, message=message, remedy=remedy)
        return
    if said.filled < own.filled and settled:
        message = f"filled {own.filled} here, {said.filled} at the venue"
        remedy = "Compare the order's fills in unified_fills with its trades at the venue; one of them was taken back"
        yield Difference(kind=Kind.UNKNOWN_FILL, subject=own.client_order_id, message=message, remedy=remedy)
    change = _CLOSES.get(said.status)
    if change is not None and not own.status.is_closed:
        yield _differ(Kind.ORDER_CLOSED, own, said, _change(own, change, said))


@dataclass(frozen=True, slots=True)
class _State:
    """What an order's state alone says."""

    differences: tuple[Difference, ...] = ()
    is_all: bool = False
    """Whether nothing else of the order is to be compared."""


def _compare_state(own: OwnOrder, said: VenueOrder, *, settled: bool) -> _State:
    """Return whether one side has an order that the other has not, or not any more."""
    rejected_there, open_there = said.status is VenueStatus.REJECTED, said.status is VenueStatus.OPEN
    if own.status is OwnStatus.REFUSED or (own.status is OwnStatus.CANCELED and open_there):
        if rejected_there:
            return _State(is_all=True)
        revive = _differ(Kind.ORDER_OPEN, own, said, Revive(client_order_id=own.client_order_id, order=said))
        if not settled:  # The list may be older than the order's end.
            return _State((replace(revive, repair=None, trivial=True),), is_all=True)
        return _State((revive,), is_all=own.status is OwnStatus.CANCELED)
    if rejected_there:
        reason = said.reason or "rejected by the venue"
        ended = _differ(Kind.ORDER_CLOSED, own, said, _change(own, Change.REJECTED, said, reason))
        return _State(() if own.status.is_closed else (ended,), is_all=True)
    return _found_in_flight(own, said, settled=settled) if own.is_unanswered else _State()


def _found_in_flight(own: OwnOrder, said: VenueOrder, *, settled: bool) -> _State:
    """Return what it means that the venue has an order of which it has told the node nothing."""
    if settled:
        return _State((_differ(Kind.IN_FLIGHT_FOUND, own, said, _change(own, Change.ACCEPTED, said)),))
    message = "sent a moment ago: the venue's own answer is about to come"
    waiting = Difference(kind=Kind.IN_FLIGHT_UNKNOWN, subject=own.client_order_id, message=message, trivial=True)
    return _State((waiting,), is_all=True)


def _compare_terms(
    own: OwnOrder, said: VenueOrder, asked_ns: int, rules: Rules, *, settled: bool
) -> Iterator[Difference]:
    """Give what differs in an open order's terms, and requests that the venue did not carry out."""
    if own.status.is_closed and own.status is not OwnStatus.REFUSED:
        return
    overdue = own.changed_ns + rules.receive_window_ns <= asked_ns
    unanswered = own.status in (OwnStatus.CHANGING, OwnStatus.CANCELING)
    if (settled or own.is_unanswered) and _terms_differ(own, said):
        yield _differ(Kind.ORDER_AMENDED, own, said, _change(own, Change.AMENDED, said))
    elif unanswered and said.status is VenueStatus.OPEN and overdue:
        change = Change.CANCEL_REFUSED if own.status is OwnStatus.CANCELING else Change.MODIFY_REFUSED
        reason = "the venue did not answer, and has the order as it was"
        yield _differ(Kind.CHANGE_UNANSWERED, own, said, _change(own, change, said, reason))
    if said.triggered and not own.triggered and said.status is VenueStatus.OPEN and settled:
        yield _differ(Kind.ORDER_AMENDED, own, said, _change(own, Change.TRIGGERED, said))


def _terms_differ(own: OwnOrder, said: VenueOrder) -> bool:
    """Whether price, quantity or trigger differ; what only one side tells does not count."""
    if said.quantity != own.quantity and said.quantity >= own.filled and said.quantity > ZERO:
        return True
    pairs: tuple[tuple[Decimal | None, Decimal | None], ...] = (
        (own.price, said.price),
        (own.trigger_price, said.trigger_price),
    )
    return any(ours is not None and theirs is not None and theirs > ZERO and ours != theirs for ours, theirs in pairs)


def _not_found(own: OwnOrder, asked_ns: int, first_ns: int, rules: Rules) -> Difference:
    """Return what it means that the venue does not know an order."""
    asked_again = first_ns < asked_ns
    overdue = own.changed_ns + rules.receive_window_ns <= asked_ns
    if not (asked_again and overdue):
        message = "sent, and not known to the venue yet" if own.is_unanswered else "not known to the venue"
        return Difference(
            kind=Kind.IN_FLIGHT_UNKNOWN if own.is_unanswered else Kind.ORDER_GONE,
            subject=own.client_order_id,
            message=message,
            remedy="Wait: the venue is asked again until it must know",
            trivial=not overdue,
        )
    if own.is_unanswered:
        reason = "the venue never got it: asked for it after the request's time had passed"
        repair = ChangeOrder(client_order_id=own.client_order_id, change=Change.REJECTED, reason=reason)
        return Difference(kind=Kind.IN_FLIGHT_LOST, subject=own.client_order_id, message=reason, repair=repair)
    reason = "open here, and the venue does not know it any more"
    repair = ChangeOrder(client_order_id=own.client_order_id, change=Change.CANCELED, reason=reason)
    return Difference(kind=Kind.ORDER_GONE, subject=own.client_order_id, message=reason, repair=repair)


def _adopt(said: VenueOrder, fills: list[VenueFill], asked_ns: int, rules: Rules) -> Iterator[Difference]:
    """Give what takes in an order that was placed outside, with its fills."""
    name = external_id(said)
    message = f"{said.status.value} at the venue, {said.filled} of {said.quantity} filled; not placed by this node"
    yield Difference(kind=Kind.EXTERNAL_ORDER, subject=name, message=message, repair=Adopt(order=said))
    blank = OwnOrder(
        client_order_id=name,
        instrument_id=said.instrument_id,
        status=OwnStatus.SENT,
        quantity=said.quantity,
        price=said.price,
        trigger_price=said.trigger_price,
        venue_order_id=said.venue_order_id,
    )
    yield from _compare_known(blank, said, fills, asked_ns, rules)


def external_id(order: VenueOrder) -> str:
    """Return the client order id of an order placed outside: the same whenever it is met."""
    return order.client_order_id or f"EXTERNAL-{order.venue_order_id}"


def _fills(own: OwnOrder, fills: Iterable[VenueFill]) -> list[Difference]:
    return [
        Difference(
            kind=Kind.MISSING_FILL,
            subject=own.client_order_id,
            message=f"trade {fill.trade_id} of {fill.signed} at {fill.price} in {fill.instrument_id} is not known here",
            repair=ApplyFill(client_order_id=own.client_order_id, fill=fill),
        )
        for fill in fills
    ]


def _orphan(fill: VenueFill) -> Difference:
    message = f"trade {fill.trade_id} belongs to order {fill.venue_order_id}, of which the venue said nothing"
    remedy = "Wait: the venue is asked again; if it stays, look at that order at the venue"
    return Difference(kind=Kind.MISSING_FILL, subject=fill.venue_order_id, message=message, remedy=remedy)


def _change(own: OwnOrder, change: Change, said: VenueOrder, reason: str = "") -> ChangeOrder:
    return ChangeOrder(client_order_id=own.client_order_id, change=change, order=said, reason=reason)


def _differ(kind: Kind, own: OwnOrder, said: VenueOrder, repair: ChangeOrder | Revive) -> Difference:
    message = (
        f"here {own.status.value}, {own.filled} of {own.quantity} at {own.price}; "
        f"at the venue {said.status.value}, {said.filled} of {said.quantity} at {said.price}"
    )
    return Difference(kind=kind, subject=own.client_order_id, message=message, repair=repair)
