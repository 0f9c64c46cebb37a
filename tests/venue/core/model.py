"""What an exchange talks about: instruments, orders, fills and the events that tell about them.

Everything here is a value. Prices, quantities and money are Decimals; times are UTC nanoseconds; an order's
quantity is counted in contracts (for spot and for Binance's linear perpetuals one contract is one unit of base).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)
MONEY_STEP = Decimal("0.00000001")


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1


class InstrumentKind(StrEnum):
    SPOT = "SPOT"
    PERPETUAL = "PERPETUAL"


class OrderKind(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"


class Status(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    PREVENTED = "PREVENTED"

    @property
    def is_open(self) -> bool:
        return self in (Status.NEW, Status.PARTIALLY_FILLED)


class SelfTrade(StrEnum):
    """Who gives way when an account would trade with itself; ALLOWED means that the trade happens."""

    ALLOWED = "ALLOWED"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"


class PriceSource(StrEnum):
    LAST = "LAST"
    MARK = "MARK"


class Reason(StrEnum):
    """Why the exchange refuses; each protocol room translates it into its venue's code and words."""

    UNKNOWN_SYMBOL = "unknown symbol"
    PRICE_MISSING = "a limit order needs a price above zero"
    PRICE_TICK = "the price is no multiple of the tick size"
    PRICE_RANGE = "the price is outside the instrument's range"
    QUANTITY_MISSING = "the quantity must be above zero"
    QUANTITY_STEP = "the quantity is no multiple of the step size"
    QUANTITY_MIN = "the quantity is below the minimum"
    QUANTITY_MAX = "the quantity is above the maximum"
    MIN_NOTIONAL = "the notional is below the minimum"
    DUPLICATE_CLIENT_ID = "an open order has this client order id already"
    WOULD_TAKE = "a post-only order would take liquidity"
    CANNOT_FILL = "a fill-or-kill order cannot be filled at once"
    NO_FUNDS = "the account's balance is insufficient"
    NO_MARGIN = "the account's margin is insufficient"
    REDUCE_ONLY = "a reduce-only order would open or increase a position"
    WOULD_TRIGGER = "the trigger price would fire at once"
    TRIGGER_MISSING = "a conditional order needs a trigger price or a callback rate"
    UNKNOWN_ORDER = "no such order"
    ORDER_CLOSED = "the order is closed already"
    NO_CHANGE = "the amendment changes nothing"
    NOT_AMENDABLE = "only open limit orders can be amended"
    LEVERAGE_RANGE = "the leverage is outside the instrument's range"
    TOO_MANY_ORDERS = "the account has too many open orders"


class RefusalError(Exception):
    """The exchange said no; nothing changed."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Instrument:
    """A market; `multiplier` is the amount of base in one contract."""

    symbol: str
    kind: InstrumentKind
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    maker_fee: Decimal
    taker_fee: Decimal
    max_price: Decimal = Decimal(1_000_000)
    multiplier: Decimal = Decimal(1)
    max_leverage: int = 125
    default_leverage: int = 20
    maintenance_rate: Decimal = Decimal("0.004")

    @property
    def is_spot(self) -> bool:
        return self.kind is InstrumentKind.SPOT

    @property
    def settle(self) -> str:
        """The asset in which profit, loss and margin are kept."""
        return self.quote

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        return quantity * self.multiplier * price


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a conditional order becomes a real one: at a price, or at a distance from the best price since.

    `rises` says on which side the trigger lies: True fires at or above it, False at or below it.
    `callback` is a fraction (0.01 is one per cent) and makes the trigger a trailing one.
    """

    rises: bool
    price: Decimal | None = None
    source: PriceSource = PriceSource.LAST
    callback: Decimal | None = None
    activation: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What an account asks for; exactly one of `quantity` and `quote_quantity`, or `close_position`."""

    account: str
    symbol: str
    side: Side
    kind: OrderKind
    quantity: Decimal | None = None
    price: Decimal | None = None
    quote_quantity: Decimal | None = None
    client_id: str = ""
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    close_position: bool = False
    expire_ns: int = 0
    self_trade: SelfTrade | None = None
    trigger: Trigger | None = None
    label: str = ""
    """The protocol room's own order type, kept so that it can render the order the way it came."""


@dataclass(slots=True)
class Order:
    id: int
    request: OrderRequest
    client_id: str
    quantity: Decimal
    price: Decimal | None
    created_ns: int
    updated_ns: int
    self_trade: SelfTrade
    status: Status = Status.NEW
    filled: Decimal = ZERO
    filled_quote: Decimal = ZERO
    reserved: Decimal = ZERO
    """Spot: what is locked for the rest of this order, in quote for a buy and in base for a sell."""
    conditional_id: int | None = None

    @property
    def account(self) -> str:
        return self.request.account

    @property
    def symbol(self) -> str:
        return self.request.symbol

    @property
    def side(self) -> Side:
        return self.request.side

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def average_price(self) -> Decimal:
        return self.filled_quote / self.filled if self.filled else ZERO


class ConditionalStatus(StrEnum):
    WAITING = "WAITING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


@dataclass(slots=True)
class Conditional:
    """An order that waits for a price; `order_id` is set when it fired."""

    id: int
    request: OrderRequest
    client_id: str
    created_ns: int
    updated_ns: int
    status: ConditionalStatus = ConditionalStatus.WAITING
    order_id: int | None = None
    triggered_ns: int = 0
    active: bool = True
    extreme: Decimal | None = None
    reserved: Decimal = ZERO
    reject_reason: str = ""

    @property
    def account(self) -> str:
        return self.request.account

    @property
    def symbol(self) -> str:
        return self.request.symbol


@dataclass(frozen=True, slots=True)
class Fill:
    """One side of a trade; both sides carry the same `trade_id`. `fee` is what the account paid."""

    trade_id: int
    order_id: int
    client_id: str
    account: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    quote: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    realized: Decimal
    ts_ns: int


@dataclass(frozen=True, slots=True)
class Trade:
    id: int
    symbol: str
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    buy_order_id: int
    sell_order_id: int
    ts_ns: int


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A price level of the book has this total quantity now; `update_id` grows by one with each change."""

    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    update_id: int
    ts_ns: int


@dataclass(frozen=True, slots=True)
class MarkChange:
    symbol: str
    price: Decimal
    ts_ns: int


type MarketEvent = Trade | LevelChange | MarkChange


class Change(StrEnum):
    """What happened to an order."""

    ACCEPTED = "ACCEPTED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    AMENDED = "AMENDED"
    PREVENTED = "PREVENTED"


@dataclass(frozen=True, slots=True)
class OrderEvent:
    seq: int
    ts_ns: int
    change: Change
    order: Order
    fill: Fill | None = None

    @property
    def account(self) -> str:
        return self.order.account


@dataclass(frozen=True, slots=True)
class ConditionalEvent:
    seq: int
    ts_ns: int
    conditional: Conditional

    @property
    def account(self) -> str:
        return self.conditional.account


class BalanceReason(StrEnum):
    ORDER = "ORDER"
    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    FUNDING = "FUNDING"


@dataclass(frozen=True, slots=True)
class Holding:
    """A position as it was at some moment; `entry_price` is zero when flat."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal
    realized: Decimal
    unrealized: Decimal


@dataclass(frozen=True, slots=True)
class BalanceEvent:
    """Free and locked amounts by asset, and perhaps a position, as they are after the change."""

    seq: int
    ts_ns: int
    account: str
    reason: BalanceReason
    balances: dict[str, tuple[Decimal, Decimal]]
    holding: Holding | None = None
    changes: dict[str, Decimal] = field(default_factory=dict)
    """By how much a deposit, withdrawal or funding payment changed each asset; empty for trades."""


type AccountEvent = OrderEvent | ConditionalEvent | BalanceEvent
