"""What the gate answers, with the numbers it decided by."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Reason(StrEnum):
    """Why an order is refused."""

    HALTED = "Halted"
    """Trading is halted: only the node's own cleanup passes."""
    REDUCE_ONLY = "ReduceOnly"
    """Trading is restricted to orders that make a position smaller and cannot turn it."""
    NOT_RECONCILED = "NotReconciled"
    """The node does not agree with the venue yet."""
    NOT_RECORDED = "NotRecorded"
    """The books do not take what happens: only what makes a position smaller and cannot turn it passes."""
    NO_ROUTE = "NoRoute"
    """No venue client takes orders for the instrument, or the instrument is unknown."""
    UNCHECKED_PARAMETER = "UncheckedParameter"
    """A parameter for the adapter changes the price or adds orders, past all limits; scope: its name."""
    DUPLICATE_ID = "DuplicateId"
    """An order with this id has been sent already."""
    DUPLICATE_ORDER = "DuplicateOrder"
    """The strategy sent the same order a moment ago."""
    ORDERS_PER_SECOND = "OrdersPerSecond"
    ORDERS_PER_MINUTE = "OrdersPerMinute"
    ORDER_QUANTITY_TOO_SMALL = "OrderQuantityTooSmall"
    ORDER_QUANTITY_TOO_LARGE = "OrderQuantityTooLarge"
    ORDER_NOTIONAL_TOO_SMALL = "OrderNotionalTooSmall"
    ORDER_NOTIONAL_TOO_LARGE = "OrderNotionalTooLarge"
    NO_REFERENCE_PRICE = "NoReferencePrice"
    """The market's price is not known, and a limit needs it."""
    STALE_REFERENCE_PRICE = "StaleReferencePrice"
    """The market's newest price is too old; value and limit are seconds."""
    NO_CONVERSION = "NoConversion"
    """No price converts the order's currency into the currency of the limits."""
    PRICE_OFF_MARKET = "PriceOffMarket"
    """The price is worse than the market's by more than the tolerance; value and limit are shares."""
    POSITION_TOO_LARGE = "PositionTooLarge"
    POSITION_NOTIONAL_TOO_LARGE = "PositionNotionalTooLarge"
    GROSS_NOTIONAL_TOO_LARGE = "GrossNotionalTooLarge"
    NET_NOTIONAL_TOO_LARGE = "NetNotionalTooLarge"
    BALANCE_TOO_SMALL = "BalanceTooSmall"
    """The account's free balance does not cover price or margin; value: needed, limit: there is."""
    DAILY_LOSS = "DailyLoss"
    SELF_CROSSING = "SelfCrossing"
    """It would trade with a resting order of our own; limit: the price of that order."""
    LIST_DENIED = "ListDenied"
    """Another order of its list was refused."""


@dataclass(frozen=True, slots=True)
class Deny:
    """A refusal."""

    reason: Reason
    scope: str = ""
    """What the limit is about: a strategy, a venue, an instrument, an order; empty: the whole node."""
    limit: Decimal | int | None = None
    value: Decimal | int | None = None
    """What it would have been with this order."""

    def __str__(self) -> str:
        """Return one line such as ``OrderNotionalTooLarge BTCUSDT.BINANCE: 60000, limit 50000``."""
        text = f"{self.reason} {self.scope}".rstrip()
        if self.value is not None:
            text += f": {_plain(self.value)}"
        if self.limit is not None:
            text += f"{':' if self.value is None else ','} limit {_plain(self.limit)}"
        return text

    def details(self) -> dict[str, str | None]:
        """Return the same field by field, as it is stored."""
        return {
            "reason": self.reason.value,
            "scope": self.scope,
            "limit": None if self.limit is None else _plain(self.limit),
            "value": None if self.value is None else _plain(self.value),
        }


def _plain(number: Decimal | int) -> str:
    if isinstance(number, int):
        return str(number)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
