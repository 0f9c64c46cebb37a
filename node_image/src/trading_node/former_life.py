"""What a node that starts again has to know of its former life, as the books tell it."""

from dataclasses import dataclass

from trading_node.book_events import Filled, OrderEvent
from trading_node.positions import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHistory:
    """All events of one order, in the order in which they were recorded."""

    operation_id: str
    events: tuple[OrderEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionHistory:
    """An open position, with the fills since it was last flat."""

    position: Position
    fills: tuple[Filled, ...]
    """The first one may have turned the position: then only a part of it belongs to what is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the books have."""

    orders: tuple[OrderHistory, ...] = ()
    """The open ones, also those of which nothing is known after their placing."""
    positions: tuple[PositionHistory, ...] = ()
    """The open ones."""
    fills: tuple[Filled, ...] = ()
    """Recent ones, oldest first."""
