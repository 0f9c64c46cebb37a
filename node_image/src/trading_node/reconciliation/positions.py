"""Positions of both sides, and which fills of a venue explain one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from trading_node.reconciliation.difference import ApplyFill, Difference, Kind
from trading_node.reconciliation.facts import ZERO, OwnView, VenueFill, VenueView


def compare_positions(
    own: OwnView, venue: VenueView, found: Iterable[Difference], before: Mapping[str, Decimal]
) -> tuple[dict[str, Decimal], list[Difference]]:
    """Return the gaps, venue minus node, that the fills about to be taken in leave, and the differences they are.

    A position that moved while the venue was asked agrees if the venue has any of the values that it went through.
    """
    if venue.positions is None:
        return {}, []
    coming: dict[str, Decimal] = {}
    for difference in found:
        if isinstance(difference.repair, ApplyFill):
            fill = difference.repair.fill
            coming[fill.instrument_id] = coming.get(fill.instrument_id, ZERO) + fill.signed
    gaps: dict[str, Decimal] = {}
    differences: list[Difference] = []
    for instrument in sorted({*own.positions, *venue.positions, *coming}):
        here, there = own.positions.get(instrument, ZERO), venue.positions.get(instrument, ZERO)
        explained = there - coming.get(instrument, ZERO)
        gap = explained - here
        if gap and explained not in own.seen.get(instrument, ()):
            gaps[instrument] = gap
            again = before.get(instrument) == gap
            differences.append(_mismatch(instrument, here, there, gap, again=again))
            if instrument in venue.not_loaded:
                differences[-1] = replace(differences[-1], remedy=_NOT_LOADED)
    return gaps, differences


_NOT_LOADED = "Add the instrument to the venue's instruments in the run-config, or close the position at the venue"


def _mismatch(instrument: str, here: Decimal, there: Decimal, gap: Decimal, *, again: bool) -> Difference:
    side = "buy" if gap > 0 else "sell"
    return Difference(
        kind=Kind.POSITION_MISMATCH,
        subject=instrument,
        message=f"the venue holds {there}, the node {here}: {gap:+f} is explained by no fill",
        remedy=(
            f"Bring the venue to the node's {here} by hand ({'sell' if side == 'buy' else 'buy'} {abs(gap)}), or find "
            f"out which trades made it: the node goes on as soon as both sides agree"
        ),
        trivial=not again,
    )


def explain(gap: Decimal, unknown: Sequence[VenueFill]) -> tuple[VenueFill, ...] | None:
    """Return the newest fills that make up a gap exactly, oldest first; None if no run of them up to the newest does.

    For a position that was there before the node kept books: what happened since it was last flat is what it is made
    of. The shortest such run is taken, so that nothing older is taken in than needed.
    """
    if not gap:
        return ()
    ordered = sorted(unknown, key=lambda fill: (fill.ts_event, len(fill.trade_id), fill.trade_id))
    total = ZERO
    for start in range(len(ordered) - 1, -1, -1):
        total += ordered[start].signed
        if total == gap:
            return tuple(ordered[start:])
    return None
