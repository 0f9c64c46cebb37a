"""Our own orders on one side of a venue's book."""

from collections.abc import Callable, Iterable
from decimal import Decimal


class RestingSide:
    """Prices of our orders on one side; the best one is what an order of ours on the other side would meet first."""

    __slots__ = ("_pick", "known_best", "prices")

    def __init__(self, pick: Callable[[Iterable[Decimal]], Decimal]) -> None:
        """Take ``max`` for buys and ``min`` for sells."""
        self.prices: dict[str, Decimal] = {}
        """By order id. Who adds one that is better than ``known_best`` sets that to None, or to its price."""
        self.known_best: Decimal | None = None
        """The best price, where it is known."""
        self._pick = pick

    @property
    def best(self) -> Decimal | None:
        """The best price; None without orders."""
        if self.known_best is None and self.prices:
            self.known_best = self._pick(self.prices.values())
        return self.known_best

    def add(self, order_id: str, price: Decimal) -> None:
        """Take an order in."""
        self.prices[order_id] = price
        if self.known_best is not None:
            self.known_best = self._pick((self.known_best, price))

    def remove(self, order_id: str) -> None:
        """Take an order out, if it is here."""
        price, best = self.prices.pop(order_id, None), self.known_best
        if price is not None and best is not None and price == best:  # To compare with None takes a decimal long.
            self.known_best = None
