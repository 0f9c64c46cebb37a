"""What is known of a running node at one moment: plain values, without Nautilus."""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Replay:
    """How far a replay has come; times in UTC nanoseconds of the catalog, 0 before the first event."""

    events: int = 0
    total: int | None = None
    time_ns: int = 0


@dataclass(frozen=True, kw_only=True)
class Profit:
    """Profit in one currency."""

    currency: str
    realized: Decimal
    unrealized: Decimal


@dataclass(frozen=True, kw_only=True)
class Balance:
    """Total of one currency in a venue's account."""

    venue: str
    currency: str
    total: Decimal


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order; price None is a market order's."""

    client_order_id: str
    strategy: str
    instrument: str
    side: str
    type: str
    quantity: Decimal
    filled: Decimal
    price: Decimal | None
    status: str
    time_ns: int


@dataclass(frozen=True, kw_only=True)
class Fill:
    """One fill."""

    trade_id: str
    client_order_id: str
    strategy: str
    instrument: str
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    commission_currency: str
    time_ns: int


@dataclass(frozen=True, kw_only=True)
class Position:
    """One open position; the quantity is negative for a short one."""

    position_id: str
    strategy: str
    instrument: str
    quantity: Decimal
    average_price: Decimal
    realized: Decimal
    unrealized: Decimal | None
    currency: str


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything that is reported, at one moment."""

    trading_state: str = ""
    orders_total: int = 0
    orders_open: int = 0
    orders_filled: int = 0
    orders_rejected: int = 0
    orders_denied: int = 0
    fills: int = 0
    positions_open: int = 0
    positions_closed: int = 0
    profits: tuple[Profit, ...] = ()
    balances: tuple[Balance, ...] = ()
    replay: Replay | None = None
    recent_orders: tuple[Order, ...] = field(default=(), repr=False)
    recent_fills: tuple[Fill, ...] = field(default=(), repr=False)
    open_positions: tuple[Position, ...] = field(default=(), repr=False)
