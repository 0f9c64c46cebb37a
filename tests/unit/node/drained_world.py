"""A venue, a node's view of it and everything that goes wrong between them, for the decisions of a stop."""

import random
from dataclasses import dataclass, replace
from decimal import Decimal

from trading_node.drain.decisions import Drain
from trading_node.drain.facts import (
    Action,
    AskOrder,
    AskVenue,
    Cancel,
    CancelStray,
    GiveUpOrder,
    HeldPosition,
    Place,
    Policy,
    Reduce,
    Result,
    Seen,
    Terms,
    VenueView,
    WorkingOrder,
)

STEP_SECONDS = 0.25
VENUE = "X"
ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """How often what goes wrong, and until when."""

    lost: float = 0.0
    """Cancels and orders that never arrive."""
    refused: float = 0.0
    silent: float = 0.0
    """Questions without an answer."""
    late: float = 0.0
    """Events that the node hears only later."""
    filled: float = 0.0
    """Chance at each step that a resting order fills in part."""
    seconds: float = 15.0


class World:
    """The venue's truth and what the node has heard of it; several strategies, one venue that nets."""

    def __init__(
        self, seed: int, policy: Policy, orders: list[WorkingOrder], positions: list[HeldPosition], trouble: Trouble
    ) -> None:
        self.random = random.Random(seed)
        self.policy = policy
        self.trouble = trouble
        self.now = 0.0
        instruments = {order.instrument for order in orders} | {position.instrument for position in positions}
        self.terms = {instrument: Terms(step=Decimal("0.1")) for instrument in instruments}
        self.known = {order.order_id: order for order in orders}
        self.there = {order.order_id: order for order in orders if order.place is not Place.NODE}
        self.sent_and_lost = {o.order_id for o in orders if o.place is Place.SENT and self.random.random() < 0.3}
        for order_id in self.sent_and_lost:
            del self.there[order_id]
        self.positions = {position.position_id: position for position in positions}
        self.truth: dict[str, Decimal] = {}
        """By instrument."""
        for position in positions:
            self.truth[position.instrument] = self.truth.get(position.instrument, ZERO) + position.quantity
        self.view: VenueView | None = None
        self.changed = 0.0
        self.news: list[tuple[float, str, Decimal]] = []
        """What the node will hear, and when: order id, quantity filled, zero for its end."""
        self.asked: tuple[float, float] | None = None
        self.actions: list[Action] = []
        self.drain = Drain(policy)
        self.count = 0

    def run(self) -> Result:
        """Step until the drain is done; the checks of each action are in here."""
        for _ in range(int(self.policy.seconds / STEP_SECONDS) + 2):
            self._hear()
            self._fill()
            seen = self.seen()
            actions = self.drain.next(seen)
            if actions is None:
                return self.drain.result(seen)
            for action in actions:
                self._act(action)
            self.now += STEP_SECONDS
        raise AssertionError("it did not end in time")

    def seen(self) -> Seen:
        return Seen(
            now=self.now,
            venues=frozenset({VENUE}),
            orders=tuple(self.known.values()),
            positions=tuple(p for p in self.positions.values() if p.quantity),
            terms=self.terms,
            views={} if self.view is None else {VENUE: self.view},
            changed={VENUE: self.changed},
            asking=frozenset({VENUE}) if self.asked else frozenset(),
        )

    def _goes(self, share: float) -> bool:
        return self.now < self.trouble.seconds and self.random.random() < share

    def _delay(self) -> float:
        return self.random.uniform(0, 2.0) if self._goes(self.trouble.late) else 0.0

    def _tell(self, order_id: str, filled: Decimal) -> None:
        latest = max((at for at, each, _ in self.news if each == order_id), default=0.0)
        self.news.append((max(latest, self.now + self._delay()), order_id, filled))

    def _hear(self) -> None:
        for item in sorted(self.news, key=lambda each: each[0]):
            at, order_id, filled = item
            if at > self.now:
                continue
            self.news.remove(item)
            self._take(order_id, filled)
        if self.asked is not None and self.asked[1] <= self.now:
            asked, self.asked = self.asked[0], None
            if not self._goes(self.trouble.silent):
                self.view = VenueView(asked=asked, orders=frozenset(self.there), positions=dict(self.truth))

    def _take(self, order_id: str, filled: Decimal) -> None:
        order = self.known.get(order_id)
        if order is None:
            return
        self.changed = self.now
        if not filled:
            del self.known[order_id]
            return
        self.known[order_id] = replace(order, remaining=order.remaining - filled, place=Place.VENUE, touched=self.now)
        position = next(
            (p for p in self.positions.values() if (p.strategy, p.instrument) == (order.strategy, order.instrument)),
            HeldPosition(
                position_id=f"{order.strategy}-{order.instrument}",
                strategy=order.strategy,
                instrument=order.instrument,
                venue=VENUE,
                quantity=ZERO,
            ),
        )
        signed = filled if order.buy else -filled
        self.positions[position.position_id] = replace(position, quantity=position.quantity + signed)

    def _fill(self) -> None:
        for order in list(self.there.values()):
            if not order.cleanup and self._goes(self.trouble.filled):
                self._fills(order, min(order.remaining, Decimal("0.3")))

    def _fills(self, order: WorkingOrder, quantity: Decimal) -> None:
        signed = quantity if order.buy else -quantity
        before = self.truth.get(order.instrument, ZERO)
        if order.cleanup:
            assert abs(before + signed) < abs(before), "a cleanup order opens or turns the venue's position"
        self.truth[order.instrument] = before + signed
        self._tell(order.order_id, quantity)
        left = order.remaining - quantity
        if left:
            self.there[order.order_id] = replace(order, remaining=left)
        else:
            del self.there[order.order_id]
            self._tell(order.order_id, ZERO)

    def _act(self, action: Action) -> None:
        self.actions.append(action)
        match action:
            case AskVenue():
                self.asked = (self.now, self.now + self.random.uniform(0.0, 1.0))
                return
            case Cancel(order_id) | CancelStray(order_id, _):
                self._cancel(order_id)
            case AskOrder(order_id):
                self._ask_order(order_id)
                return
            case GiveUpOrder(order_id):
                assert order_id not in self.there, "an order was given up that lives"
                self.known.pop(order_id, None)
            case Reduce():
                self._reduce(action)
        self.changed = self.now

    def _cancel(self, order_id: str) -> None:
        order = self.known.get(order_id) or self.there[order_id]
        assert self.policy.cancel or order.cleanup or order.place is Place.NODE, "the policy keeps orders"
        if order.place is Place.NODE:
            self.known.pop(order_id)
        elif order_id in self.there and not self._goes(self.trouble.lost) and not self._goes(self.trouble.refused):
            del self.there[order_id]
            self._tell(order_id, ZERO)

    def _ask_order(self, order_id: str) -> None:
        if self._goes(self.trouble.silent):
            return
        if order_id in self.there or any(each == order_id for _, each, _ in self.news):
            for item in [each for each in self.news if each[1] == order_id]:
                self.news.remove(item)
                self._take(order_id, item[2])
        else:
            order = self.known[order_id]
            self.known[order_id] = replace(order, missed=order.missed + 1)

    def _reduce(self, action: Reduce) -> None:
        assert self.policy.flatten, "the policy keeps positions"
        position = self.positions[action.position_id]
        assert action.quantity > 0
        assert action.buy is (position.quantity < 0)
        taken = sum(
            o.remaining for o in self.known.values() if o.strategy == position.strategy and o.buy is action.buy
            and o.instrument == position.instrument
        )  # fmt: skip
        assert action.quantity + taken <= abs(position.quantity), "it would turn the strategy's position"
        self.count += 1
        order = WorkingOrder(
            order_id=f"cleanup-{self.count}",
            strategy=position.strategy,
            instrument=position.instrument,
            venue=VENUE,
            buy=action.buy,
            remaining=action.quantity,
            place=Place.SENT,
            cleanup=True,
            touched=self.now,
        )
        self.known[order.order_id] = order
        if self._goes(self.trouble.lost):
            return
        if self._goes(self.trouble.refused):
            self._tell(order.order_id, ZERO)
            return
        self.there[order.order_id] = order
        part = self._goes(self.trouble.refused) and order.remaining > Decimal("0.1")
        self._fills(order, Decimal("0.1") if part else order.remaining)
