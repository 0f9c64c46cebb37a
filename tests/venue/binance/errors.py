"""Binance's error codes and words for what the exchange refuses."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.venue.core.model import Reason, RefusalError


@dataclass
class BinanceError(Exception):
    """An error reply: HTTP status, Binance's code, its message."""

    code: int
    message: str
    status: int = 400
    headers: dict[str, str] = field(default_factory=dict)


def missing(name: str) -> BinanceError:
    return BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> BinanceError:
    return BinanceError(-1130, f"Data sent for parameter '{name}' is not valid.")


_NOT_RECORDED = "The order will not be recorded in the order history"
_COMMON: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Reason.TRIGGER_MISSING: (-1102, "Mandatory parameter 'stopPrice' was not sent, was empty/null, or malformed."),
}

FUTURES_REFUSALS = _COMMON | {
    Reason.PRICE_MISSING: (-4001, "Price less than 0."),
    Reason.PRICE_TICK: (-4014, "Price not increased by tick size."),
    Reason.PRICE_RANGE: (-4002, "Price greater than max price."),
    Reason.QUANTITY_MISSING: (-4003, "Quantity less than or equal to zero."),
    Reason.QUANTITY_STEP: (-1111, "Precision is over the maximum defined for this asset."),
    Reason.QUANTITY_MIN: (-4004, "Quantity less than min quantity."),
    Reason.QUANTITY_MAX: (-4005, "Quantity greater than max quantity."),
    Reason.MIN_NOTIONAL: (-4164, "Order's notional must be no smaller than 5 (unless you choose reduce only)."),
    Reason.DUPLICATE_CLIENT_ID: (-4116, "ClientOrderId is duplicated."),
    Reason.WOULD_TAKE: (
        -5022,
        f"Due to the order could not be executed as maker, the Post Only order will be rejected. {_NOT_RECORDED}",
    ),
    Reason.CANNOT_FILL: (
        -5021,
        f"Due to the order could not be filled immediately, the FOK order has been rejected. {_NOT_RECORDED}",
    ),
    Reason.NO_FUNDS: (-2018, "Balance is insufficient."),
    Reason.NO_MARGIN: (-2019, "Margin is insufficient."),
    Reason.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Reason.WOULD_TRIGGER: (-2021, "Order would immediately trigger."),
    Reason.NO_CHANGE: (-5027, "No need to modify the order."),
    Reason.NOT_AMENDABLE: (-4204, "Only limit order is supported."),
    Reason.LEVERAGE_RANGE: (-4028, "Leverage is not valid"),
    Reason.TOO_MANY_ORDERS: (-2025, "Reach max open order limit."),
}

SPOT_REFUSALS = _COMMON | {
    Reason.PRICE_MISSING: (-1013, "Invalid price."),
    Reason.PRICE_TICK: (-1013, "Filter failure: PRICE_FILTER"),
    Reason.PRICE_RANGE: (-1013, "Filter failure: PRICE_FILTER"),
    Reason.QUANTITY_MISSING: (-1013, "Invalid quantity."),
    Reason.QUANTITY_STEP: (-1013, "Filter failure: LOT_SIZE"),
    Reason.QUANTITY_MIN: (-1013, "Filter failure: LOT_SIZE"),
    Reason.QUANTITY_MAX: (-1013, "Filter failure: LOT_SIZE"),
    Reason.MIN_NOTIONAL: (-1013, "Filter failure: NOTIONAL"),
    Reason.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
    Reason.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    Reason.NO_FUNDS: (-2010, "Account has insufficient balance for requested action."),
    Reason.WOULD_TRIGGER: (-2010, "Stop price would trigger immediately."),
    Reason.NO_CHANGE: (-2038, "The requested action would change no state; rejecting."),
    Reason.NOT_AMENDABLE: (-2038, "Order amend is not supported for this order."),
    Reason.TOO_MANY_ORDERS: (-1013, "Filter failure: MAX_NUM_ORDERS"),
}

_QUERY = {Reason.UNKNOWN_ORDER: (-2013, "Order does not exist.")}
_CANCEL = dict.fromkeys((Reason.UNKNOWN_ORDER, Reason.ORDER_CLOSED), (-2011, "Unknown order sent."))
_AMEND = dict.fromkeys((Reason.UNKNOWN_ORDER, Reason.ORDER_CLOSED), (-2013, "Order does not exist."))


def from_refusal(refusal: RefusalError, words: dict[Reason, tuple[int, str]], method: str) -> BinanceError:
    """Translate a refusal; an unknown order has another code when it is cancelled than when it is asked for."""
    by_method = {"DELETE": _CANCEL, "PUT": _AMEND}.get(method, _QUERY)
    code, message = (words | by_method).get(refusal.reason, (-1000, f"An unknown error occurred: {refusal}"))
    return BinanceError(code, message)
