"""How node and venue can differ, and what is to be done about each."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading_node.reconciliation.facts import VenueFill, VenueOrder


class Kind(StrEnum):
    """What kind of difference."""

    MISSING_FILL = "MissingFill"
    """The venue has a fill that the node does not have."""
    UNKNOWN_FILL = "UnknownFill"
    """The node has a fill that the venue does not count."""
    FILL_NOT_LISTED = "FillNotListed"
    """The venue counts more as filled than the fills that it lists."""
    ORDER_CLOSED = "OrderClosed"
    """Open here, closed there."""
    ORDER_OPEN = "OrderOpen"
    """Closed here, open there."""
    ORDER_GONE = "OrderGone"
    """Open here, and the venue does not know it any more."""
    ORDER_AMENDED = "OrderAmended"
    """Price, quantity or trigger differ."""
    IN_FLIGHT_FOUND = "InFlightFound"
    """Sent without an answer; the venue has it."""
    IN_FLIGHT_LOST = "InFlightLost"
    """Sent without an answer; the venue never got it."""
    IN_FLIGHT_UNKNOWN = "InFlightUnknown"
    """Sent without an answer, and the venue may still take it."""
    CHANGE_UNANSWERED = "ChangeUnanswered"
    """A modification or a cancellation that the venue did not answer and did not carry out."""
    EXTERNAL_ORDER = "ExternalOrder"
    """An order that the node did not place."""
    EXTERNAL_POSITION = "ExternalPosition"
    """A position from before the books, of which the venue lists no trades any more."""
    POSITION_MISMATCH = "PositionMismatch"
    """The positions differ and no fill explains it."""
    BALANCE = "Balance"
    """A balance changed without the node being told."""
    BOOKS = "Books"
    """The books in the database differ from what the node trades by."""
    HEDGE_MODE = "HedgeMode"
    """The account keeps long and short positions of an instrument apart."""
    UNREADABLE_ORDER = "UnreadableOrder"
    """The venue tells an order that its adapter has no words for."""
    VENUE_SILENT = "VenueSilent"
    """The venue does not answer, or not to all that it is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyFill:
    """Take the fill in, for this order."""

    client_order_id: str
    fill: VenueFill


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """Take in an order that the node did not place; nothing else of it is known before."""

    order: VenueOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Revive:
    """Open an order again that the node took for closed."""

    client_order_id: str
    order: VenueOrder


class Change(StrEnum):
    """What an order of the node becomes by the venue's word."""

    ACCEPTED = "ACCEPTED"
    AMENDED = "AMENDED"
    TRIGGERED = "TRIGGERED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    CANCEL_REFUSED = "CANCEL_REFUSED"
    MODIFY_REFUSED = "MODIFY_REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrder:
    """Move an order of the node on."""

    client_order_id: str
    change: Change
    order: VenueOrder | None = None
    """As the venue has it; None where the venue has none."""
    reason: str = ""


Repair = ApplyFill | Adopt | Revive | ChangeOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference."""

    kind: Kind
    subject: str
    """The client order id, or the instrument of a position."""
    message: str
    """What differs, with both sides' values."""
    repair: Repair | None = None
    """None where nothing can be done but wait or call a person."""
    remedy: str = ""
    """What a person can do, where nothing else helps."""
    trivial: bool = False
    """Part of ordinary trading, such as an order that was sent a moment ago: no reason to close the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How patient the comparison is; nanoseconds."""

    receive_window_ns: int = 7_000_000_000
    """How long after it was sent a request may still be taken by the venue, with a margin."""
    settle_ns: int = 1_000_000_000
    """How much later than the node's streams the venue's answers may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What earlier looks found and this one has to find again."""

    not_found: Mapping[str, int]
    """By client order id: when the look began in which the venue first did not know the order."""
    gaps: Mapping[str, Decimal]
    """By instrument: the difference of positions in the last look."""


NO_MEMORY = Memory(not_found={}, gaps={})
