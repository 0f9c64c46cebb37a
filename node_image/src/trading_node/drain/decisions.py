"""The next actions of a stop.

Orders are cancelled first. What an instrument holds is closed once nothing of ours works there any more, with orders
that can neither open nor turn a position. It is done only when the venues, asked after the last thing that happened,
say the same; and it ends in any case when its time is up.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from trading_node.drain.exposure import floor_to_step, unexplained, what_is_left
from trading_node.drain.facts import (
    Action,
    AskOrder,
    AskVenue,
    Cancel,
    CancelStray,
    GiveUpOrder,
    Place,
    Policy,
    Reduce,
    Result,
    Seen,
)

CANCELS_PER_STEP = 10
"""What is cancelled at once, and what is asked for at once: venues limit requests per second."""
QUESTIONS_PER_STEP = 5
QUIET_SECONDS = 0.5
"""A venue is believed when it was asked this long after the last thing that happened there."""
CANCEL_DELAYS = (1.0, 2.0, 3.0, 5.0)
"""How long a cancel that was not confirmed is waited for before it is sent again; the last one from then on."""
REDUCE_DELAYS = (0.5, 1.0, 2.0, 5.0)
ASK_DELAYS = (0.5, 1.0, 2.0, 3.0, 5.0)
CLEANUP_PATIENCE_SECONDS = 3.0
"""An order that closes a position and has not filled by then is cancelled, and what is left is sent again."""
MISSING_AFTER_SECONDS = 1.0
"""An order that a venue does not list so long after its last event is asked for by its id."""
MISSING_ANSWERS = 2
"""So many answers without an order, and it is not there."""
KEEP_SECONDS = 5.0
"""Where the policy keeps everything: how long the venues are asked what that is."""


class Drain:
    """The decisions of one stop; remembers what it tried, and when."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._cancels = _Attempts(CANCEL_DELAYS)
        self._reductions = _Attempts(REDUCE_DELAYS)
        self._questions = _Attempts(ASK_DELAYS)
        self._first_seen: dict[str, float] = {}
        self._held: dict[str, object] = {}

    def next(self, seen: Seen) -> list[Action] | None:
        """Return what to do now, which may be nothing; None when the stop is done or out of time."""
        if self.is_over(seen):
            return None
        actions: list[Action] = [*islice(self._cancel(seen), CANCELS_PER_STEP)]
        actions += islice(self._settle(seen), QUESTIONS_PER_STEP)
        if self._policy.flatten:
            actions += self._reduce(seen)
        acting = any(not isinstance(action, AskOrder) for action in actions)
        return actions if acting else [*actions, *self._ask(seen)]

    def is_over(self, seen: Seen) -> bool:
        """Return whether nothing is to be done any more, or there is no time."""
        seconds = min(self._policy.seconds, KEEP_SECONDS) if self._policy.keeps_all else self._policy.seconds
        if seen.now >= seconds:
            return True
        result = self.result(seen)
        unsettled = any(order.place is not Place.VENUE or order.cleanup for order in result.orders)
        return result.fulfilled and result.verified and not unsettled

    def result(self, seen: Seen) -> Result:
        """Return how things stand."""
        strays = tuple(order_id for _, order_id in _strays(seen))
        positions = tuple(what_is_left(seen))
        verified = all(_is_fresh(venue, seen) for venue in seen.venues)
        working = any(self._policy.cancel or order.cleanup for order in seen.orders)
        stray = self._policy.cancel and bool(strays)
        held = self._policy.flatten and any(left.reducible for left in positions)
        return Result(
            orders=tuple(seen.orders),
            strays=strays,
            positions=positions,
            unexplained=tuple(unexplained(seen)),
            verified=verified,
            fulfilled=not (working or stray or held) and (verified or self._policy.keeps_all),
        )

    # Orders

    def _cancel(self, seen: Seen) -> Iterator[Action]:
        """Cancel what the policy does not keep, what was tried least first."""
        for order in sorted(seen.orders, key=lambda each: self._cancels.count(each.order_id)):
            first = self._first_seen.setdefault(order.order_id, seen.now)
            wanted = self._policy.cancel or order.place is Place.NODE
            if order.cleanup:
                wanted = seen.now - first >= CLEANUP_PATIENCE_SECONDS
            if wanted and self._cancels.take(order.order_id, seen.now):
                yield Cancel(order.order_id)
        for venue, order_id in _strays(seen):
            if self._policy.cancel and self._cancels.take(order_id, seen.now):
                yield CancelStray(order_id, venue)

    def _settle(self, seen: Seen) -> Iterator[Action]:
        """Find out about orders that a venue does not list."""
        for order in seen.orders:
            view = seen.views.get(order.venue)
            if order.place is Place.NODE or view is None or order.order_id in view.orders:
                continue
            if view.asked < order.touched + MISSING_AFTER_SECONDS:
                continue
            if self._questions.take(f"order {order.order_id}", seen.now):
                yield GiveUpOrder(order.order_id) if order.missed >= MISSING_ANSWERS else AskOrder(order.order_id)

    # Positions

    def _reduce(self, seen: Seen) -> Iterator[Action]:
        blocked = self._blocked(seen)
        for left in what_is_left(seen):
            position, quantity = left.position, left.reducible
            terms = seen.terms.get(position.instrument)
            if terms is None or position.instrument in blocked or not _is_fresh(position.venue, seen):
                continue
            if terms.maximum is not None:
                quantity = floor_to_step(min(quantity, terms.maximum), terms.step)
            if not quantity:
                continue
            if self._held.get(position.key) != position.quantity:
                self._held[position.key] = position.quantity
                self._reductions.forget(position.key)  # the last one got somewhere
            if self._reductions.take(position.key, seen.now):
                blocked.add(position.instrument)  # one after the other: each changes what the next one may be
                yield Reduce(
                    position.position_id, position.strategy, position.quantity < 0, quantity, terms.reduce_only
                )

    def _blocked(self, seen: Seen) -> set[str]:
        """Return the instruments where something must end before anything is closed.

        An order of a strategy that does not end holds its instrument back for half of the time; then what it leaves
        room for is closed.
        """
        patient = seen.now < self._policy.seconds / 2
        return {order.instrument for order in seen.orders if order.cleanup or patient}

    # Venues

    def _ask(self, seen: Seen) -> Iterator[Action]:
        """Ask what is not known once all is quiet, and again while orders are to end."""
        working = {order.venue for order in seen.orders}
        for venue in sorted(seen.venues - seen.asking):
            if not _is_quiet(venue, seen) or (_is_fresh(venue, seen) and venue not in working):
                continue
            if seen.changed.get(venue, -1.0) > self._questions.last(venue):
                self._questions.forget(venue)  # something new has happened: the answer will be another one
            if self._questions.take(venue, seen.now):
                yield AskVenue(venue)


class _Attempts:
    """When something may be tried again."""

    def __init__(self, delays: Sequence[float]) -> None:
        self._delays = delays
        self._tried: dict[str, tuple[int, float]] = {}

    def take(self, key: str, now: float) -> bool:
        """Return whether it is time to try, and count it if so."""
        count, last = self._tried.get(key, (0, 0.0))
        if count and now < last + self._delays[min(count, len(self._delays)) - 1]:
            return False
        self._tried[key] = (count + 1, now)
        return True

    def count(self, key: str) -> int:
        return self._tried.get(key, (0, 0.0))[0]

    def last(self, key: str) -> float:
        return self._tried.get(key, (0, 0.0))[1]

    def forget(self, key: str) -> None:
        self._tried.pop(key, None)


def _is_quiet(venue: str, seen: Seen) -> bool:
    return seen.now >= seen.changed.get(venue, -QUIET_SECONDS) + QUIET_SECONDS


def _is_fresh(venue: str, seen: Seen) -> bool:
    view = seen.views.get(venue)
    return view is not None and view.asked >= seen.changed.get(venue, -QUIET_SECONDS) + QUIET_SECONDS


def _strays(seen: Seen) -> Iterable[tuple[str, str]]:
    """Return venue and id of orders that venues list, that are ours, and that the node does not hold for working.

    An answer from before the last event is no witness: the order may have ended since.
    """
    known = {order.order_id for order in seen.orders}
    for venue, view in sorted(seen.views.items()):
        if _is_fresh(venue, seen):
            yield from ((venue, order_id) for order_id in sorted(view.orders - known))
