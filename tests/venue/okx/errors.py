"""OKX's error codes for what the exchange refuses, and typed access to what a client sends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.venue.core.model import Reason, RefusalError

_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}")


@dataclass
class OkxError(Exception):
    """An error: OKX's code and message; `status` other than 200 only for what never reached the trading system."""

    code: str
    message: str
    status: int = 200


def bad(name: str) -> OkxError:
    return OkxError("51000", f"Parameter {name} error")


REFUSALS: dict[Reason, tuple[str, str]] = {
    Reason.UNKNOWN_SYMBOL: ("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist."),
    Reason.PRICE_MISSING: ("51000", "Parameter px error"),
    Reason.PRICE_TICK: ("51000", "Parameter px error"),
    Reason.PRICE_RANGE: ("51006", "Order price is not within the price limit"),
    Reason.QUANTITY_MISSING: ("51000", "Parameter sz error"),
    Reason.QUANTITY_STEP: ("51121", "Order quantity must be a multiple of the lot size."),
    Reason.QUANTITY_MIN: ("51020", "Your order should meet or exceed the minimum order amount."),
    Reason.QUANTITY_MAX: ("51202", "Market order amount exceeds the maximum amount."),
    Reason.MIN_NOTIONAL: ("51020", "Your order should meet or exceed the minimum order amount."),
    Reason.DUPLICATE_CLIENT_ID: ("51016", "Duplicated client order ID"),
    Reason.NO_FUNDS: ("51008", "Order failed. Insufficient account balance."),
    Reason.NO_MARGIN: ("51008", "Order failed. Insufficient USDT margin in account"),
    Reason.REDUCE_ONLY: ("51169", "Order failed because you don't have any positions in this direction to reduce."),
    Reason.WOULD_TRIGGER: ("51280", "SL trigger price must be less than the last traded price"),
    Reason.TRIGGER_MISSING: ("51000", "Parameter triggerPx error"),
    Reason.NO_CHANGE: ("51513", "Number of modification requests that are currently in progress exceeds the limit"),
    Reason.NOT_AMENDABLE: ("51510", "Modification failed as the order type cannot be modified"),
    Reason.LEVERAGE_RANGE: ("59102", "Leverage exceeds the maximum limit. Please lower the leverage."),
    Reason.TOO_MANY_ORDERS: ("51004", "Order failed. Too many open orders."),
}
_QUERY = ("51603", "Order does not exist")
_CANCEL = ("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
_AMEND = ("51503", "Modification failed as the order does not exist.")


def from_refusal(refusal: RefusalError, operation: str) -> OkxError:
    """Translate a refusal of an `operation`: order, cancel, amend or query."""
    if refusal.reason in (Reason.UNKNOWN_ORDER, Reason.ORDER_CLOSED):
        return OkxError(*{"cancel": _CANCEL, "amend": _AMEND}.get(operation, _QUERY))
    return OkxError(*REFUSALS.get(refusal.reason, ("51000", str(refusal))))


FAULTS: dict[str, tuple[int, str, str]] = {
    "reject": (200, "51008", "Order failed. Insufficient USDT margin in account"),
    "rate_limit": (429, "50011", "Rate limit reached. Please refer to API documentation and throttle requests"),
    "ban": (403, "50035", "This IP is banned."),
    "server_error": (503, "50026", "System error. Try again later"),
}
"""Status over HTTP, code, words."""


def fault_error(kind: str, message: str) -> OkxError:
    """Return a fault in OKX's words."""
    status, code, words = FAULTS[kind]
    return OkxError(code, message or words, status)


class Fields:
    """One object of parameters, from a query or a JSON body."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        if value in (None, ""):
            return None
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str | int | float):
            raise bad(name)
        return str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise OkxError("50014", f"Parameter {name} can not be empty.", 400)
        return value

    def decimal(self, name: str) -> Decimal | None:
        value = self.text(name)
        if value is None:
            return None
        if not _DECIMAL.fullmatch(value):
            raise bad(name)
        return Decimal(value)

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 19:
            raise bad(name)
        return int(value)

    def boolean(self, name: str) -> bool:
        value = self.text(name)
        if value not in (None, "true", "false"):
            raise bad(name)
        return value == "true"

    def choice[T](self, name: str, options: Mapping[str, T]) -> T:
        value = self.required(name)
        if value not in options:
            raise bad(name)
        return options[value]

    def client_id(self, name: str) -> str:
        """Letters and digits only: OKX refuses hyphens, which Nautilus writes by default."""
        value = self.text(name)
        if value is not None and not _CLIENT_ID.fullmatch(value):
            raise bad(name)
        return value or ""
