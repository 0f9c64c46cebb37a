"""The exchange: accounts place, amend and cancel; the book matches; the ledger pays; every change is an event.

Time comes in with each call, in UTC nanoseconds; ids come from counters: the same calls give the same history.
A call either does what it says or raises `RefusalError` and leaves everything as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from tests.venue.core.book import OrderBook, crosses
from tests.venue.core.funds import Funds
from tests.venue.core.intake import Intake
from tests.venue.core.journal import Journal
from tests.venue.core.ledger import Ledger
from tests.venue.core.model import (
    ZERO,
    BalanceReason,
    Change,
    Fill,
    Holding,
    Instrument,
    MarkChange,
    Order,
    OrderKind,
    OrderRequest,
    Reason,
    RefusalError,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
    Trade,
)
from tests.venue.core.rules import (
    VenueRules,
    check_notional,
    check_price,
    check_quantity,
    floor_to_step,
    lock_asset,
    rests,
    spot_reservation,
)


class Exchange:
    """One venue's books, orders and money."""

    def __init__(self, instruments: list[Instrument], rules: VenueRules | None = None) -> None:
        self.rules = rules or VenueRules()
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.books = {symbol: OrderBook() for symbol in self.instruments}
        self.orders: dict[int, Order] = {}
        self.fills: list[Fill] = []
        self.journal = Journal(list(self.instruments))
        self.ledger = Ledger()
        self.funds = Funds(self.ledger, self.instruments, self.open_orders)
        self._intake = Intake(self.instruments, self.books, self.ledger, self.funds, self.rules)
        self._open: dict[str, dict[int, Order]] = defaultdict(dict)
        self._orders_of: dict[str, dict[int, Order]] = defaultdict(dict)
        self._fills_of: dict[str, list[Fill]] = defaultdict(list)
        self._fills_of_order: dict[int, list[Fill]] = defaultdict(list)
        self._client_ids: dict[tuple[str, str], int] = {}
        self._next_id = self.rules.first_id
        self._next_trade = 1
        self.partial_fill: Decimal | None = None
        """The partial-fill fault: while set, matching of new orders stops at this fraction of their quantity."""

    # Accounts

    def open_account(self, name: str, *, quiet: bool = False) -> None:
        """Quiet accounts (the background market) leave no order events and no closed orders behind."""
        self.ledger.open(name)
        if quiet:
            self.journal.quiet.add(name)

    def deposit(self, account: str, asset: str, amount: Decimal, now: int) -> None:
        """Bring money in (or, negative, take it out)."""
        self.ledger.deposit(account, asset, amount)
        reason = BalanceReason.DEPOSIT if amount >= 0 else BalanceReason.WITHDRAW
        self._tell_balance(account, (asset,), now, reason=reason, changes={asset: amount})

    def set_leverage(self, account: str, symbol: str, leverage: int) -> None:
        instrument = self.instrument(symbol)
        if not 1 <= leverage <= instrument.max_leverage:
            raise RefusalError(Reason.LEVERAGE_RANGE, f"1 to {instrument.max_leverage}")
        self.ledger.accounts[account].leverage[symbol] = leverage

    def set_mark(self, symbol: str, price: Decimal, now: int) -> None:
        self.instrument(symbol)
        if self.funds.marks.get(symbol) != price:
            self.funds.marks[symbol] = price
            self.journal.market(MarkChange(symbol, price, now))

    # Questions

    def instrument(self, symbol: str) -> Instrument:
        if symbol not in self.instruments:
            raise RefusalError(Reason.UNKNOWN_SYMBOL, symbol)
        return self.instruments[symbol]

    def order(self, account: str, order_id: int) -> Order:
        order = self.orders.get(order_id)
        if order is None or order.account != account:
            raise RefusalError(Reason.UNKNOWN_ORDER, str(order_id))
        return order

    def order_by_client_id(self, account: str, client_id: str) -> Order:
        """Return the latest order with this client id: an id may be used again once its order is closed."""
        order_id = self._client_ids.get((account, client_id))
        if order_id is None:
            raise RefusalError(Reason.UNKNOWN_ORDER, client_id)
        return self.order(account, order_id)

    def has_open_client_id(self, account: str, client_id: str) -> bool:
        return self._client_ids.get((account, client_id)) in self._open[account]

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        return [o for o in self._open[account].values() if symbol is None or o.symbol == symbol]

    def account_orders(self, account: str, symbol: str | None = None) -> Iterator[Order]:
        return (o for o in self._orders_of[account].values() if symbol is None or o.symbol == symbol)

    def account_fills(self, account: str, symbol: str | None = None) -> Iterator[Fill]:
        return (f for f in self._fills_of[account] if symbol is None or f.symbol == symbol)

    def order_fills(self, order_id: int) -> list[Fill]:
        return self._fills_of_order.get(order_id, [])

    def holding(self, account: str, symbol: str) -> Holding:
        """Return the account's position as it is now."""
        position = self.ledger.accounts[account].position(symbol)
        entry = position.entry_price(self.instrument(symbol).multiplier)
        unrealized = self.funds.unrealized(account, symbol)
        return Holding(symbol, position.quantity, entry, position.realized, unrealized)

    # Orders

    def place(
        self,
        request: OrderRequest,
        now: int,
        *,
        order_id: int | None = None,
        conditional_id: int | None = None,
    ) -> Order:
        """Accept and match an order.

        `order_id` and `conditional_id` are given when a conditional order fires. With the partial-fill fault matching
        stops early, and what would still cross expires.
        """
        instrument = self.instrument(request.symbol)
        quiet = request.account in self.journal.quiet
        if not quiet and len(self._open[request.account]) >= self.rules.max_open_orders:
            raise RefusalError(Reason.TOO_MANY_ORDERS, str(self.rules.max_open_orders))
        if request.client_id and self.has_open_client_id(request.account, request.client_id):
            raise RefusalError(Reason.DUPLICATE_CLIENT_ID, request.client_id)
        order = self._intake.build(request, instrument, now, order_id or self.next_id())
        order.conditional_id = conditional_id
        cancel_at_once = self._intake.check_liquidity(order)
        if instrument.is_spot or not quiet:
            self.funds.reserve(order, self._intake.expected_price(order))
        self._register(order)
        self.journal.order(order, Change.ACCEPTED, now)
        if order.reserved:
            self._tell_balance(order.account, (lock_asset(instrument, order.side),), now)
        if cancel_at_once:
            self._close(order, self.rules.unfit_status, now)
        else:
            share = None if quiet else self.partial_fill
            cap = None if share is None else floor_to_step(instrument, order.quantity * share)
            self._match_and_rest(order, now, cap)
        return order

    def cancel(self, account: str, order_id: int, now: int) -> Order:
        order = self._open_order(account, order_id)
        self._close(order, Status.CANCELED, now)
        return order

    def amend(self, account: str, order_id: int, quantity: Decimal | None, price: Decimal | None, now: int) -> Order:
        """Set total quantity and price. Only a smaller quantity at the same price keeps the order's turn."""
        order = self._open_order(account, order_id)
        if order.request.kind is not OrderKind.LIMIT or order.price is None:
            raise RefusalError(Reason.NOT_AMENDABLE)
        instrument = self.instrument(order.symbol)
        new_price = check_price(instrument, order.price if price is None else price)
        new_quantity = check_quantity(instrument, order.quantity if quantity is None else quantity)
        if order.request.reduce_only:
            new_quantity = min(new_quantity, order.filled + self._intake.reducible(order.request))
        if (new_price, new_quantity) == (order.price, order.quantity):
            raise RefusalError(Reason.NO_CHANGE)
        takes_as_maker = order.request.post_only and self._intake.would_take(order, new_price)
        if new_quantity <= order.filled or takes_as_maker:
            self._close(order, Status.CANCELED, now)
            return order
        if not order.request.reduce_only:
            check_notional(instrument, new_quantity, new_price)
        self._intake.afford_amendment(order, instrument, new_quantity, new_price)
        self._reprice(order, new_quantity, new_price, now)
        return order

    def cross(self, order_id: int, quantity: Decimal, counterparty: str, now: int) -> Fill:
        """Fill a resting order off the book, at its price: how tests and faults fill exactly what they want."""
        order = self.orders.get(order_id)
        if order is None or order.price is None or not order.status.is_open:
            raise RefusalError(Reason.UNKNOWN_ORDER, str(order_id))
        quantity = min(quantity, order.remaining)
        side = order.side.opposite
        request = OrderRequest(counterparty, order.symbol, side, OrderKind.MARKET, quantity)
        number = self.next_id()
        client_id = f"{self.rules.client_id_prefix}{number}"
        taker = Order(number, request, client_id, quantity, None, now, now, SelfTrade.ALLOWED)
        self.funds.reserve(taker, order.price)
        self._register(taker)
        self._trade(taker, order, order.price, quantity, now)
        return self.order_fills(order_id)[-1]

    def expire(self, now: int) -> list[Order]:
        """End what its good-till-date ended."""
        due = [
            order
            for orders in self._open.values()
            for order in orders.values()
            if order.request.time_in_force is TimeInForce.GTD and 0 < order.request.expire_ns <= now
        ]
        for order in due:
            self._close(order, Status.EXPIRED, now)
        return due

    def next_id(self) -> int:
        self._next_id += 1
        return self._next_id

    # Building and checking

    def _open_order(self, account: str, order_id: int) -> Order:
        order = self.order(account, order_id)
        if not order.status.is_open:
            raise RefusalError(Reason.ORDER_CLOSED, str(order_id))
        return order

    # Matching

    def _register(self, order: Order) -> None:
        self.orders[order.id] = self._orders_of[order.account][order.id] = order
        self._open[order.account][order.id] = order
        self._client_ids[order.account, order.client_id] = order.id

    def _match_and_rest(self, order: Order, now: int, cap: Decimal | None = None) -> None:
        self._match(order, now, cap)
        if not order.status.is_open:
            return
        if not rests(order.request) or order.price is None or self._intake.would_take(order, order.price):
            self._close(order, Status.EXPIRED, now)
            return
        book = self.books[order.symbol]
        book.add(order.id, order.side, order.price, order.remaining)
        self.journal.level(book, order.symbol, order.side, order.price, now)

    def _match(self, order: Order, now: int, cap: Decimal | None) -> None:
        book = self.books[order.symbol]
        while order.status.is_open:
            resting = book.best(order.side.opposite)
            if resting is None or not crosses(order.side, order.price, resting.price):
                return
            maker = self.orders[resting.order_id]
            if maker.account == order.account and order.self_trade is not SelfTrade.ALLOWED:
                self._prevent_self_trade(order, maker, now)
                continue
            quantity = min(order.remaining, resting.remaining, self._intake.affordable(order, resting.price))
            if cap is not None:
                quantity = min(quantity, cap - order.filled)
            if quantity <= 0:
                return
            self._trade(order, maker, resting.price, quantity, now)

    def _prevent_self_trade(self, taker: Order, maker: Order, now: int) -> None:
        if taker.self_trade in (SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH):
            self._close(maker, Status.PREVENTED, now)
        if taker.self_trade in (SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH):
            self._close(taker, Status.PREVENTED, now)

    def _trade(self, taker: Order, maker: Order, price: Decimal, quantity: Decimal, now: int) -> None:
        buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
        trade = Trade(self._next_trade, taker.symbol, price, quantity, buyer is maker, buyer.id, seller.id, now)
        self._next_trade += 1
        book = self.books[maker.symbol]
        book.reduce(maker.id, quantity)
        self.journal.level(book, maker.symbol, maker.side, price, now)
        self.funds.last[taker.symbol] = price
        self.journal.market(trade)
        self._settle(maker, trade, now, is_maker=True)
        self._settle(taker, trade, now, is_maker=False)
        for account in dict.fromkeys((maker.account, taker.account)):
            self._trim_reduce_only(account, taker, now)

    def _settle(self, order: Order, trade: Trade, now: int, *, is_maker: bool) -> None:
        instrument = self.instruments[order.symbol]
        book = self.ledger.accounts[order.account]
        rate = instrument.maker_fee if is_maker else instrument.taker_fee
        quantity, price, realized = trade.quantity, trade.price, ZERO
        if instrument.is_spot:
            if order.price is not None:
                # The part of the lock that this fill used: what a better price saves becomes free again.
                self.funds.relock(order, order.reserved - spot_reservation(order.side, quantity, order.price))
            fee, asset = self.ledger.fill_spot(
                order.account, instrument, order.side, quantity=quantity, price=price, rate=rate
            )
        else:
            fee, asset, realized = self.ledger.fill_perpetual(
                order.account, instrument, order.side, quantity=quantity, price=price, rate=rate
            )
            book.positions[order.symbol].updated_ns = now
        order.filled += quantity
        order.filled_quote += quantity * price
        order.updated_ns = now
        order.status = Status.PARTIALLY_FILLED if order.remaining else Status.FILLED
        if order.status is Status.FILLED:
            self._open[order.account].pop(order.id, None)
        fill = Fill(
            trade.id, order.id, order.client_id, order.account, order.symbol, order.side, price, quantity,
            instrument.notional(quantity, price), fee, asset, is_maker, realized, now,
        )  # fmt: skip
        for fills in (self.fills, self._fills_of[order.account], self._fills_of_order[order.id]):
            fills.append(fill)
        self.journal.order(order, Change.FILLED, now, fill)
        assets = (instrument.base, instrument.quote) if instrument.is_spot else (instrument.settle,)
        self._tell_balance(order.account, assets, now, symbol="" if instrument.is_spot else order.symbol)

    def _trim_reduce_only(self, account: str, taker: Order, now: int) -> None:
        """After a fill, reduce-only orders may hold no more than the position that is left."""
        book = self.books[taker.symbol]
        for order in self.open_orders(account, taker.symbol):
            if not order.request.reduce_only or order is taker or order.price is None:
                continue
            left = self._intake.reducible(order.request)
            if left == 0:
                self._close(order, Status.EXPIRED, now)
            elif order.remaining > left:
                book.reduce(order.id, order.remaining - left)
                self.journal.level(book, order.symbol, order.side, order.price, now)
                order.quantity = order.filled + left
                order.updated_ns = now
                self.journal.order(order, Change.AMENDED, now)

    def _reprice(self, order: Order, quantity: Decimal, price: Decimal, now: int) -> None:
        book, old_price = self.books[order.symbol], order.price or price
        keeps_turn = price == old_price and quantity < order.quantity
        if keeps_turn:
            book.reduce(order.id, order.quantity - quantity)
        else:
            book.remove(order.id)
        order.quantity, order.price, order.updated_ns = quantity, price, now
        self.journal.level(book, order.symbol, order.side, old_price, now)
        self.journal.order(order, Change.AMENDED, now)
        if not keeps_turn:
            self._match_and_rest(order, now)

    def _close(self, order: Order, status: Status, now: int) -> None:
        """Take an order out of the book, give back what it locked, and say so."""
        book = self.books[order.symbol]
        if book.remove(order.id) is not None and order.price is not None:
            self.journal.level(book, order.symbol, order.side, order.price, now)
        self._open[order.account].pop(order.id, None)
        had_lock = order.reserved > 0
        if had_lock:
            self.funds.relock(order, ZERO)
        order.status, order.updated_ns = status, now
        self.journal.order(order, Change(status.value), now)
        if had_lock:
            self._tell_balance(order.account, (lock_asset(self.instruments[order.symbol], order.side),), now)
        if order.account in self.journal.quiet and not order.filled:
            del self.orders[order.id], self._orders_of[order.account][order.id]
            del self._client_ids[order.account, order.client_id]

    def _tell_balance(
        self,
        account: str,
        assets: tuple[str, ...],
        now: int,
        *,
        symbol: str = "",
        reason: BalanceReason = BalanceReason.ORDER,
        changes: dict[str, Decimal] | None = None,
    ) -> None:
        book = self.ledger.accounts[account]
        book.updated_ns = now
        balances = {asset: (book.free[asset], book.locked[asset]) for asset in assets}
        holding = self.holding(account, symbol) if symbol else None
        self.journal.balance(account, balances, now, holding=holding, reason=reason, changes=changes)
