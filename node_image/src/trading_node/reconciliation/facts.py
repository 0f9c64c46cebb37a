"""What each side says: the venue when it was asked, and the node's own books and cache."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)
COUNTS_BY_INSTRUMENT = ".BINANCE"
"""The end of instruments whose orders are numbered apart, so that orders of two instruments may have one number."""


def venue_key(instrument_id: str, venue_order_id: str) -> str:
    """Return what tells an order from all others of its venue; empty where the venue has not named it yet."""
    apart = instrument_id.endswith(COUNTS_BY_INSTRUMENT) and venue_order_id
    return f"{venue_order_id} {instrument_id}" if apart else venue_order_id


class VenueStatus(StrEnum):
    """An order as a venue reports it."""

    OPEN = "OPEN"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


class OwnStatus(StrEnum):
    """An order as the node knows it."""

    UNSENT = "UNSENT"
    """Placed, and nothing known of it being sent: an order that the node's end may have caught on its way."""
    SENT = "SENT"
    """Submitted; the venue has not answered."""
    OPEN = "OPEN"
    CHANGING = "CHANGING"
    """A modification was sent; the venue has not answered."""
    CANCELING = "CANCELING"
    """A cancellation was sent; the venue has not answered."""
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    """Canceled or expired."""
    REFUSED = "REFUSED"
    """Rejected or denied."""

    @property
    def is_closed(self) -> bool:
        """Whether the node counts on no more fills."""
        return self in (OwnStatus.FILLED, OwnStatus.CANCELED, OwnStatus.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """One order in a venue's words. Instruments are named as the trading engine names them."""

    instrument_id: str
    venue_order_id: str
    client_order_id: str = ""
    """Empty where the venue knows none."""
    status: VenueStatus
    quantity: Decimal
    filled: Decimal = ZERO
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    triggered: bool = False
    reason: str = ""
    report: object = field(default=None, compare=False, repr=False)
    """The adapter's own report, handed on to what repairs."""

    @property
    def venue_key(self) -> str:
        """What tells its order from all others of the venue."""
        return venue_key(self.instrument_id, self.venue_order_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFill:
    """One fill in a venue's words."""

    instrument_id: str
    venue_order_id: str
    trade_id: str
    buy: bool
    quantity: Decimal
    price: Decimal
    ts_event: int
    """UTC nanoseconds of the venue's clock."""
    client_order_id: str = ""
    report: object = field(default=None, compare=False, repr=False)

    @property
    def venue_key(self) -> str:
        """What tells its order from all others of the venue."""
        return venue_key(self.instrument_id, self.venue_order_id)

    @property
    def key(self) -> "FillKey":
        """What makes it the same fill, however often it is told."""
        return self.instrument_id, self.trade_id, self.buy

    @property
    def signed(self) -> Decimal:
        """What it changes a position by."""
        return self.quantity if self.buy else -self.quantity


FillKey = tuple[str, str, bool]
"""Instrument, trade id, whether it bought: some venues give both sides of a trade with oneself one id."""


OPENING = "OPENING-"
"""How the ids begin of what stands for a position from before the books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An order and its fill that make a position of which the venue lists no trades any more."""

    order: VenueOrder
    fill: VenueFill


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueView:
    """All answers of one look at a venue."""

    asked_ns: int
    """When the first question was sent, UTC nanoseconds of this machine."""
    open_orders: tuple[VenueOrder, ...] = ()
    answers: Mapping[str, VenueOrder | None] = field(default_factory=dict)
    """By client order id: what the venue said about an order that it was asked for; None if it knows no such order."""
    strangers: Mapping[str, VenueOrder] = field(default_factory=dict)
    """By their keys at the venue: orders that fills named and the node does not know."""
    fills: tuple[VenueFill, ...] = ()
    positions: Mapping[str, Decimal] | None = None
    """Signed quantity by instrument, absent ones being flat; None where the venue keeps no positions."""
    openings: Mapping[str, Opening] = field(default_factory=dict)
    """By instrument: what takes in a position from before the books that no trades explain."""
    not_loaded: Container[str] = ()
    """Instruments that the node cannot trade, because it was not told to load them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOrder:
    """One order as the node has it."""

    client_order_id: str
    instrument_id: str
    status: OwnStatus
    quantity: Decimal
    filled: Decimal = ZERO
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    triggered: bool = False
    venue_order_id: str = ""
    changed_ns: int = 0
    """When the node last learned something of it, or asked for something, UTC nanoseconds of this machine."""

    @property
    def venue_key(self) -> str:
        """What tells its order from all others of the venue."""
        return venue_key(self.instrument_id, self.venue_order_id)

    @property
    def is_unanswered(self) -> bool:
        """Whether the venue has not yet said that the order is there."""
        return not self.status.is_closed and (
            self.status in (OwnStatus.UNSENT, OwnStatus.SENT) or not self.venue_order_id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnView:
    """What the node has, of one venue."""

    orders: Mapping[str, OwnOrder]
    """By client order id: all that are open or on their way, and closed ones that a fill of the venue names."""
    fills: Container[FillKey]
    """The fills that it has, at least of the time and of the orders that the venue was asked for."""
    positions: Mapping[str, Decimal]
    """Signed quantity by instrument."""
    seen: Mapping[str, frozenset[Decimal]] = field(default_factory=dict)
    """Every value that an instrument's position had while the venue was asked; absent ones stood still."""

    def by_venue_key(self) -> dict[str, OwnOrder]:
        """Return the orders that the venue has named, by what tells them apart there."""
        return {order.venue_key: order for order in self.orders.values() if order.venue_order_id}
