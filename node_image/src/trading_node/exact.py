"""Decimal arithmetic of the books: sums and products exact, divisions to 18 digits after the point."""

from contextlib import AbstractContextManager
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

SCALE = 18
"""Digits after the point that the database keeps: wei, the finest unit in use."""
PRECISION = 38
"""Digits that the database keeps."""
_QUANTUM = Decimal(1).scaleb(-SCALE)
# Wide enough for a product of two figures of 38 digits and a sum of very many of them.
_WIDE = Context(prec=120, rounding=ROUND_HALF_EVEN)


def exact_arithmetic() -> AbstractContextManager[Context]:
    """Return a context in which products and sums of the books' figures lose nothing."""
    return localcontext(_WIDE)


def rounded(value: Decimal) -> Decimal:
    """Return the value to 18 digits after the point, half to even; one that has no more stays as it is."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -SCALE:
        return value
    return value.quantize(_QUANTUM, context=_WIDE)


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Return the quotient to 18 digits after the point. Raises decimal.DivisionByZero."""
    return rounded(_WIDE.divide(numerator, denominator))


def plain(value: Decimal) -> str:
    """Return the value without exponent and without digits that say nothing: equal values give equal text."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
