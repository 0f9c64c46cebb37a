"""Brings one venue and the node to agreement, and keeps them there.

A look asks the venue, compares, repairs; looks are repeated until two in a row find nothing. There is one at the
start, at each return of the venue's stream, when an order stays without an answer, when the venue reports something
by itself, and regularly.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.identifiers import ClientOrderId

from trading_node.former_life import OrderHistory
from trading_node.nautilus_own import OwnSide, is_conditional
from trading_node.nautilus_reader import VenueReader, VenueSilentError
from trading_node.nautilus_repair import Repairer, RepairError
from trading_node.nautilus_restore import Restorer
from trading_node.nautilus_streams import StreamWatch
from trading_node.reconciliation.agreement import Agreement
from trading_node.reconciliation.compare import compare
from trading_node.reconciliation.difference import NO_MEMORY, Change, ChangeOrder, Difference, Rules
from trading_node.reconciliation.facts import VenueFill, VenueOrder, VenueView
from trading_node.reconciliation.positions import explain
from trading_node.reconciliation.questions import orders_of_strangers, orders_to_ask, orders_to_ask_fills

OVERLAP_NS = 120_000_000_000
"""How far before the last agreement fills are asked for again: venues list late, and clocks differ."""
IN_FLIGHT_SECONDS = 3.0
"""An order that is on its way for longer is asked for."""
WATCH_SECONDS = 0.1
SECOND_LOOK_SECONDS = 0.25
"""What differs is compared again after so long: the stream may just have been slower than the answer."""
REPORT_SECONDS = 1.0
"""What a venue reports by itself is looked at together."""

_log = logging.getLogger(__name__)

type FindOrders = Callable[[Sequence[str], Sequence[str]], Awaitable[list[OrderHistory]]]
"""Asks the books for orders by client order ids and by venue order ids."""


class VenueReconciler:
    """The agreement with one client's account."""

    def __init__(
        self,
        *,
        client: LiveExecutionClient,
        cache: Cache,
        own: OwnSide,
        reader: VenueReader,
        repairer: Repairer,
        restorer: Restorer,
        settle: Callable[[], Awaitable[None]],
        find_orders: FindOrders,
        on_change: Callable[["VenueReconciler"], None],
        why_rejected: Callable[[str], str],
        interval_seconds: float,
        rules: Rules,
    ) -> None:
        """Prepare; `agree` and `run` act.

        settle: waits until what was told to the engine is taken in. on_change: the gate may have to open or close.
        why_rejected: what the adapter concluded of an order that was sent without an answer.
        """
        self.client = client
        self.agreement = Agreement(client.venue.value)
        self.problems: tuple[Difference, ...] = ()
        """What could not be restored from the books."""
        self._cache = cache
        self._own = own
        self._reader = reader
        self._repairer = repairer
        self.restorer = restorer
        self._settle = settle
        self._find_orders = find_orders
        self._on_change = on_change
        self._why_rejected = why_rejected
        self._interval = interval_seconds
        self._rules = rules
        self._memory = NO_MEMORY
        self._wake = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None
        self._stream_up = True
        self._asked_in_flight: dict[ClientOrderId, float] = {}
        self.fills_since_ns = time.time_ns() - OVERLAP_NS
        """From when on the venue's fills are asked for."""
        self._watch = StreamWatch(client, self._stream_returned)

    @property
    def agreed(self) -> bool:
        """Whether the gate may be open."""
        return self.agreement.agreed and self._stream_up

    # When to look

    def doubt(self) -> None:
        """Look in a moment, together with what is told until then; what is agreed stays agreed so long."""
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(REPORT_SECONDS, self._look_now)

    def _look_now(self) -> None:
        self._soon = None
        self._wake.set()

    def _stream_returned(self) -> None:
        self.agreement.stats.reconnects += 1
        self._disagree()
        self._wake.set()

    def _disagree(self) -> None:
        self.agreement.doubt()
        self._on_change(self)

    async def agree(self) -> None:
        """Look until both sides agree, however long it takes."""
        while True:
            await self.look()
            if self.agreement.settled:
                return
            await asyncio.sleep(self.agreement.pause_seconds())

    async def run(self) -> None:
        """Keep the agreement, until cancelled."""
        self._on_change(self)
        watching = asyncio.ensure_future(self._keep_watch())
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._interval):
                        await self._wake.wait()
                self._wake.clear()
                await self.agree()
        finally:
            watching.cancel()
            if self._soon is not None:
                self._soon.cancel()
            await asyncio.wait((watching,))

    async def _keep_watch(self) -> None:
        while True:
            up = await self._watch.watch()
            if up != self._stream_up:
                self._stream_up = up
                if not up:
                    _log.warning("%s: the stream of our orders is down", self.client.id)
                    self.agreement.doubt()
                self._on_change(self)
            if self._overdue():
                self._wake.set()
            await asyncio.sleep(WATCH_SECONDS)

    def _overdue(self) -> bool:
        """Whether an order is without an answer for too long; each is asked for about once a second."""
        now, overdue = time.monotonic(), False
        in_flight = self._own.in_flight()
        before = time.time_ns() - int(IN_FLIGHT_SECONDS * 1e9)
        for order in in_flight:
            if order.last_event.ts_init < before and now >= self._asked_in_flight.get(order.client_order_id, 0.0):
                self._asked_in_flight[order.client_order_id] = now + 1.0
                overdue = True
        if len(self._asked_in_flight) > len(in_flight):
            still = {order.client_order_id for order in in_flight}
            self._asked_in_flight = {k: v for k, v in self._asked_in_flight.items() if k in still}
        return overdue

    # One look

    async def look(self) -> None:
        """Ask, compare, repair."""
        try:
            view, spoken_of = await self._ask()
            differences = await self._compare(view, spoken_of)
        except VenueSilentError as error:
            self.agreement.on_failure(str(error), time.time_ns())
            _log.warning("%s does not answer: %s", self.client.id, error)
        except Exception as error:  # noqa: BLE001
            # An answer that cannot be read, or books that cannot be asked: no agreement, and tried again.
            _log.exception("%s could not be compared", self.client.id)
            self.agreement.on_failure(f"{type(error).__name__}: {error}", time.time_ns())
        else:
            failed = await self._repair(differences)
            self.agreement.on_look((*self.problems, *failed), time.time_ns())
            if self.agreement.agreed:
                self.fills_since_ns = view.asked_ns - OVERLAP_NS
        self._on_change(self)

    async def _compare(self, view: VenueView, spoken_of: set[str]) -> tuple[Difference, ...]:
        """Compare twice, so that a difference which the stream was about to take away is none."""
        await self._settle()
        differences, memory = compare(self._own.view(spoken_of), view, self._rules, self._memory)
        if any(not difference.trivial for difference in differences):
            await asyncio.sleep(SECOND_LOOK_SECONDS)
            await self._settle()
            differences, memory = compare(self._own.view(spoken_of), view, self._rules, self._memory)
        self._memory = memory
        return differences

    async def _repair(self, differences: Iterable[Difference]) -> list[Difference]:
        """Repair what can be, one after the other; return the differences as they stand then."""
        told: list[Difference] = []
        for difference in differences:
            told.append(difference)
            if difference.repair is None:
                continue
            _log.warning("%s: %s %s: %s", self.client.id, difference.kind, difference.subject, difference.message)
            try:
                self._repairer.repair(self._with_reason(difference))
                await self._settle()
            except RepairError as error:
                told[-1] = unrepaired(difference, str(error))
                _log.error("%s: %s cannot be repaired: %s", self.client.id, difference.subject, error)
            else:
                self.agreement.on_repair(difference.kind)
        return told

    def _with_reason(self, difference: Difference) -> Difference:
        """Return a rejection with what the adapter concluded when the order was sent."""
        repair = difference.repair
        if not isinstance(repair, ChangeOrder):
            return difference
        concluded = self._why_rejected(repair.client_order_id)
        if not concluded or repair.change is not Change.REJECTED:
            return difference
        changed = ChangeOrder(
            client_order_id=repair.client_order_id,
            change=repair.change,
            order=repair.order,
            reason=f"{repair.reason} (when it was sent: {concluded})",
        )
        return Difference(kind=difference.kind, subject=difference.subject, message=difference.message, repair=changed)

    # The questions of a look

    async def _ask(self) -> tuple[VenueView, set[str]]:
        """Return the venue's answers, and the closed orders that it spoke of."""
        reader, own = self._reader, self._own
        asked_ns = time.time_ns()
        own.begin_look()
        instruments = own.instruments()
        open_orders = await reader.open_orders()
        answers: dict[str, VenueOrder | None] = {}
        for order in orders_to_ask(own.orders().values(), open_orders):
            answers[order.client_order_id] = await reader.order(
                order.instrument_id,
                order.client_order_id,
                order.venue_order_id,
                conditional=is_conditional(self._cache.order(ClientOrderId(order.client_order_id))),
            )
        fills: list[VenueFill] = []
        for said in orders_to_ask_fills(own.orders(), open_orders, answers):
            fills += await reader.fills_of(said)
        for instrument in sorted(instruments | {order.instrument_id for order in open_orders}):
            fills += await reader.fills_since(instrument, self.fills_since_ns)
        await reader.refresh_account()
        positions = await reader.positions()
        fills += await self._unexplained(positions)
        spoken_of: set[str] = set()
        strangers = await self._strangers(open_orders, answers, fills, spoken_of)
        view = VenueView(
            asked_ns=asked_ns,
            open_orders=tuple(open_orders),
            answers=answers,
            strangers=strangers,
            fills=tuple(fills),
            positions=positions,
        )
        return view, spoken_of

    async def _unexplained(self, positions: Any) -> list[VenueFill]:  # noqa: ANN401  # a mapping or None
        """Return older fills that explain what the last look could not: of a position from before the books."""
        found: list[VenueFill] = []
        for instrument, gap in self._memory.gaps.items() if positions is not None else ():
            floor = self._own.first_fill_ns(instrument) or 0
            recent = await self._reader.recent_fills(instrument)
            unknown = [fill for fill in recent if fill.ts_event >= floor and not self._own.knows(fill.key)]
            found += explain(gap, unknown) or ()
        return found

    async def _strangers(
        self,
        open_orders: Sequence[VenueOrder],
        answers: dict[str, VenueOrder | None],
        fills: Sequence[VenueFill],
        spoken_of: set[str],
    ) -> dict[str, VenueOrder]:
        """Return orders that fills name and nobody knows; those that the books know come back into the cache."""
        own = self._own
        known = {order.venue_order_id for order in open_orders}
        known |= {order.venue_order_id for order in answers.values() if order is not None}
        unknown = [fill for fill in fills if not own.knows(fill.key)]
        strangers: dict[str, VenueOrder] = {}
        for fill in orders_of_strangers(own.orders(), known, unknown):
            mine = own.order_by_venue_id(fill.venue_order_id) or own.order(fill.client_order_id)
            if mine is None:
                await self._recall([fill.client_order_id], [fill.venue_order_id])
                mine = own.order_by_venue_id(fill.venue_order_id) or own.order(fill.client_order_id)
            said = await self._reader.order(fill.instrument_id, "", fill.venue_order_id, conditional=False)
            if mine is None and said is not None and said.client_order_id:
                # A fill names the venue's id alone; the order's own answer has ours.
                if own.order(said.client_order_id) is None:
                    await self._recall([said.client_order_id], [])
                mine = own.order(said.client_order_id)
            if mine is not None:
                spoken_of.add(mine.client_order_id)
                if said is not None:
                    answers[mine.client_order_id] = said
            elif said is not None:
                strangers[fill.venue_order_id] = said
        return strangers

    async def _recall(self, client_order_ids: Sequence[str], venue_order_ids: Sequence[str]) -> None:
        """Bring orders of the books back into the cache that it does not have."""
        wanted = [each for each in client_order_ids if each]
        self.restorer.restore_orders(await self._find_orders(wanted, list(venue_order_ids)))


def unrepaired(difference: Difference, why: str) -> Difference:
    """Return a difference whose repair failed."""
    return Difference(
        kind=difference.kind,
        subject=difference.subject,
        message=f"{difference.message}; the repair failed: {why}",
        remedy="Look at the log; the repair is tried again with each look",
    )
