"""How much of our positions can be closed without opening or turning one."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_DOWN, Decimal

from trading_node.drain.facts import ZERO, HeldPosition, Left, Seen, Terms, VenueView, WorkingOrder


def what_is_left(seen: Seen) -> Iterator[Left]:
    """Say of each position how much of it can be closed.

    Where a venue nets, no more than our strategies' positions come to together, and no more than the venue itself
    holds on that side: what offsets each other between strategies is no exposure, and closing it would open some.
    """
    by_instrument: dict[str, list[HeldPosition]] = {}
    for position in seen.positions:
        by_instrument.setdefault(position.instrument, []).append(position)
    for instrument, positions in by_instrument.items():
        terms = seen.terms.get(instrument)
        if terms is None:  # the instrument is not known: it cannot be traded, which does not make it dust
            yield from (Left(position=position, reducible=abs(position.quantity)) for position in positions)
        elif terms.hedged:
            yield from (_left(position, abs(position.quantity), terms, seen.orders) for position in positions)
        else:
            yield from _netted(positions, terms, seen)


def unexplained(seen: Seen) -> Iterator[tuple[str, Decimal]]:
    """Return what venues hold beyond our positions, by instrument, signed."""
    ours: dict[str, Decimal] = {}
    for position in seen.positions:
        ours[position.instrument] = ours.get(position.instrument, ZERO) + position.quantity
    for _, view in sorted(seen.views.items()):
        for instrument, there in sorted((view.positions or {}).items()):
            if there != ours.get(instrument, ZERO):
                yield instrument, there - ours.get(instrument, ZERO)


def floor_to_step(quantity: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of a step that is not larger."""
    return (quantity / step).to_integral_value(ROUND_DOWN) * step


def _netted(positions: Sequence[HeldPosition], terms: Terms, seen: Seen) -> Iterator[Left]:
    room = _exposure(positions, terms, seen.views.get(positions[0].venue))
    for position in sorted(positions, key=lambda each: abs(each.quantity), reverse=True):
        share = ZERO
        if room and (position.quantity > 0) == (room > 0):
            share = min(abs(room), abs(position.quantity))
            room -= share if room > 0 else -share
        yield _left(position, share, terms, seen.orders)


def _left(position: HeldPosition, share: Decimal, terms: Terms, orders: Iterable[WorkingOrder]) -> Left:
    """Return what can be closed of the share of a position that is exposure."""
    free = max(ZERO, abs(position.quantity) - _pending(position, orders))
    quantity = floor_to_step(min(share, free), terms.step)
    if _tradable(quantity, terms):
        return Left(position=position, reducible=quantity)
    return Left(position=position, dust=share > 0 and not _tradable(floor_to_step(share, terms.step), terms))


def _exposure(positions: Sequence[HeldPosition], terms: Terms, view: VenueView | None) -> Decimal:
    """Return what our positions in an instrument come to, signed, and at most what is there."""
    net = sum((position.quantity for position in positions), ZERO)
    if view is not None and view.positions is not None:
        net = _nearer_to_zero(net, view.positions.get(positions[0].instrument, ZERO))
    if terms.owned is not None:
        net = _nearer_to_zero(net, terms.owned)
    return net


def _nearer_to_zero(one: Decimal, other: Decimal) -> Decimal:
    if one > 0 and other > 0:
        return min(one, other)
    return max(one, other) if one < 0 and other < 0 else ZERO


def _pending(position: HeldPosition, orders: Iterable[WorkingOrder]) -> Decimal:
    """Return what orders of the strategy that still work would take from a position."""
    closing_buys = position.quantity < 0
    return sum(
        (
            order.remaining
            for order in orders
            if order.strategy == position.strategy
            and order.instrument == position.instrument
            and order.buy is closing_buys
        ),
        ZERO,
    )


def _tradable(quantity: Decimal, terms: Terms) -> bool:
    if not quantity or quantity < terms.minimum:
        return False
    if terms.minimum_notional is None or terms.worth is None:
        return True
    return quantity * terms.worth >= terms.minimum_notional
