"""The verdict: every way in which books and venue can differ, named. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tests.ledger.rows import OUTSIDE, BookRows, EventRow, FillRow, OrderRow, State, VenueRows

EXTERNAL = "EXTERNAL"
"""The strategy to which the books give what no strategy placed."""
ROUNDING = Decimal("1e-9")
"""What one fill may add to the difference of two sums of money: the books round to 18 digits, averages repeat."""
_ENDS = frozenset({"CANCELED", "EXPIRED", "REJECTED", "DENIED"})


class Kind(StrEnum):
    """What is wrong."""

    LOST_ORDER = "lost order"
    PHANTOM_ORDER = "phantom order"
    ORDER_TERMS = "order terms"
    ORDER_STATE = "order state"
    OWNER = "owner"
    SENT_TWICE = "sent twice"
    LOST_FILL = "lost fill"
    PHANTOM_FILL = "phantom fill"
    DOUBLED_FILL = "doubled fill"
    FILL_TERMS = "fill terms"
    POSITION = "position"
    PROFIT = "profit"
    EVENTS = "events"
    UNWRITTEN = "unwritten"
    LEFT_OPEN = "left open"
    NODE = "node"
    """The process ended by itself, or did not come as far as it should."""


@dataclass(frozen=True, slots=True)
class Difference:
    kind: Kind
    what: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.what}"


def differences(books: BookRows, venue: VenueRows, *, none_open: bool = False) -> list[Difference]:
    """Return everything in which the books are not what the venue knows; empty means that they agree.

    none_open: the stop was to cancel the node's orders, so none of them may be open any more.
    """
    found = [
        *_orders(books, venue),
        *_sent_twice(venue),
        *_fills(books.fills, venue.fills),
        *_positions(books.positions, venue.positions),
        *_profit(books, venue),
        *_events(books),
        *_unwritten(books),
    ]
    if none_open:
        left = (order for order in venue.orders if order.state is State.OPEN)
        # The node cancels what is its own.
        found += [_order(Kind.LEFT_OPEN, order, "") for order in left if not order.client_id.startswith(OUTSIDE)]
    return found


def _orders(books: BookRows, venue: VenueRows) -> Iterator[Difference]:
    ours = {order.client_id: order for order in books.orders}
    theirs = {order.client_id: order for order in venue.orders}
    emulated = {event.client_id for event in books.events if event.kind == "EMULATED"}
    for client_id, order in theirs.items():
        if client_id not in ours:
            if _leaves_no_trace(order):
                continue
            yield _order(Kind.LOST_ORDER, order, "the venue has it, the books do not")
        else:
            yield from _order_pair(ours[client_id], order)
    for client_id, order in ours.items():
        if client_id in theirs:
            continue
        if order.state is not State.REFUSED and not _ended_at_home(order, emulated):
            yield _order(Kind.PHANTOM_ORDER, order, "the venue never knew it")


def _leaves_no_trace(order: OrderRow) -> bool:
    """Whether an order of somebody else came and went without a fill: nobody who was away can be expected to know."""
    return order.client_id.startswith(OUTSIDE) and order.state is not State.OPEN and not order.filled


def _ended_at_home(order: OrderRow, emulated: set[str]) -> bool:
    """Whether an order was held by the node itself, and cancelled before it was sent."""
    unsent = not order.venue_id and not order.filled and order.client_id in emulated
    return unsent and order.state in (State.CANCELED, State.EXPIRED)


def _order_pair(ours: OrderRow, theirs: OrderRow) -> Iterator[Difference]:
    foreign = theirs.client_id.startswith(OUTSIDE)
    if foreign != (ours.owner == EXTERNAL):
        yield _order(Kind.OWNER, theirs, f"the books say it is of {ours.owner}")
    if not _same_state(ours.state, theirs.state) or ours.filled != theirs.filled:
        yield _order(Kind.ORDER_STATE, theirs, f"the books have it {ours.state}, {ours.filled:f} filled")
    # An answer to a change may be lost while the end of the order is told: its terms matter no more then.
    over = theirs.amended and theirs.state is not State.OPEN
    terms = ("symbol", "side", "venue_id") if over else ("symbol", "side", "venue_id", "quantity", "price")
    for term in terms:
        mine, real = getattr(ours, term), getattr(theirs, term)
        if mine != real and None not in (mine, real):
            yield _order(Kind.ORDER_TERMS, theirs, f"{term} is {real}, in the books {mine}")


def _same_state(ours: State, theirs: State) -> bool:
    return ours is theirs or (theirs is State.TAKEN_OUT and ours in (State.CANCELED, State.EXPIRED))


def _sent_twice(venue: VenueRows) -> Iterator[Difference]:
    for client_id in _repeated(order.client_id for order in venue.orders):
        yield Difference(Kind.SENT_TWICE, f"{client_id} reached the venue more than once")


def _fills(ours: Iterable[FillRow], theirs: Iterable[FillRow]) -> Iterator[Difference]:
    ours, theirs = list(ours), list(theirs)
    for identity in _repeated(fill.identity for fill in ours):
        yield Difference(Kind.DOUBLED_FILL, f"{identity} is in the books more than once")
    known, real = {fill.identity: fill for fill in ours}, {fill.identity: fill for fill in theirs}
    for identity, fill in real.items():
        mine = known.get(identity)
        if mine is None:
            yield Difference(Kind.LOST_FILL, f"{_told(fill)}: the books do not have it")
        elif mine != fill:
            yield Difference(Kind.FILL_TERMS, f"{_told(fill)}; the books have {_told(mine)}")
    for identity, fill in known.items():
        if identity not in real:
            yield Difference(Kind.PHANTOM_FILL, f"{_told(fill)}: it never happened")


def _positions(ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal]) -> Iterator[Difference]:
    for symbol in sorted(ours.keys() | theirs.keys()):
        mine, real = ours.get(symbol, Decimal(0)), theirs.get(symbol, Decimal(0))
        if mine != real:
            yield Difference(Kind.POSITION, f"{symbol} is {real:f} at the venue, {mine:f} in the books")


def _profit(books: BookRows, venue: VenueRows) -> Iterator[Difference]:
    for symbol, real in sorted(venue.worth.items()):
        mine = books.worth.get(symbol, Decimal(0))
        allowed = ROUNDING * (1 + sum(fill.symbol == symbol for fill in venue.fills))
        if abs(mine - real) > allowed:
            yield Difference(Kind.PROFIT, f"{symbol} brought {real:f} at the venue, {mine:f} by the books")


def _events(books: BookRows) -> Iterator[Difference]:
    """Hold the log against the tables that are made of it: both are kept by the books, and must tell one story."""
    for event_id in _repeated(event.event_id for event in books.events):
        yield Difference(Kind.EVENTS, f"the log has {event_id} more than once")
    log: dict[str, list[EventRow]] = {}
    for event in books.events:
        if event.client_id:
            log.setdefault(event.client_id, []).append(event)
    fills: dict[str, set[str]] = {}
    for fill in books.fills:
        fills.setdefault(fill.client_id, set()).add(fill.trade_id)
    known = {order.client_id for order in books.orders}
    for order in books.orders:
        yield from _story(order, log.get(order.client_id, []), fills.get(order.client_id, set()))
    for client_id in fills.keys() - known:
        yield Difference(Kind.EVENTS, f"{client_id} has fills, but is no order of the books")
    for client_id in log.keys() - known:
        if any(event.kind == "PLACED" for event in log[client_id]):
            yield Difference(Kind.EVENTS, f"{client_id} was placed by the log, but is no order of the books")


def _story(order: OrderRow, told: list[EventRow], trades: set[str]) -> Iterator[Difference]:
    kinds = {event.kind for event in told}
    if "PLACED" not in kinds:
        yield Difference(Kind.EVENTS, f"{order.client_id} is in the books, but was never placed by the log")
    in_log = {event.trade_id for event in told if event.kind == "FILLED"}
    in_log -= {event.trade_id for event in told if event.kind == "FILL_VOIDED"}
    if in_log != trades:
        yield Difference(
            Kind.EVENTS, f"{order.client_id}: log and table differ in the trades {sorted(in_log ^ trades)}"
        )
    if order.state in (State.CANCELED, State.EXPIRED, State.REFUSED) and not kinds & _ENDS:
        yield Difference(Kind.EVENTS, f"{order.client_id} is {order.state}, and the log does not say why")


def _unwritten(books: BookRows) -> Iterator[Difference]:
    if books.unwritten:
        yield Difference(Kind.UNWRITTEN, f"{books.unwritten} events stay in the journal")
    if books.rejected:
        yield Difference(Kind.UNWRITTEN, f"{books.rejected} events were refused by the database")


def _repeated[T: Hashable](values: Iterable[T]) -> list[T]:
    return [value for value, times in Counter(values).items() if times > 1]


def _order(kind: Kind, order: OrderRow, why: str) -> Difference:
    price = "at market" if order.price is None else f"at {order.price:f}"
    told = (
        f"{order.client_id} ({order.venue_id or 'no venue id'}) {order.side} {order.quantity:f} {order.symbol} {price}"
    )
    return Difference(kind, f"{told}, {order.state}, {order.filled:f} filled{': ' + why if why else ''}")


def _told(fill: FillRow) -> str:
    return (
        f"trade {fill.trade_id} of {fill.client_id}: {fill.side} {fill.quantity:f} {fill.symbol} at {fill.price:f}, "
        f"fee {fill.fee:f} {fill.fee_asset}"
    )
