"""What is known while a node stops, what can be done, and how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Place(StrEnum):
    """Where an order works."""

    NODE = "Node"
    """In this process alone: emulated, held by an algorithm, or not sent yet. It ends with the process."""
    SENT = "Sent"
    """On its way: whether the venue has it is not known."""
    VENUE = "Venue"
    """At the venue, as far as is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What a stop does, and until when."""

    cancel: bool
    """Cancel our orders; otherwise those at a venue stay there."""
    flatten: bool
    """Close our positions; otherwise they stay."""
    seconds: float
    """When to give up."""

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is to be done at the venues."""
        return not (self.cancel or self.flatten)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkingOrder:
    """An order of ours that may still fill."""

    order_id: str
    strategy: str
    instrument: str
    venue: str
    buy: bool
    remaining: Decimal
    place: Place
    cleanup: bool = False
    """Sent by the stop itself."""
    touched: float = 0.0
    """When its last event came."""
    missed: int = 0
    """How often the venue, asked for it by its id, has said that there is no such order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldPosition:
    """What one of the node's strategies holds of a position."""

    position_id: str
    """Where the venue keeps one for the account, strategies share it."""
    strategy: str
    instrument: str
    venue: str
    quantity: Decimal
    """Signed."""

    @property
    def key(self) -> str:
        """Which of all it is."""
        return f"{self.position_id} {self.strategy}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What can be traded of an instrument."""

    step: Decimal
    minimum: Decimal = ZERO
    """Least quantity of an order."""
    maximum: Decimal | None = None
    minimum_notional: Decimal | None = None
    """Least worth of an order; None where reducing orders have none."""
    worth: Decimal | None = None
    """What a quantity of one is worth, where a price is known."""
    hedged: bool = False
    """The venue keeps several positions and nets none."""
    reduce_only: bool = True
    """The venue fills no more of an order than there is to reduce, if it is told so."""
    owned: Decimal | None = None
    """What the account has of what the instrument is about; None where that says nothing, as with contracts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueView:
    """What a venue answered."""

    asked: float
    """When the question left."""
    orders: frozenset[str]
    """Ids of our orders that are open there."""
    positions: Mapping[str, Decimal] | None = None
    """Signed quantity by instrument; None for a venue that keeps no positions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Everything that is known at one moment; times are seconds since the stop began."""

    now: float
    venues: frozenset[str]
    orders: Sequence[WorkingOrder] = ()
    positions: Sequence[HeldPosition] = ()
    terms: Mapping[str, Terms] = field(default_factory=dict)
    views: Mapping[str, VenueView] = field(default_factory=dict)
    """The newest answer of each venue that gave one."""
    changed: Mapping[str, float] = field(default_factory=dict)
    """When something last happened at a venue: an event of one of our orders, or an action of the stop."""
    asking: frozenset[str] = frozenset()
    """Venues that are being asked."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel an order."""

    order_id: str


@dataclass(frozen=True, slots=True)
class CancelStray:
    """Cancel an order of ours that a venue lists and the node does not hold for working."""

    order_id: str
    venue: str


@dataclass(frozen=True, slots=True)
class AskOrder:
    """Ask the venue for one order, and take over what it says."""

    order_id: str


@dataclass(frozen=True, slots=True)
class GiveUpOrder:
    """Note that an order is not at the venue."""

    order_id: str


@dataclass(frozen=True, slots=True)
class AskVenue:
    """Ask a venue for our open orders and its positions."""

    venue: str


@dataclass(frozen=True, slots=True)
class Reduce:
    """Send a market order of a strategy that makes a position smaller."""

    position_id: str
    strategy: str
    buy: bool
    quantity: Decimal
    reduce_only: bool


type Action = Cancel | CancelStray | AskOrder | GiveUpOrder | AskVenue | Reduce


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """What is left of a position, and what an order could still do about it."""

    position: HeldPosition
    reducible: Decimal = ZERO
    """What could still be closed."""
    dust: bool = False
    """Smaller than what the venue trades."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a stop stands, or ended."""

    orders: tuple[WorkingOrder, ...] = ()
    strays: tuple[str, ...] = ()
    """Ids of our orders that a venue lists and the node does not hold for working."""
    positions: tuple[Left, ...] = ()
    unexplained: tuple[tuple[str, Decimal], ...] = ()
    """Instrument and signed quantity that a venue holds beyond our positions: somebody else's, or unknown fills."""
    verified: bool = False
    """Every venue, asked after the last thing that happened there, has answered."""
    fulfilled: bool = False
    """Nothing is left that the policy does not keep."""
