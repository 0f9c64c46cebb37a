"""Has a paper account and the books go on alike after a kill: before venues connect, and when the account is back."""

import functools
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.orders import Order as NautilusOrder

from trading_node.book_events import Amended, BookEvent
from trading_node.book_history import BookHistory
from trading_node.nautilus_books import NautilusBooks
from trading_node.orders import Order
from trading_node.venues.paper import KeptAccount
from trading_node.venues.paper_agreement import Owed, Terms, order_ids, owed, settle, take_in, terms_of

_log = logging.getLogger(__name__)


class PaperBooks:
    """The books of the simulated accounts of one node."""

    def __init__(
        self,
        cache: Cache,
        books: NautilusBooks,
        record: Callable[[BookEvent], None],
        history: BookHistory,
        *,
        trader_id: str,
    ) -> None:
        """Take open books."""
        self._cache = cache
        self._books = books
        self._record = record
        self._history = history
        self._trader_id = trader_id

    async def agree(self, kept: KeptAccount) -> None:
        """Set right what a kill left apart; waits until the database has all that the former life told."""
        if not kept.former:
            return
        history, venue, run = self._history, kept.venue, kept.state.run
        await history.written()
        late = await history.fills_after(kept.state.last_fill, venue, run)
        settlement = settle(
            kept.state,
            venue=venue,
            orders=await history.orders_around(order_ids(kept.state), late),
            late=late,
            now_ns=time.time_ns(),
            new_id=_new_id,
        )
        for event in settlement.events:
            self._record(event)
        kept.state = settlement.state
        await history.written()
        lacking = owed(kept.state, await history.open_positions(), venue=venue, run=run)
        if settlement.events or lacking:
            _log.warning(
                "the books and the paper account of %s ended apart: %d fills are taken back, %d orders are closed, %d "
                "positions are set to the account's",
                venue, len(late), len(settlement.events) - len(late), len(lacking),
            )  # fmt: skip
        kept.on_put_back = functools.partial(self._put_back, venue, settlement.terms, lacking)

    def _put_back(
        self, venue: str, terms: Mapping[str, Order], lacking: Sequence[Owed], made_of: Sequence[Any]
    ) -> None:
        for event in made_of:
            self._books.on_event(event)  # What the books have already changes nothing.
        for order_id, known in terms.items():
            order = self._cache.order(ClientOrderId(order_id))
            if order is not None:
                self._amend(order, known)
        for each in lacking:
            found = terms_of(each.known) if each.known else self._terms(each.instrument)
            for fact in take_in(
                each, found, trader_id=self._trader_id, venue=venue, now_ns=time.time_ns(), new_id=_new_id
            ):
                self._record(fact)

    def _amend(self, order: NautilusOrder, known: Order) -> None:
        """Tell the books what an order is like that they have heard of a change to which was not kept."""
        quantity = order.quantity.as_decimal()
        price = order.price.as_decimal() if order.has_price else None
        trigger = order.trigger_price.as_decimal() if order.has_trigger_price else None
        if (quantity, price, trigger) == (known.quantity, known.price, known.trigger_price):
            return
        now = time.time_ns()
        self._record(
            Amended(
                event_id=_new_id(), operation_id=known.operation_id, ts_event=now, ts_init=now, reconciliation=True,
                quantity=quantity, price=price, trigger_price=trigger, quote_quantity=order.is_quote_quantity,
                venue_order_id=known.venue_order_id, account_id=known.account_id,
            )
        )  # fmt: skip

    def _terms(self, instrument: str) -> Terms:
        traits = self._books.traits(InstrumentId.from_str(instrument))
        return Terms(
            instrument_id=traits.canonical,
            base=traits.base,
            quote=traits.quote,
            settlement=traits.settlement,
            multiplier=traits.multiplier,
            inverse=traits.inverse,
        )


def _new_id() -> str:
    return str(uuid.uuid4())
