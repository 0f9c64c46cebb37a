"""Whether a live object holds all that is wanted of it.

What others add is theirs; what the API server writes differently (defaults, dropped empty fields, ``1000m`` for ``1``)
is no drift.
"""

from typing import Any

from trading_operator.objects import Json
from trading_operator.quantity import quantity


def covers(live: Json, wanted: Json) -> bool:
    """Tell whether ``live`` holds everything that ``wanted`` says."""
    if isinstance(wanted, dict):
        return _covers_map(live, wanted)
    if isinstance(wanted, list):
        return _covers_list(live, wanted)
    return bool(live == wanted) or _samequantity(live, wanted) or (live is None and _empty(wanted))


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


def _samequantity(live: Json, wanted: Json) -> bool:
    if isinstance(live, bool) or isinstance(wanted, bool):
        return False
    ours = quantity(wanted)
    return ours is not None and ours == quantity(live)
