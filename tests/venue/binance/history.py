"""One page of an account's history, as Binance cuts it for orders and for trades alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.venue.binance.params import Params
from tests.venue.binance.room import NS_PER_MS


def page[Entry](
    entries: Iterable[Entry],
    params: Params,
    *,
    first: str,
    number: Callable[[Entry], int],
    time_ns: Callable[[Entry], int],
) -> list[Entry]:
    """Return the entries that startTime, endTime and limit ask for, from the id in the parameter ``first`` on.

    The oldest ones where the caller says where to begin, else the latest; entries come in the order of their numbers.
    """
    start, end, least = params.integer("startTime"), params.integer("endTime"), params.integer(first)
    limit = params.limit(500, 1_000)
    found = [
        entry
        for entry in entries
        if (least is None or number(entry) >= least)
        and (start is None or time_ns(entry) // NS_PER_MS >= start)
        and (end is None or time_ns(entry) // NS_PER_MS <= end)
    ]
    return found[:limit] if least is not None or start is not None else found[-limit:]
