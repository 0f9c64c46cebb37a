"""Reads single cells of a table of trades: pure."""

from datetime import UTC, date, datetime, timedelta
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
LATEST_NS = 2**63 - 1
"""In the year 2262: what comes later is no time in nanoseconds."""
LONGEST_TRADE_ID = 36
"""Of longer ones, and of characters beyond ASCII, Nautilus ends the process."""
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
    size = number.copy_abs()  # Not abs(), which a huge exponent overflows.
    if size < 10**11:
        return SECOND
    if size < 10**14:
        return MILLISECOND
    return MICROSECOND if size < 10**17 else NANOSECOND


def parse_time(cell: Cell, unit: int) -> int:
    """Return UTC nanoseconds since 1970 of a number in a unit or of an ISO 8601 text; without an offset it is UTC."""
    if isinstance(cell, Nanoseconds):
        time_ns = int(cell)
    elif isinstance(cell, datetime):
        time_ns = _datetime_ns(cell)
    else:
        time_ns = _text_or_number_ns(cell, unit)
    if time_ns < 0:
        raise CellError(f"is {cell!r}, which is before 1970", "Write a later time")
    if time_ns > LATEST_NS:
        raise _too_late(cell)
    return time_ns


def _text_or_number_ns(cell: Cell, unit: int) -> int:
    number = _number(cell)
    if number is None:
        return _iso_ns(str(cell).strip())
    if number > LATEST_NS:  # Before it is multiplied, as it may have any exponent.
        raise _too_late(cell)
    text = str(cell).strip()
    if unit == SECOND and _is_date(text):
        written = f"{text[:4]}-{text[4:6]}-{text[6:]}"
        raise CellError(f"is {cell!r}, which is a date and no Unix time", f"Write {written}, with the time of day")
    return int(number * unit)


def _too_late(cell: Cell) -> CellError:
    return CellError(
        f"is {cell!r}, which is after 2262",
        "Write an earlier time, and all times in the unit of the first row: s, ms, us or ns",
    )


def _is_date(text: str) -> bool:
    """Return whether a number is meant as YYYYMMDD: as seconds all of these are in 1970, before any trade in a file."""
    if len(text) != len("20260105") or not text.isdecimal() or not text.startswith(("19", "20")):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def decimals_of(number: Decimal) -> int:
    """Return how many digits after the point say something; exactly, of however many digits."""
    _, digits, exponent = number.as_tuple()
    zeros = next((count for count, digit in enumerate(reversed(digits)) if digit), 0)
    return max(0, -(int(exponent) + zeros))


def parse_trade_id(cell: Cell) -> str:
    """Return a trade's id as Nautilus takes it."""
    text = "" if cell is None else str(cell).strip()
    if text and len(text) <= LONGEST_TRADE_ID and text.isascii() and text.isprintable():
        return text
    raise CellError(
        f"is {text!r}, which is no id of 1 to {LONGEST_TRADE_ID} ASCII characters",
        "Correct it, or remove the whole column: then rows are counted",
    )


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
