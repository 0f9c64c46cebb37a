"""What the books and the venue are reduced to before they are compared: the same few words on both sides.

Symbols are the venue's own, quantities are in the venue's units, positions are signed. Nothing here comes from the
product: a mistake in its folds or its names must not hide in the comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

OUTSIDE = "outside"
"""How the client order ids begin of what the outside hand places."""


class State(StrEnum):
    """Where an order is, as far as a venue can know."""

    IN_FLIGHT = "in flight"
    """The node made it and has not said what became of it; a venue knows no such state."""
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    TAKEN_OUT = "taken out"
    """By the venue, to prevent a trade with oneself: the books may call it cancelled or expired."""
    REFUSED = "refused"
    """Denied by the node or rejected by the venue: it never lived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    client_id: str
    venue_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal | None
    """None where none is told, such as for market orders."""
    filled: Decimal
    state: State
    owner: str = ""
    """The strategy; empty at the venue, which does not know."""
    amended: bool = False
    """At the venue: whether its terms were changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRow:
    trade_id: str
    client_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What the venue itself knows a fill by; the side belongs to it because of trades with oneself."""
        return self.symbol, self.trade_id, self.side


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    event_id: str
    client_id: str
    kind: str
    trade_id: str = ""
    """Of fills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRows:
    """The books of one trader, read from their tables."""

    orders: tuple[OrderRow, ...]
    fills: tuple[FillRow, ...]
    events: tuple[EventRow, ...]
    positions: Mapping[str, Decimal]
    """Signed quantity by symbol, summed over strategies."""
    worth: Mapping[str, Decimal]
    """By symbol: realised profit less what the open quantity cost, which is what all fills brought in."""
    unwritten: int = 0
    """Events that the journal still holds."""
    rejected: int = 0
    """Events that the database refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRows:
    """The venue's own ledger of one account."""

    orders: tuple[OrderRow, ...]
    fills: tuple[FillRow, ...]
    positions: Mapping[str, Decimal]
    worth: Mapping[str, Decimal] = field(default_factory=dict)
    """By symbol, of derivatives only: what all fills brought in, fees paid."""
