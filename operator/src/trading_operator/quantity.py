"""Kubernetes quantities."""

import re
from decimal import Decimal

from trading_operator.objects import Json

_QUANTITY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]*)?|[+-]?\.[0-9]+)(|n|u|m|k|[KMGTPE]i?|[eE][+-]?[0-9]{1,3})", re.ASCII)
_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    **{suffix: Decimal(10 ** (3 * power)) for power, suffix in enumerate("MGTPE", start=2)},
    **{f"{suffix}i": Decimal(1024**power) for power, suffix in enumerate("KMGTPE", start=1)},
}


def quantity(value: Json) -> Decimal | None:
    """Return what a quantity such as ``1Gi`` or ``250m`` amounts to; None where the value is none."""
    found = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if found is None:
        return None
    number, suffix = found.groups()
    return Decimal(number) * (_SUFFIXES.get(suffix) or Decimal(f"1{suffix}"))
