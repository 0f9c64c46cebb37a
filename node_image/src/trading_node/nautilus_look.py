"""One look at a venue: all that it is asked, and what comes back into the cache because it spoke of it."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial

from nautilus_trader.cache.cache import Cache
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.instruments import Instrument

from trading_node.former_life import OrderHistory
from trading_node.nautilus_opening import make_opening
from trading_node.nautilus_own import OwnSide, is_conditional
from trading_node.nautilus_reader import UnreadableOrderError, VenueReader
from trading_node.nautilus_restore import Restorer
from trading_node.reconciliation.difference import Difference, Kind
from trading_node.reconciliation.facts import ZERO, Opening, OwnOrder, VenueFill, VenueOrder, VenueView
from trading_node.reconciliation.positions import explain
from trading_node.reconciliation.questions import orders_of_strangers, orders_to_ask, orders_to_ask_fills
from trading_node.side_by_side import side_by_side, together

OVERLAP_NS = 120_000_000_000
"""How far before the last agreement fills are asked for again: venues list late, and clocks differ."""

type FindOrders = Callable[[Sequence[str], Sequence[str]], Awaitable[list[OrderHistory]]]
"""Asks the books for orders by client order ids and by venue order ids."""


class Questions:
    """Asks the venue of one client."""

    def __init__(
        self,
        *,
        client: LiveExecutionClient,
        cache: Cache,
        own: OwnSide,
        reader: VenueReader,
        restorer: Restorer,
        find_orders: FindOrders,
    ) -> None:
        """Prepare; `ask` acts."""
        self._client = client
        self._cache = cache
        self._own = own
        self._reader = reader
        self._restorer = restorer
        self._find_orders = find_orders
        self._agreed_ns = 0
        self._begun: dict[str, int] = {}
        self._former: set[str] = set()
        self.fills_since_ns = time.time_ns() - OVERLAP_NS
        """From when on the venue's fills are asked for, where the instrument was watched then."""

    def restored(self, last_fill_ns: int) -> None:
        """Take that the books have all fills up to a moment, of the instruments that are known now."""
        self._former = self._own.instruments()
        self.fills_since_ns = last_fill_ns - OVERLAP_NS

    def agreed(self, asked_ns: int) -> None:
        """Take that both sides agreed in a look: older fills need not be asked for again."""
        self._agreed_ns = asked_ns
        self.fills_since_ns = max(self.fills_since_ns, asked_ns - OVERLAP_NS)

    async def ask(self, gaps: Mapping[str, Decimal]) -> tuple[VenueView, set[str], tuple[Difference, ...]]:
        """Return the venue's answers, the orders of ours that it spoke of, and what differs besides both sides' views.

        gaps: differences of positions that the last look found and that newer fills do not explain. Raises
        VenueSilentError.
        """
        reader, own = self._reader, self._own
        asked_ns = time.time_ns()
        own.begin_look()
        watched = own.instruments()
        unreadable: list[UnreadableOrderError] = []
        open_orders = await reader.open_orders(unreadable)
        asked = orders_to_ask(own.orders().values(), open_orders)
        answers: dict[str, VenueOrder | None] = {}
        await side_by_side(partial(self._ask_order, order, answers, unreadable) for order in asked)
        spoken_of = {*answers, *await self._ours(open_orders)}
        ask_fills = [
            partial(reader.fills_of, said)
            for said in orders_to_ask_fills(own.view(spoken_of).orders, open_orders, answers)
        ]
        ask_fills += [
            partial(reader.fills_since, instrument, self._since(instrument))
            for instrument in sorted(watched | {order.instrument_id for order in open_orders})
        ]
        async with together() as group:
            lists = group.create_task(side_by_side(ask_fills))
            balances = group.create_task(self._balances())
            positions = group.create_task(reader.positions())
        fills = [fill for each in lists.result() for fill in each]
        for instrument, gap in gaps.items():
            if self._still_stands(instrument, gap, fills, positions.result() or {}):
                fills += await self._older(instrument, gap, watched)
        openings = await self._openings(gaps, fills)
        strangers = await self._strangers(open_orders, answers, fills, spoken_of, unreadable)
        view = VenueView(
            asked_ns=asked_ns,
            open_orders=tuple(open_orders),
            answers=answers,
            strangers=strangers,
            fills=tuple(fills),
            positions=positions.result(),
            openings=openings,
            not_loaded={each for each in positions.result() or () if self._instrument(each) is None},
        )
        return view, spoken_of, (*_unreadable(unreadable), *balances.result())

    async def _ask_order(
        self, order: OwnOrder, answers: dict[str, VenueOrder | None], unreadable: list[UnreadableOrderError]
    ) -> None:
        """Ask for one order of ours; one whose answer cannot be read is not gone: nothing is said of it."""
        conditional = is_conditional(self._cache.order(ClientOrderId(order.client_order_id)))
        try:
            answers[order.client_order_id] = await self._reader.order(
                order.instrument_id, order.client_order_id, order.venue_order_id, conditional=conditional
            )
        except UnreadableOrderError as error:
            unreadable.append(error)

    def _since(self, instrument_id: str) -> int:
        """Return from when on an instrument's fills count: what was before is in a position that agreed."""
        opened = self._own.opened_ns(instrument_id)
        if instrument_id in self._former:
            return max(self.fills_since_ns, opened)
        begun = self._agreed_ns or self._own.first_fill_ns(instrument_id) or 0
        return max(self.fills_since_ns, self._begun.setdefault(instrument_id, begun), opened)

    async def _ours(self, open_orders: Iterable[VenueOrder]) -> set[str]:
        """Return those of the venue's open orders that are ours, also where we took them for closed."""
        unknown = [order for order in open_orders if self._mine(order) is None]
        if unknown:
            await self._recall([o.client_order_id for o in unknown], [o.venue_order_id for o in unknown])
        mine = map(self._mine, open_orders)
        return {order.client_order_id for order in mine if order is not None}

    def _mine(self, said: VenueOrder | VenueFill) -> OwnOrder | None:
        return self._own.order(said.client_order_id) or self._own.order_named(said.instrument_id, said.venue_order_id)

    def _still_stands(
        self, instrument_id: str, gap: Decimal, fills: Sequence[VenueFill], positions: Mapping[str, Decimal]
    ) -> bool:
        """Return whether a position differs as in the last look: else a fill was only on its way to us then."""
        new = {fill.key: fill.signed for fill in fills if fill.instrument_id == instrument_id}
        coming = sum((signed for key, signed in new.items() if not self._own.knows(key)), ZERO)
        here = self._own.positions().get(instrument_id, ZERO)
        return positions.get(instrument_id, ZERO) - coming - here == gap

    async def _older(self, instrument_id: str, gap: Decimal, watched: set[str]) -> list[VenueFill]:
        """Return older fills that explain a position from before the books, if some do."""
        since = self._begun.get(instrument_id) or self._own.first_fill_ns(instrument_id) or 0
        if self._agreed_ns:  # What was before is in a position that agreed: it can explain no gap of today.
            since = max(since, self.fills_since_ns)
        until = self._since(instrument_id) if instrument_id in watched else time.time_ns() + OVERLAP_NS
        recent = await self._reader.recent_fills(instrument_id)
        unknown = [fill for fill in recent if since <= fill.ts_event < until and not self._own.knows(fill.key)]
        return list(explain(gap, unknown) or ())

    async def _openings(self, gaps: Mapping[str, Decimal], fills: Sequence[VenueFill]) -> dict[str, Opening]:
        """Return what takes in positions of which neither the books have anything nor the venue lists all trades.

        Only before the first agreement: later a position that nothing explains is a reason to call a person.
        """
        explained = {fill.instrument_id for fill in fills if not self._own.knows(fill.key)}
        wanted = [
            each
            for each in gaps
            if not self._agreed_ns and self._own.first_fill_ns(each) is None and each not in explained
            if self._instrument(each) is not None
        ]
        if not wanted:
            return {}
        entries, now = await self._reader.entry_prices(), time.time_ns()
        openings: dict[str, Opening] = {}
        for each in wanted:
            # A trade of a moment ago by a clock that is ahead of ours is in the position already.
            newest = max((fill.ts_event for fill in await self._reader.recent_fills(each)), default=0)
            if each in entries:
                openings[each] = make_opening(
                    self._instrument(each),
                    self._client.account_id,
                    quantity=gaps[each],
                    price=entries[each],
                    ts_event=max(now, newest),
                    position_id=self._reader.position_id(each),
                )
        return openings

    def _instrument(self, instrument_id: str) -> Instrument | None:
        return self._cache.instrument(InstrumentId.from_str(instrument_id))

    async def _balances(self) -> tuple[Difference, ...]:
        """Take the balances as the venue has them; return those that had changed without our being told."""
        before = self._totals()
        await self._reader.refresh_account()
        after = self._totals()
        return tuple(
            Difference(
                kind=Kind.BALANCE, subject=currency, message=f"{before[currency]} here, {after[currency]} at the venue"
            )
            for currency in sorted(before.keys() & after.keys())
            if before[currency] != after[currency]
        )

    def _totals(self) -> dict[str, Decimal]:
        account = self._cache.account(self._client.account_id)
        balances = {} if account is None else account.balances()
        return {currency.code: balance.total.as_decimal() for currency, balance in balances.items()}

    async def _strangers(
        self,
        open_orders: Sequence[VenueOrder],
        answers: dict[str, VenueOrder | None],
        fills: Sequence[VenueFill],
        spoken_of: set[str],
        unreadable: list[UnreadableOrderError],
    ) -> dict[str, VenueOrder]:
        """Return orders that fills name and nobody knows; those that the books know come back into the cache."""
        known = {order.venue_key for order in open_orders}
        known |= {order.venue_key for order in answers.values() if order is not None}
        unknown = [fill for fill in fills if not self._own.knows(fill.key)]
        strangers: dict[str, VenueOrder] = {}
        for fill in orders_of_strangers(self._own.orders(), known, unknown):
            mine = self._mine(fill)
            if mine is None:
                await self._recall([fill.client_order_id], [fill.venue_order_id])
                mine = self._mine(fill)
            try:
                said = await self._reader.order(fill.instrument_id, "", fill.venue_order_id)
            except UnreadableOrderError as error:
                unreadable.append(error)
                continue
            if mine is None and said is not None and said.client_order_id:
                # A fill names the venue's id alone; the order's own answer has ours.
                if self._own.order(said.client_order_id) is None:
                    await self._recall([said.client_order_id], [])
                mine = self._own.order(said.client_order_id)
            if mine is not None:
                spoken_of.add(mine.client_order_id)
                if said is not None:
                    answers[mine.client_order_id] = said
            elif said is not None:
                strangers[fill.venue_key] = said
        return strangers

    async def _recall(self, client_order_ids: Sequence[str], venue_order_ids: Sequence[str]) -> None:
        """Bring orders of the books back into the cache that it does not have."""
        wanted = [each for each in client_order_ids if each]
        self._restorer.restore_orders(await self._find_orders(wanted, list(venue_order_ids)))


def _unreadable(errors: Iterable[UnreadableOrderError]) -> tuple[Difference, ...]:
    """Return a difference for each order that cannot be read, however often it was asked for."""
    remedy = (
        "Cancel it at the venue, or close what it made there; the node agrees with the rest, and goes on when the "
        "venue tells no such order any more"
    )
    words = {error.order: str(error) for error in errors}
    return tuple(
        Difference(kind=Kind.UNREADABLE_ORDER, subject=order, message=message, remedy=remedy)
        for order, message in words.items()
    )
