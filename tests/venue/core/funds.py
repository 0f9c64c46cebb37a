"""What an account can afford: the ledger seen together with prices, open orders and leverage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from tests.venue.core.ledger import Ledger
from tests.venue.core.model import ZERO, Instrument, Order, Reason, RefusalError, Side
from tests.venue.core.rules import Margin, initial_margin, lock_asset, spot_reservation


class Funds:
    """Locks and margin of all accounts of one exchange."""

    def __init__(
        self,
        ledger: Ledger,
        instruments: dict[str, Instrument],
        open_orders: Callable[[str], Iterable[Order]],
    ) -> None:
        self._ledger = ledger
        self._instruments = instruments
        self._open_orders = open_orders
        self.last: dict[str, Decimal] = {}
        self.marks: dict[str, Decimal] = {}

    def mark(self, symbol: str) -> Decimal:
        """Return the price at which positions are valued: the mark, else the last trade, else zero."""
        return self.marks.get(symbol) or self.last.get(symbol) or ZERO

    def unrealized(self, account: str, symbol: str) -> Decimal:
        position = self._ledger.accounts[account].position(symbol)
        return position.unrealized(self.mark(symbol), self._instruments[symbol].multiplier)

    def margin(self, account: str, symbol: str, *, bids: Decimal = ZERO, asks: Decimal = ZERO) -> Margin:
        """Return the initial margin in use for one perpetual, as it would be with more bids and asks (notionals)."""
        instrument = self._instruments[symbol]
        for order in self._open_orders(account):
            if order.symbol != symbol or order.request.reduce_only or order.price is None:
                continue
            notional = instrument.notional(order.remaining, order.price)
            if order.side is Side.BUY:
                bids += notional
            else:
                asks += notional
        book = self._ledger.accounts[account]
        held = book.position(symbol).quantity
        return initial_margin(
            instrument, held, self.mark(symbol), bids=bids, asks=asks, leverage=book.leverage_of(instrument)
        )

    def available(self, account: str, asset: str) -> Decimal:
        """Return what new orders may use: the free balance, less margin in use, with the profit not yet taken."""
        free = self._ledger.accounts[account].free.get(asset, ZERO)
        for instrument in self._instruments.values():
            if not instrument.is_spot and instrument.settle == asset:
                free += self.unrealized(account, instrument.symbol) - self.margin(account, instrument.symbol).total
        return free

    def check_margin(self, order: Order, quantity: Decimal, price: Decimal) -> None:
        """Refuse what the margin does not cover; what lowers the requirement always passes."""
        if order.request.reduce_only:
            return
        instrument = self._instruments[order.symbol]
        notional = instrument.notional(quantity, price)
        bids, asks = (notional, ZERO) if order.side is Side.BUY else (ZERO, notional)
        before = self.margin(order.account, order.symbol).total
        after = self.margin(order.account, order.symbol, bids=bids, asks=asks).total
        if after > before and after - before > self.available(order.account, instrument.settle):
            raise RefusalError(Reason.NO_MARGIN, f"needs {after - before:.8f} {instrument.settle}")

    def reserve(self, order: Order, expected_price: Decimal) -> None:
        """Lock what a new order may cost; an order without a limit is only checked, it never rests."""
        instrument = self._instruments[order.symbol]
        if not instrument.is_spot:
            self.check_margin(order, order.quantity, order.price or expected_price)
            return
        if order.price is not None:
            self.relock(order, spot_reservation(order.side, order.quantity, order.price))
            return
        asset = lock_asset(instrument, order.side)
        need = order.quantity if order.side is Side.SELL else order.quantity * expected_price
        if need > self.available(order.account, asset):
            raise RefusalError(Reason.NO_FUNDS, f"needs {need} {asset}")

    def relock(self, order: Order, need: Decimal) -> None:
        """Make the order's lock `need`, or refuse."""
        asset = lock_asset(self._instruments[order.symbol], order.side)
        extra = need - order.reserved
        if extra > 0:
            if extra > self.available(order.account, asset):
                raise RefusalError(Reason.NO_FUNDS, f"needs {extra} {asset}")
            self._ledger.lock(order.account, asset, extra)
        elif extra < 0:
            self._ledger.unlock(order.account, asset, -extra)
        order.reserved = need
