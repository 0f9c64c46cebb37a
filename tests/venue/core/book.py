"""A limit order book of one instrument: best price first, then who came first."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tests.venue.core.model import ZERO, Side


@dataclass(frozen=True, slots=True)
class Resting:
    """An order as it lies in the book."""

    order_id: int
    price: Decimal
    remaining: Decimal


class OrderBook:
    """Holds order ids and remaining quantities; knows nothing about accounts or money."""

    def __init__(self) -> None:
        # A dict keeps insertion order, which is the time priority within a level.
        self._levels: dict[Side, dict[Decimal, dict[int, Decimal]]] = {Side.BUY: {}, Side.SELL: {}}
        self._totals: dict[Side, dict[Decimal, Decimal]] = {Side.BUY: {}, Side.SELL: {}}
        self._prices: dict[Side, list[Decimal]] = {Side.BUY: [], Side.SELL: []}
        self._where: dict[int, tuple[Side, Decimal]] = {}

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._where

    def best_price(self, side: Side) -> Decimal | None:
        prices = self._prices[side]
        if not prices:
            return None
        return prices[-1] if side is Side.BUY else prices[0]

    def best(self, side: Side) -> Resting | None:
        """Return the order that trades next on this side."""
        price = self.best_price(side)
        if price is None:
            return None
        order_id, remaining = next(iter(self._levels[side][price].items()))
        return Resting(order_id, price, remaining)

    def total(self, side: Side, price: Decimal) -> Decimal:
        return self._totals[side].get(price, ZERO)

    def add(self, order_id: int, side: Side, price: Decimal, quantity: Decimal) -> None:
        if order_id in self._where:
            raise ValueError(f"order {order_id} lies in the book already")
        if quantity <= 0:
            raise ValueError(f"order {order_id} has nothing to rest: {quantity}")
        level = self._levels[side].get(price)
        if level is None:
            level = self._levels[side][price] = {}
            self._totals[side][price] = ZERO
            insort(self._prices[side], price)
        level[order_id] = quantity
        self._totals[side][price] += quantity
        self._where[order_id] = (side, price)

    def remove(self, order_id: int) -> Resting | None:
        """Take an order out; None when it is not in the book."""
        where = self._where.pop(order_id, None)
        if where is None:
            return None
        side, price = where
        level = self._levels[side][price]
        remaining = level.pop(order_id)
        self._totals[side][price] -= remaining
        if not level:
            del self._levels[side][price]
            del self._totals[side][price]
            prices = self._prices[side]
            del prices[bisect_left(prices, price)]
        return Resting(order_id, price, remaining)

    def reduce(self, order_id: int, by: Decimal) -> None:
        """Shrink an order in place: it keeps its turn; at zero it leaves the book."""
        side, price = self._where[order_id]
        level = self._levels[side][price]
        if by > level[order_id]:
            raise ValueError(f"order {order_id} holds {level[order_id]}, cannot give {by}")
        if by == level[order_id]:
            self.remove(order_id)
            return
        level[order_id] -= by
        self._totals[side][price] -= by

    def levels(self, side: Side, limit: int | None = None) -> list[tuple[Decimal, Decimal]]:
        """Return price and total quantity, best first."""
        prices = self._prices[side]
        ordered = reversed(prices) if side is Side.BUY else iter(prices)
        totals = self._totals[side]
        out: list[tuple[Decimal, Decimal]] = []
        for price in ordered:
            if limit is not None and len(out) >= limit:
                break
            out.append((price, totals[price]))
        return out

    def walk(self, side: Side) -> Iterator[Resting]:
        """Yield every resting order of a side in the order in which it would trade."""
        prices = self._prices[side]
        for price in list(reversed(prices)) if side is Side.BUY else list(prices):
            for order_id, remaining in self._levels[side][price].items():
                yield Resting(order_id, price, remaining)

    def reachable(self, taker: Side, limit: Decimal | None, quantity: Decimal) -> tuple[Decimal, Decimal]:
        """Return how much of `quantity` an incoming order finds within its limit, and its price times quantity."""
        found, cost = ZERO, ZERO
        for price, total in self.levels(taker.opposite):
            if found >= quantity or not crosses(taker, limit, price):
                break
            take = min(total, quantity - found)
            found += take
            cost += take * price
        return found, cost


def crosses(taker: Side, limit: Decimal | None, price: Decimal) -> bool:
    """Say whether an order of side `taker` with this limit (None: any price) trades at `price`."""
    if limit is None:
        return True
    return limit >= price if taker is Side.BUY else limit <= price
