"""What happens to an order at the door: it is checked, sized and paid for before it may touch the book."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.core.book import OrderBook, crosses
from tests.venue.core.funds import Funds
from tests.venue.core.ledger import Ledger
from tests.venue.core.model import (
    ZERO,
    Instrument,
    Order,
    OrderKind,
    OrderRequest,
    Reason,
    RefusalError,
    Side,
    TimeInForce,
)
from tests.venue.core.rules import (
    VenueRules,
    check_notional,
    check_price,
    check_quantity,
    floor_to_step,
    lock_asset,
    quantity_for_quote,
    spot_reservation,
)


class Intake:
    """Sees the books and the money, changes neither (except for the lock of an amended spot order)."""

    def __init__(
        self,
        instruments: dict[str, Instrument],
        books: dict[str, OrderBook],
        ledger: Ledger,
        funds: Funds,
        rules: VenueRules,
    ) -> None:
        self._instruments = instruments
        self._books = books
        self._ledger = ledger
        self._funds = funds
        self._rules = rules

    def reducible(self, request: OrderRequest) -> Decimal:
        """Return how much of the account's position an order of this side could close."""
        held = self._ledger.accounts[request.account].position(request.symbol).quantity
        return abs(held) if held * request.side.sign < 0 else ZERO

    def build(self, request: OrderRequest, instrument: Instrument, now: int, number: int) -> Order:
        book = self._books[request.symbol]
        price = check_price(instrument, request.price) if request.kind is OrderKind.LIMIT else None
        quantity = request.quantity
        if request.quote_quantity is not None:
            quantity = quantity_for_quote(instrument, book.levels(request.side.opposite), request.quote_quantity)
        elif request.close_position:
            quantity = self.reducible(request)
            if quantity == 0:
                raise RefusalError(Reason.REDUCE_ONLY)
        quantity = check_quantity(instrument, quantity)
        if request.reduce_only:
            quantity = min(quantity, self.reducible(request))
            if quantity == 0:
                raise RefusalError(Reason.REDUCE_ONLY)
        elif not request.close_position:
            reference = price or book.best_price(request.side.opposite) or self._funds.mark(request.symbol)
            if reference:
                check_notional(instrument, quantity, reference)
        client_id = request.client_id or f"{self._rules.client_id_prefix}{number}"
        return Order(
            number, request, client_id, quantity, price, now, now, request.self_trade or self._rules.self_trade
        )

    def would_take(self, order: Order, price: Decimal) -> bool:
        best = self._books[order.symbol].best_price(order.side.opposite)
        return best is not None and crosses(order.side, price, best)

    def check_liquidity(self, order: Order) -> bool:
        """Apply post-only and fill-or-kill; True when the order is accepted only to be cancelled."""
        if order.request.post_only and order.price is not None and self.would_take(order, order.price):
            if self._rules.post_only_refused:
                raise RefusalError(Reason.WOULD_TAKE)
            return True
        if order.request.time_in_force is TimeInForce.FOK:
            found, _ = self._books[order.symbol].reachable(order.side, order.price, order.quantity)
            if found < order.quantity and self._rules.fok_refused:
                raise RefusalError(Reason.CANNOT_FILL)
            return found < order.quantity
        return False

    def expected_price(self, order: Order) -> Decimal:
        """Return the average price at which a market order would fill now; the mark when the book is empty."""
        found, cost = self._books[order.symbol].reachable(order.side, None, order.quantity)
        return cost / found if found else self._funds.mark(order.symbol)

    def affordable(self, order: Order, price: Decimal) -> Decimal:
        """Cap a spot market order, which has nothing locked, by what is free."""
        instrument = self._instruments[order.symbol]
        if not instrument.is_spot or order.price is not None:
            return order.remaining
        free = self._funds.available(order.account, lock_asset(instrument, order.side))
        return floor_to_step(instrument, free / price if order.side is Side.BUY else free)

    def afford_amendment(self, order: Order, instrument: Instrument, quantity: Decimal, price: Decimal) -> None:
        if instrument.is_spot:
            self._funds.relock(order, spot_reservation(order.side, quantity - order.filled, price))
            return
        before = instrument.notional(order.remaining, order.price or price)
        extra = instrument.notional(quantity - order.filled, price) - before
        if extra > 0:
            self._funds.check_margin(order, extra / (instrument.multiplier * price), price)
