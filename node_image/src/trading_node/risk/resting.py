"""Our own orders on one side of a venue's book."""

from collections.abc import Callable, Iterable
from decimal import Decimal


class RestingSide:
    """Prices of our orders on one side; the best one is what an order of ours on the other side would meet first."""

    __slots__ = ("_best", "_pick", "_prices")

    def __init__(self, pick: Callable[[Iterable[Decimal]], Decimal]) -> None:
        """Take ``max`` for buys and ``min`` for sells."""
        self._prices: dict[str, Decimal] = {}
        self._best: Decimal | None = None
        self._pick = pick

    @property
    def best(self) -> Decimal | None:
        """The best price; None without orders."""
        if self._best is None and self._prices:
            self._best = self._pick(self._prices.values())
        return self._best

    def add(self, order_id: str, price: Decimal) -> None:
        """Take an order in."""
        self._prices[order_id] = price
        if self._best is not None or len(self._prices) == 1:
            self._best = price if self._best is None else self._pick((self._best, price))

    def remove(self, order_id: str) -> None:
        """Take an order out, if it is here."""
        if self._prices.pop(order_id, None) == self._best:
            self._best = None
