"""Conditional orders: stops, take-profits and trailing stops wait here until a price fires them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

from tests.venue.core.exchange import Exchange
from tests.venue.core.model import (
    ZERO,
    Conditional,
    ConditionalStatus,
    OrderKind,
    OrderRequest,
    PriceSource,
    Reason,
    RefusalError,
)
from tests.venue.core.rules import advance, check_price, check_quantity, check_trigger, lock_asset, spot_reservation


class Conditionals:
    """The waiting room next to an exchange. Call `run` after anything that may have moved a price."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.all: dict[int, Conditional] = {}
        self._waiting: dict[str, dict[int, Conditional]] = defaultdict(dict)
        self._fired: dict[int, Conditional] = {}
        self._client_ids: dict[tuple[str, str], int] = {}

    def get(self, account: str, conditional_id: int) -> Conditional:
        found = self.all.get(conditional_id)
        if found is None or found.account != account:
            raise RefusalError(Reason.UNKNOWN_ORDER, str(conditional_id))
        return found

    def by_client_id(self, account: str, client_id: str) -> Conditional:
        found = self._client_ids.get((account, client_id))
        if found is None:
            raise RefusalError(Reason.UNKNOWN_ORDER, client_id)
        return self.all[found]

    def waiting(self, account: str, symbol: str | None = None) -> list[Conditional]:
        symbols = list(self._waiting) if symbol is None else [symbol]
        return [c for name in symbols for c in self._waiting[name].values() if c.account == account]

    def history(self, account: str, symbol: str | None = None) -> list[Conditional]:
        return [c for c in self.all.values() if c.account == account and (symbol is None or c.symbol == symbol)]

    def place(self, request: OrderRequest, now: int) -> Conditional:
        exchange = self._exchange
        instrument = exchange.instrument(request.symbol)
        if request.kind is OrderKind.LIMIT:
            check_price(instrument, request.price)
        if not request.close_position:
            check_quantity(instrument, request.quantity)
        self._check_client_id(request)
        check_trigger(request, self._price(request))
        number = exchange.next_id()
        client_id = request.client_id or f"{exchange.rules.client_id_prefix}{number}"
        conditional = Conditional(number, request, client_id, now, now)
        if request.trigger is not None and request.trigger.activation is not None:
            conditional.active = False
        self._lock(conditional)
        self.all[number] = self._waiting[request.symbol][number] = conditional
        self._client_ids[request.account, client_id] = number
        exchange.journal.conditional(conditional, now)
        return conditional

    def cancel(self, account: str, conditional_id: int, now: int) -> Conditional:
        conditional = self.get(account, conditional_id)
        if conditional.status is not ConditionalStatus.WAITING:
            raise RefusalError(Reason.ORDER_CLOSED, str(conditional_id))
        self._leave(conditional, ConditionalStatus.CANCELED)
        self._exchange.journal.conditional(conditional, now)
        return conditional

    def run(self, now: int) -> None:
        """Fire what is due, until a round fires nothing: one order's fill may fire the next."""
        progress = True
        while progress:
            progress = False
            for waiting in list(self._waiting.values()):
                for conditional in list(waiting.values()):
                    if self._is_due(conditional):
                        self._fire(conditional, now)
                        progress = True
        for conditional in list(self._fired.values()):
            order = self._exchange.orders.get(conditional.order_id or 0)
            if order is None or not order.status.is_open:
                del self._fired[conditional.id]
                conditional.status = ConditionalStatus.FINISHED
                self._exchange.journal.conditional(conditional, now)

    def _price(self, request: OrderRequest) -> Decimal | None:
        funds = self._exchange.funds
        by_mark = request.trigger is not None and request.trigger.source is PriceSource.MARK
        return funds.marks.get(request.symbol) if by_mark else funds.last.get(request.symbol)

    def _is_due(self, conditional: Conditional) -> bool:
        price = self._price(conditional.request)
        waiting = conditional.status is ConditionalStatus.WAITING
        return waiting and price is not None and advance(conditional, price)

    def _check_client_id(self, request: OrderRequest) -> None:
        if not request.client_id:
            return
        known = self._client_ids.get((request.account, request.client_id))
        is_waiting = known is not None and self.all[known].status is ConditionalStatus.WAITING
        if is_waiting or self._exchange.has_open_client_id(request.account, request.client_id):
            raise RefusalError(Reason.DUPLICATE_CLIENT_ID, request.client_id)

    def _lock(self, conditional: Conditional) -> None:
        """Spot venues lock what a waiting order may cost; a stop without a limit by its trigger price."""
        request, exchange = conditional.request, self._exchange
        instrument = exchange.instrument(request.symbol)
        if not instrument.is_spot or not exchange.rules.conditional_locks or request.quantity is None:
            return
        price = request.price or (request.trigger.price if request.trigger else None) or ZERO
        need = spot_reservation(request.side, request.quantity, price)
        asset = lock_asset(instrument, request.side)
        if need > exchange.funds.available(request.account, asset):
            raise RefusalError(Reason.NO_FUNDS, f"needs {need} {asset}")
        exchange.ledger.lock(request.account, asset, need)
        conditional.reserved = need

    def _leave(self, conditional: Conditional, status: ConditionalStatus) -> None:
        self._waiting[conditional.symbol].pop(conditional.id, None)
        conditional.status = status
        if conditional.reserved:
            instrument = self._exchange.instrument(conditional.symbol)
            asset = lock_asset(instrument, conditional.request.side)
            self._exchange.ledger.unlock(conditional.account, asset, conditional.reserved)
            conditional.reserved = ZERO

    def _fire(self, conditional: Conditional, now: int) -> None:
        exchange = self._exchange
        self._leave(conditional, ConditionalStatus.TRIGGERED)
        conditional.triggered_ns = now
        keeps_id = exchange.rules.conditional_keeps_id
        conditional.order_id = conditional.id if keeps_id else exchange.next_id()
        request = replace(conditional.request, client_id=conditional.client_id)
        exchange.journal.conditional(conditional, now)
        try:
            exchange.place(request, now, order_id=conditional.order_id, conditional_id=conditional.id)
        except RefusalError as refusal:
            conditional.status = ConditionalStatus.REJECTED
            conditional.order_id = None
            conditional.reject_reason = str(refusal)
            exchange.journal.conditional(conditional, now)
            return
        self._fired[conditional.id] = conditional
