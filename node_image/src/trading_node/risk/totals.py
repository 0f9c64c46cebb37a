"""Sums of what holdings are worth."""

from dataclasses import dataclass
from decimal import Decimal

from trading_node.risk.orders import ZERO


@dataclass(slots=True)
class Totals:
    """Sums over the node, a strategy or a venue, in the currency of the limits."""

    gross: Decimal = ZERO
    """Worth of all holdings, each on the side where it would be largest if its pending orders there filled."""
    long: Decimal = ZERO
    """Signed worth if all pending buys filled."""
    short: Decimal = ZERO
    """Signed worth if all pending sells filled."""
    profit: Decimal = ZERO
    """Profit of fills and positions since the book was begun."""
    day_start: Decimal = ZERO
    """Profit at midnight."""

    @property
    def day_loss(self) -> Decimal:
        """Loss since midnight UTC; negative: a gain."""
        return self.day_start - self.profit
