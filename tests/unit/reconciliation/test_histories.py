"""Whatever happened and whatever of it was heard: asking, comparing and repairing ends in the venue's truth."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.reconciliation.model import SECOND, Node, Venue, agree
from trading_node.reconciliation.facts import OwnStatus, VenueOrder, VenueStatus

ACTIONS = ("place", "lost on the way", "fill", "cancel", "amend", "outside", "called rejected", "ask to cancel")
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5), st.integers(1, 3), st.booleans(), st.booleans()),
    max_size=25,
)
SAME = {
    VenueStatus.OPEN: {OwnStatus.OPEN, OwnStatus.CANCELING},
    VenueStatus.FILLED: {OwnStatus.FILLED},
    VenueStatus.CANCELED: {OwnStatus.CANCELED},
}


class History:
    """What happens, one action after the other; `heard` says of each whether the node was told."""

    def __init__(self, steps: list[tuple[str, int, int, bool, bool]]) -> None:
        self.node, self.venue, self.now = Node(), Venue(), SECOND
        for number, (action, which, quantity, buy, heard) in enumerate(steps):
            self.now += SECOND
            if action in ("place", "lost on the way", "outside"):
                self._come(action, number, quantity, heard=heard)
            alive = [order for order in self.venue.orders.values() if order.status is VenueStatus.OPEN]
            if alive:
                self._go_on(action, alive[which % len(alive)], quantity, buy=buy, heard=heard)

    def _come(self, action: str, number: int, quantity: int, *, heard: bool) -> None:
        name = f"O-{number}"
        if action == "outside":
            self.venue.take(f"web-{number}" if heard else "", quantity)
            return
        self.node.place(name, quantity, self.now)
        if action == "place":
            order = self.venue.take(name, quantity)
            if heard:
                self.node.hear(name, self.now, status=OwnStatus.OPEN, venue_order_id=order.venue_order_id)

    def _go_on(self, action: str, order: VenueOrder, quantity: int, *, buy: bool, heard: bool) -> None:
        key, node, now = order.client_order_id, self.node, self.now
        told = heard and key in node.orders and not node.orders[key].status.is_closed
        if action == "fill":
            amount = min(quantity, int(order.quantity - order.filled))
            fill = self.venue.fill(order.venue_order_id, amount, buy=buy, now=now)
            if told:
                node.take_fill(key, fill, now)
        elif action == "cancel":
            self.venue.orders[order.venue_order_id] = replace(order, status=VenueStatus.CANCELED)
            if told:
                node.hear(key, now, status=OwnStatus.CANCELED)
        elif action == "amend":
            self.venue.orders[order.venue_order_id] = replace(order, price=Decimal(100 + quantity))
            if told:
                node.hear(key, now, price=Decimal(100 + quantity))
        elif action == "called rejected" and key in node.orders and node.orders[key].status is OwnStatus.SENT:
            node.hear(key, now, status=OwnStatus.REFUSED)
        elif action == "ask to cancel" and told:
            node.hear(key, now, status=OwnStatus.CANCELING)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_ends_in_the_truth(steps: list[tuple[str, int, int, bool, bool]]) -> None:
    history = History(steps)
    node, venue, now = history.node, history.venue, history.now
    agree(node, venue, now)
    assert set(node.fills) == {fill.key for fill in venue.fills}, "each trade of the venue once, and no other"
    assert node.position == venue.position
    known = {order.venue_order_id: order for order in node.orders.values() if order.venue_order_id}
    for order in venue.orders.values():
        if order.status is not VenueStatus.OPEN and not order.filled and order.venue_order_id not in known:
            continue  # From outside, and gone without a trace.
        mine = known[order.venue_order_id]
        assert mine.filled == order.filled
        assert mine.status in SAME[order.status]
        if order.status is VenueStatus.OPEN:
            assert (mine.price, mine.quantity) == (order.price, order.quantity)
    placed = {order.client_order_id for order in venue.orders.values()}
    lost = {key for key in node.orders if key.startswith("O-")} - placed
    assert all(node.orders[key].status is OwnStatus.REFUSED for key in lost), "what the venue never got ends"
    assert not {key for key in node.adopted if key.startswith("O-")}, "what is ours is not from outside"
    assert set(node.rejected) == lost, "nothing else is called rejected"


@given(STEPS)
@settings(max_examples=50, deadline=None)
def test_agreement_is_stable(steps: list[tuple[str, int, int, bool, bool]]) -> None:
    history = History(steps)
    node, venue, now = history.node, history.venue, history.now
    agree(node, venue, now)
    agree(node, venue, now + 1000 * SECOND)  # A cancellation that nobody answered is refused only in time.
    before = dict(node.orders), dict(node.fills)
    found = agree(node, venue, now + 2000 * SECOND)
    assert len(found) == 2
    assert (node.orders, node.fills) == before
