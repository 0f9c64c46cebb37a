"""The books in the database against what the node trades by: equal, or somebody has to know. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from trading_node.reconciliation.difference import Difference, Kind
from trading_node.reconciliation.facts import ZERO, OwnOrder

_REMEDY = "Restart the node: it begins with the books, asks the venue, and writes what is missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksNow:
    """What the database has of one account, when it had everything that it was told."""

    orders: Mapping[str, Decimal]
    """Filled quantity of each open order, by client order id."""
    positions: Mapping[str, Decimal]
    """Signed open quantities by instrument, as the trading engine names it, of all strategies together."""


def compare_books(
    orders: Mapping[str, OwnOrder], positions: Mapping[str, Decimal], books: BooksNow, spot: Collection[str] = ()
) -> dict[str, Difference]:
    """Return the differences by subject; one counts when it is found again in the same words.

    spot: instruments whose quantities are not compared, since fees are taken from them in other steps.
    """
    found: dict[str, str] = {}
    for key, order in orders.items():
        if key not in books.orders:
            found[key] = f"open here with {order.filled} filled, not open in the books"
        elif books.orders[key] != order.filled:
            found[key] = f"{order.filled} filled here, {books.orders[key]} in the books"
    for key in books.orders.keys() - orders.keys():
        found[key] = "open in the books, not open here"
    for instrument in positions.keys() | books.positions.keys():
        here, there = positions.get(instrument, ZERO), books.positions.get(instrument, ZERO)
        if here != there and instrument not in spot:
            found[instrument] = f"{here} held here, {there} in the books"
    return {
        key: Difference(kind=Kind.BOOKS, subject=key, message=message, remedy=_REMEDY)
        for key, message in sorted(found.items())
    }


def standing(before: Mapping[str, Difference], now: Mapping[str, Difference]) -> tuple[Difference, ...]:
    """Return what was found twice in the same words: events that were on their way have arrived since."""
    return tuple(each for key, each in now.items() if before.get(key) == each)
