"""Reads single cells of a table of trades: pure."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from nautilus_trader.model.enums import AggressorSide

type Cell = str | int | float | bool | Decimal | datetime | None
"""A cell as CSV (text) or Parquet hold it."""

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
FLOAT_DIGITS = 15
"""Decimal digits that a double holds for certain; the rest is noise, as in 0.00031099999999999997."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE = {"true", "t", "1", "yes", "y"}
_FALSE = {"false", "f", "0", "no", "n"}
_BUY = {"buy", "buyer", "b", "bid"}
_SELL = {"sell", "seller", "s", "ask", "a"}


class Nanoseconds(int):
    """A timestamp whose unit is known, whatever the rest of the file is in."""


class CellError(ValueError):
    """A cell that cannot be read."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def parse_decimal(cell: Cell) -> Decimal:
    """Return a number exactly as it was written; of a floating-point number only the digits that it surely holds."""
    if isinstance(cell, float):
        number = Decimal(f"{cell:.{FLOAT_DIGITS}g}")
    else:
        try:
            number = Decimal(str(cell).strip()) if not isinstance(cell, bool) else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
    if not number.is_finite():
        raise CellError(f"is {cell!r}, which is no number", "Write a number such as 0.25")
    return number


def time_unit(cell: Cell) -> int:
    """Return the nanoseconds of one unit of a numeric timestamp, judged by its size; 1 for other timestamps."""
    number = _number(cell)
    if number is None or isinstance(cell, Nanoseconds):
        return NANOSECOND
    size = abs(number)
    if size < 10**11:
        return SECOND
    if size < 10**14:
        return MILLISECOND
    return MICROSECOND if size < 10**17 else NANOSECOND


def parse_time(cell: Cell, unit: int) -> int:
    """Return UTC nanoseconds since 1970 of a number in a unit or of an ISO 8601 text; without an offset it is UTC."""
    if isinstance(cell, Nanoseconds):
        return int(cell)
    if isinstance(cell, datetime):
        return _datetime_ns(cell)
    number = _number(cell)
    time_ns = int(number * unit) if number is not None else _iso_ns(str(cell).strip())
    if time_ns < 0:
        raise CellError(f"is {cell!r}, which is before 1970", "Write a later time")
    return time_ns


def parse_side(column: str, cell: Cell) -> AggressorSide:
    """Return who crossed the spread: the seller where the buyer was the maker."""
    text = str(cell).strip().lower()
    if column == "buyer_maker":
        if text in _TRUE:
            return AggressorSide.SELLER
        if text in _FALSE:
            return AggressorSide.BUYER
        raise CellError(f"is {cell!r}", "Write true or false")
    if text in _BUY:
        return AggressorSide.BUYER
    if text in _SELL:
        return AggressorSide.SELLER
    raise CellError(f"is {cell!r}", "Write buy or sell")


def _number(cell: Cell) -> Decimal | None:
    if isinstance(cell, bool | datetime) or cell is None:
        return None
    try:
        number = Decimal(str(cell).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _iso_ns(text: str) -> int:
    whole, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if dot else ""
    try:
        # Python reads six decimals of the second; the others are added.
        moment = datetime.fromisoformat(f"{whole}{rest[len(digits) :]}")
    except ValueError as error:
        raise CellError(
            f"is {text!r}, which is no time", "Write ISO 8601, such as 2026-01-05T09:30:00.123Z, or a Unix time"
        ) from error
    return _datetime_ns(moment) + int(digits[:9].ljust(9, "0"))


def _datetime_ns(moment: datetime) -> int:
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (utc - EPOCH) // timedelta(microseconds=1) * MICROSECOND
