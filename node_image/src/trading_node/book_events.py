"""What the books are told: frozen facts about operations at venues, each with an identity of its own.

An operation is one thing asked of a venue: an order, a loan, a stake, a bet. `operation_id` names it and is the
idempotent key: every fact about it carries it. `event_id` names the fact; the same fact twice is one fact. Times are
UNIX nanoseconds in UTC: `ts_event` is when it happened by the clock of where it happened, `ts_init` is when this node
learned of it by its own clock.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec


class Operation(StrEnum):
    """What is asked of the venue."""

    TRADE = "TRADE"
    SUPPLY = "SUPPLY"
    BORROW = "BORROW"
    STAKE = "STAKE"
    WITHDRAW = "WITHDRAW"
    SWAP = "SWAP"
    TRANSFER = "TRANSFER"
    BET = "BET"


class Side(StrEnum):
    """Which way."""

    BUY = "BUY"
    SELL = "SELL"
    SUPPLY = "SUPPLY"
    BORROW = "BORROW"
    STAKE = "STAKE"
    WITHDRAW = "WITHDRAW"
    BACK = "BACK"
    LAY = "LAY"

    @property
    def sign(self) -> int:
        """+1 where the holding grows, -1 where it shrinks or a debt grows."""
        return -1 if self in (Side.SELL, Side.BORROW, Side.WITHDRAW, Side.LAY) else 1


class TransitionKind(StrEnum):
    """What happened to an operation, apart from fills and amendments."""

    DENIED = "DENIED"
    EMULATED = "EMULATED"
    RELEASED = "RELEASED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    PENDING_UPDATE = "PENDING_UPDATE"
    PENDING_CANCEL = "PENDING_CANCEL"
    MODIFY_REJECTED = "MODIFY_REJECTED"
    CANCEL_REJECTED = "CANCEL_REJECTED"
    TRIGGERED = "TRIGGERED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What every event says.

    A default is left out when an event is written, and taken when it is read: it may never be changed.
    """

    event_id: str
    operation_id: str
    """Empty only where the fact is about no operation, such as a balance."""
    ts_event: int
    ts_init: int
    reconciliation: bool = False
    """Whether it was learned by asking the venue afterwards, not as it happened."""


class Placed(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An operation came to be, with its terms."""

    trader_id: str
    strategy_id: str
    venue: str
    instrument_id: str
    """Canonical: see `instrument_ids`."""
    venue_symbol: str = ""
    """The instrument as the trading engine names it."""
    client_order_id: str
    operation: Operation = Operation.TRADE
    side: Side
    order_type: str
    time_in_force: str = ""
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    display_quantity: Decimal | None = None
    ts_expire: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    quote_quantity: bool = False
    emulation_trigger: str = ""
    algorithm: str = ""
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """What the algorithm was told."""
    parent_operation_id: str = ""
    """The order that this one is contingent on."""
    spawn_operation_id: str = ""
    """The order that an algorithm made this one for."""
    order_list_id: str = ""
    contingency: str = ""
    linked_operation_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    options: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """What the trading engine needs besides to make the order anew, such as how it is triggered."""
    atomic_group: str = ""
    """Operations of one group take effect together or not at all, in the order of `atomic_sequence`."""
    atomic_sequence: int | None = None
    odds: Decimal | None = None
    selection: str = ""


class Transition(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An operation moved on."""

    kind: TransitionKind
    reason: str = ""
    details: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """The numbers behind the reason, such as the limit and what it was compared with."""
    venue_order_id: str = ""
    account_id: str = ""
    tx_hash: str = ""
    gas_used: int | None = None
    gas_price: Decimal | None = None


class Amended(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The venue changed the terms; what is None stays as it was."""

    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    quote_quantity: bool = False
    venue_order_id: str = ""
    account_id: str = ""


class Filled(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A part of an operation, or all of it, was executed."""

    trader_id: str
    strategy_id: str
    venue: str
    account_id: str
    instrument_id: str
    client_order_id: str
    venue_order_id: str = ""
    trade_id: str
    position_id: str = ""
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal = Decimal(0)
    commission_currency: str = ""
    liquidity: str = ""
    base_currency: str = ""
    quote_currency: str = ""
    settlement_currency: str = ""
    multiplier: Decimal = Decimal(1)
    inverse: bool = False
    """Whether the contract is worth a fixed amount of quote currency and settles in the base currency."""
    spot: bool = False
    """Whether what was bought is held, so that a commission in the base currency is taken from it."""
    tx_hash: str = ""
    gas_used: int | None = None
    gas_price: Decimal | None = None

    @property
    def fill_id(self) -> str:
        """The venue's own identity of the fill in a trader's books: equal however and how often it is learned.

        The trader is part of it because traders that share an account, now or one after the other, may share a database
        with books of its own each; the side because some venues give both sides of a trade with oneself one trade id.
        """
        return f"{self.trader_id}|{self.account_id}|{self.instrument_id}|{self.trade_id}|{self.side}"


class FillVoided(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A fill did not happen after all: the venue took it back, or it was inferred and the real ones came."""

    fill_id: str
    reason: str = ""


class Noted(Fact, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Kept in the event log and folded into nothing: balances, the engine's own view of a position, decisions."""

    topic: str
    details: Mapping[str, Any] = msgspec.field(default_factory=dict)


OrderEvent = Placed | Transition | Amended | Filled | FillVoided
BookEvent = OrderEvent | Noted


def operation_id(trader_id: str, client_order_id: str) -> str:
    """Return the key of a trader's order: client order ids are unique within a trader, over all its venues."""
    return f"{trader_id}/{client_order_id}"


def describe(event: BookEvent) -> str:
    """Return one word for the event log."""
    if isinstance(event, Transition):
        return event.kind.value
    if isinstance(event, Noted):
        return event.topic
    return _WORDS[type(event)]


_WORDS: dict[type[BookEvent], str] = {
    Placed: "PLACED",
    Amended: "AMENDED",
    Filled: "FILLED",
    FillVoided: "FILL_VOIDED",
}
