"""The initial margin that positions and pending orders of one account take, by what the gate knows of them.

Kept beside the venue's word: Binance's stream tells the whole wallet as free after each fill, until the next look.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from trading_node.risk.orders import ZERO

if TYPE_CHECKING:
    from trading_node.risk.holdings import Market


class AccountMargins:
    """Of an account, in one currency; only markets that changed are counted again."""

    __slots__ = ("_by_market", "_used", "stale")

    def __init__(self) -> None:
        self.stale: dict[Market, None] = {}
        """Markets where something changed."""
        self._by_market: dict[Market, Decimal] = {}
        self._used = ZERO

    def used(self) -> Decimal:
        """Return the margin of all positions and of all orders that may still fill."""
        if self.stale:
            for market in self.stale:
                margin = _margin(market)
                self._used += margin - self._by_market.get(market, ZERO)
                self._by_market[market] = margin
            self.stale.clear()
        return self._used


def _margin(market: "Market") -> Decimal:
    """Return what a market takes on its larger side, as exchanges count it; nothing while its price is not known."""
    mark, contract = market.mark, market.contract
    if not mark:
        return ZERO
    if contract.hedged:
        quantity = sum(
            (
                each.opening_buys + each.opening_sells
                if each.apart
                else _larger(each.position, each.opening_buys, each.opening_sells)
                for each in market.holdings
            ),
            ZERO,
        )
    else:
        position = buys = sells = ZERO
        for each in market.holdings:
            position += each.position
            buys += each.opening_buys
            sells += each.opening_sells
        quantity = _larger(position, buys, sells)
    return abs(contract.settle(quantity, mark)) * contract.margin


def _larger(position: Decimal, buys: Decimal, sells: Decimal) -> Decimal:
    return max(position + buys, sells - position)
