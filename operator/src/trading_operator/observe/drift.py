"""Whether a live object holds all that is wanted of it.

What others add is theirs; what the API server writes differently (defaults, dropped empty fields, ``1000m`` for ``1``)
is no drift.
"""

import re
from decimal import Decimal
from typing import Any

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


def covers(live: Json, wanted: Json) -> bool:
    """Tell whether ``live`` holds everything that ``wanted`` says."""
    if isinstance(wanted, dict):
        return _covers_map(live, wanted)
    if isinstance(wanted, list):
        return _covers_list(live, wanted)
    return bool(live == wanted) or _same_quantity(live, wanted) or (live is None and _empty(wanted))


def _covers_map(live: Json, wanted: dict[str, Any]) -> bool:
    if not isinstance(live, dict):
        return live is None and _empty(wanted)
    return all(covers(live.get(key), value) for key, value in wanted.items())


def _covers_list(live: Json, wanted: list[Any]) -> bool:
    if not isinstance(live, list):
        return live is None and not wanted
    return len(live) == len(wanted) and all(map(covers, live, wanted))


def _empty(wanted: Json) -> bool:
    """Tell whether the API server would leave the value out."""
    if isinstance(wanted, dict):
        return all(_empty(value) for value in wanted.values())
    return wanted in (None, "", 0, False) or wanted == []


def _same_quantity(live: Json, wanted: Json) -> bool:
    if isinstance(live, bool) or isinstance(wanted, bool):
        return False
    ours = _quantity(wanted)
    return ours is not None and ours == _quantity(live)


def _quantity(value: Json) -> Decimal | None:
    found = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if found is None:
        return None
    number, suffix = found.groups()
    return Decimal(number) * (_SUFFIXES.get(suffix) or Decimal(f"1{suffix}"))
