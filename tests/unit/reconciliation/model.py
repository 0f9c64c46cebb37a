"""A venue and a node in plain values: what happens at the one may or may not be heard by the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from trading_node.reconciliation.compare import compare, external_id
from trading_node.reconciliation.difference import (
    NO_MEMORY,
    Adopt,
    ApplyFill,
    Change,
    ChangeOrder,
    Difference,
    Memory,
    Revive,
    Rules,
)
from trading_node.reconciliation.facts import (
    FillKey,
    OwnOrder,
    OwnStatus,
    OwnView,
    VenueFill,
    VenueOrder,
    VenueStatus,
    VenueView,
)
from trading_node.reconciliation.questions import orders_of_strangers, orders_to_ask, orders_to_ask_fills

SECOND = 1_000_000_000
RULES = Rules()
INSTRUMENT = "BTCUSDT-PERP.BINANCE"


@dataclass
class Venue:
    """The truth."""

    orders: dict[str, VenueOrder] = field(default_factory=dict)
    fills: list[VenueFill] = field(default_factory=list)

    def take(self, client_id: str, quantity: int, price: int = 100) -> VenueOrder:
        """Accept an order."""
        order = VenueOrder(
            instrument_id=INSTRUMENT,
            venue_order_id=f"V{len(self.orders)}",
            client_order_id=client_id,
            status=VenueStatus.OPEN,
            quantity=Decimal(quantity),
            price=Decimal(price),
        )
        self.orders[order.venue_order_id] = order
        return order

    def fill(self, venue_order_id: str, quantity: int, *, buy: bool, now: int) -> VenueFill:
        """Fill a part of an open order."""
        order = self.orders[venue_order_id]
        filled = order.filled + quantity
        status = VenueStatus.FILLED if filled >= order.quantity else VenueStatus.OPEN
        self.orders[venue_order_id] = replace(order, filled=filled, status=status)
        fill = VenueFill(
            instrument_id=INSTRUMENT,
            venue_order_id=venue_order_id,
            trade_id=f"{len(self.fills) + 1}",
            buy=buy,
            quantity=Decimal(quantity),
            price=Decimal(100),
            ts_event=now,
        )
        self.fills.append(fill)
        return fill

    @property
    def position(self) -> Decimal:
        """Signed."""
        return sum((fill.signed for fill in self.fills), Decimal(0))


@dataclass
class Node:
    """What a node believes; repairs change it as Nautilus' events would."""

    orders: dict[str, OwnOrder] = field(default_factory=dict)
    fills: dict[FillKey, VenueFill] = field(default_factory=dict)
    adopted: set[str] = field(default_factory=set)
    rejected: dict[str, str] = field(default_factory=dict)

    def place(self, client_id: str, quantity: int, now: int) -> None:
        """Send an order."""
        self.orders[client_id] = OwnOrder(
            client_order_id=client_id,
            instrument_id=INSTRUMENT,
            status=OwnStatus.SENT,
            quantity=Decimal(quantity),
            price=Decimal(100),
            changed_ns=now,
        )

    def hear(self, client_id: str, now: int, **changes: object) -> None:
        """Take in news of an order."""
        self.orders[client_id] = replace(self.orders[client_id], changed_ns=now, **changes)  # type: ignore[arg-type]

    def take_fill(self, client_id: str, fill: VenueFill, now: int) -> None:
        """Take in a fill; one that is known changes nothing, as trade ids see to it."""
        if fill.key in self.fills:
            return
        self.fills[fill.key] = fill
        order = self.orders[client_id]
        filled = order.filled + fill.quantity
        assert filled <= order.quantity, "more filled than ordered"
        status = OwnStatus.FILLED if filled == order.quantity else order.status
        if status in (OwnStatus.SENT, OwnStatus.UNSENT):
            status = OwnStatus.OPEN
        self.hear(client_id, now, filled=filled, status=status, venue_order_id=fill.venue_order_id)

    @property
    def position(self) -> Decimal:
        """Signed."""
        return sum((fill.signed for fill in self.fills.values()), Decimal(0))

    def view(self, more: Mapping[str, object] = {}) -> OwnView:
        """Return what a comparison takes."""
        orders = {key: order for key, order in self.orders.items() if not order.status.is_closed or key in more}
        positions = {INSTRUMENT: self.position} if self.position else {}
        return OwnView(orders=orders, fills=frozenset(self.fills), positions=positions)

    def repair(self, difference: Difference, now: int) -> None:
        """Make a repair."""
        match difference.repair:
            case ApplyFill(client_order_id=key, fill=fill):
                self.take_fill(key, fill, now)
            case Adopt(order=order):
                self.adopted.add(external_id(order))
                self.orders[external_id(order)] = OwnOrder(
                    client_order_id=external_id(order),
                    instrument_id=order.instrument_id,
                    status=OwnStatus.SENT,
                    quantity=order.quantity,
                    price=order.price,
                    venue_order_id=order.venue_order_id,
                    changed_ns=now,
                )
            case Revive(client_order_id=key, order=order):
                self.hear(key, now, status=OwnStatus.OPEN, venue_order_id=order.venue_order_id)
            case ChangeOrder() as change:
                self._change(change, now)
            case None:
                pass

    def _change(self, repair: ChangeOrder, now: int) -> None:
        key, said = repair.client_order_id, repair.order
        ends = {Change.CANCELED: OwnStatus.CANCELED, Change.EXPIRED: OwnStatus.CANCELED}
        if repair.change is Change.REJECTED:
            self.rejected[key] = repair.reason
            self.hear(key, now, status=OwnStatus.REFUSED)
        elif repair.change in ends:
            self.hear(key, now, status=ends[repair.change])
        elif repair.change is Change.AMENDED and said is not None:
            status = OwnStatus.OPEN if self.orders[key].status is OwnStatus.CHANGING else self.orders[key].status
            self.hear(key, now, quantity=said.quantity, price=said.price, status=status)
        elif said is not None:
            self.hear(key, now, status=OwnStatus.OPEN, venue_order_id=said.venue_order_id)


def look(node: Node, venue: Venue, asked_ns: int) -> tuple[VenueView, dict[str, VenueOrder | None]]:
    """Ask the venue as a reconciler does; return its answers, and those about closed orders among them."""
    by_client = {order.client_order_id: order for order in venue.orders.values() if order.client_order_id}
    open_orders = [order for order in venue.orders.values() if order.status is VenueStatus.OPEN]
    own = node.view().orders
    answers = {
        each.client_order_id: by_client.get(each.client_order_id) for each in orders_to_ask(own.values(), open_orders)
    }
    spoken_of: dict[str, VenueOrder | None] = {
        order.client_order_id: order for order in open_orders if order.client_order_id in node.orders
    }
    for said in orders_to_ask_fills(own, open_orders, answers):
        assert said.filled > 0
    known = {order.venue_order_id for order in (*open_orders, *answers.values()) if order is not None}
    unknown = [fill for fill in venue.fills if fill.key not in node.fills]
    strangers: dict[str, VenueOrder] = {}
    for fill in orders_of_strangers(own, known, unknown):
        said = venue.orders[fill.venue_order_id]
        if said.client_order_id in node.orders:
            answers[said.client_order_id] = said
        else:
            strangers[said.venue_order_id] = said
    view = VenueView(
        asked_ns=asked_ns,
        open_orders=tuple(open_orders),
        answers=answers,
        strangers=strangers,
        fills=tuple(venue.fills),
        positions={INSTRUMENT: venue.position} if venue.position else {},
    )
    return view, {**answers, **spoken_of}


def agree(node: Node, venue: Venue, now: int, looks: int = 40) -> list[tuple[Difference, ...]]:
    """Look, compare and repair until two looks in a row find nothing; return what each look found."""
    memory: Memory = NO_MEMORY
    found: list[tuple[Difference, ...]] = []
    clean = 0
    for number in range(looks):
        at = now + (number + 1) * 2 * SECOND
        view, spoken_of = look(node, venue, at)
        differences, memory = compare(node.view(spoken_of), view, RULES, memory)
        found.append(differences)
        clean = 0 if differences else clean + 1
        if clean == 2:
            return found
        for difference in differences:
            node.repair(difference, at)
    raise AssertionError(f"no agreement after {looks} looks: {found[-1]}")
