"""Brings one venue and the node to agreement, and keeps them there.

A look asks the venue, compares, repairs; looks are repeated until two in a row find nothing. There is one at the
start, at each return of the venue's stream, when an order stays without an answer, when the venue reports something
by itself, and regularly.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.identifiers import ClientOrderId

from trading_node.nautilus_hold import Hold
from trading_node.nautilus_look import Questions
from trading_node.nautilus_own import OwnSide
from trading_node.nautilus_position_mode import PositionMode
from trading_node.nautilus_reader import VenueSilentError
from trading_node.nautilus_repair import Repairer, RepairError
from trading_node.nautilus_restore import Restored, Restorer
from trading_node.nautilus_streams import StreamWatch
from trading_node.reconciliation.agreement import Agreement
from trading_node.reconciliation.books import BooksNow, compare_books, standing
from trading_node.reconciliation.compare import compare, may_be_told
from trading_node.reconciliation.difference import NO_MEMORY, Change, ChangeOrder, Difference, Rules
from trading_node.reconciliation.facts import VenueView
from trading_node.reconciliation.lost import Lost, still_lost
from trading_node.side_by_side import together

IN_FLIGHT_SECONDS = 3.0
"""An order that is on its way for longer is asked for."""
OVERDUE_SECONDS = 0.5
"""How often orders are looked through for one that is on its way for too long."""
WATCH_SECONDS = 0.1
"""How often the streams are looked at."""
SECOND_LOOK_SECONDS = 0.25
"""What differs is compared again after so long: the stream may just have been slower than the answer."""
SOON_SECONDS = 1.0
"""What is not known for sure is looked at after so long."""
REPORTS_SECONDS = 5.0
"""The least time between two looks for what a venue reports by itself."""

_log = logging.getLogger(__name__)


class VenueReconciler:
    """The agreement with one client's account."""

    def __init__(
        self,
        *,
        client: LiveExecutionClient,
        own: OwnSide,
        questions: Questions,
        repairer: Repairer,
        restorer: Restorer,
        settle: Callable[[], Awaitable[None]],
        on_change: Callable[["VenueReconciler"], None],
        why_rejected: Callable[[str], str],
        books_now: Callable[[], Awaitable[BooksNow | None]],
        hold: Hold,
        interval_seconds: float,
        rules: Rules,
    ) -> None:
        """Prepare; `agree` and `run` act.

        settle: waits until what was told to the engine is taken in. on_change: the gate may have to open or close.
        why_rejected: what the adapter concluded of an order that was sent without an answer. books_now: what the books'
        database has; None where there is none or it lags behind. hold: the venue's wish to hear nothing, if it has one.
        """
        self.client = client
        self.agreement = Agreement(str(client.venue or client.id))
        self.broken = False
        """Whether what keeps the agreement ended by an error of its own: there is none any more."""
        self._lost: tuple[Lost, ...] = ()
        self._restored_ns = 0
        self._own = own
        self.questions = questions
        self._repairer = repairer
        self.restorer = restorer
        self._settle = settle
        self._on_change = on_change
        self._why_rejected = why_rejected
        self._books_now = books_now
        self._hold = hold
        hold.on_hold = self._look_now
        self._books_found: dict[str, Difference] = {}
        self._interval = interval_seconds
        self._rules = rules
        self._memory = NO_MEMORY
        self._wake = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None
        self._stream_up = True
        self._asked_in_flight: dict[ClientOrderId, float] = {}
        self._watch = StreamWatch(client, self._stream_returned, lambda: hold.remaining_seconds > 0)
        self._mode = PositionMode(client)

    @property
    def agreed(self) -> bool:
        """Whether the gate may be open."""
        return self.agreement.agreed and self._stream_up and not self.broken

    # When to look

    def restored(self, restored: Restored) -> None:
        """Take what came back of the books, and what could not."""
        self._lost, self._restored_ns = restored.lost, time.time_ns()
        if restored.last_fill_ns:
            self.questions.restored(restored.last_fill_ns)

    def doubt(self, *, urgent: bool = False) -> None:
        """Look in a moment, together with what is told until then; what is agreed stays agreed so long.

        urgent: an order's fate depends on it. Other reports are many where somebody else trades on the account, and
        venues count requests.
        """
        if self._soon is None:
            rest = 0.0 if urgent else REPORTS_SECONDS - (time.time_ns() - self.agreement.stats.last_look_ns) / 1e9
            self._soon = asyncio.get_running_loop().call_later(max(SOON_SECONDS, rest), self._look_now)

    def _look_now(self) -> None:
        self._soon = None
        self._wake.set()

    def _stream_returned(self) -> None:
        self.agreement.stats.reconnects += 1
        self.was_asleep()

    def was_asleep(self) -> None:
        """Take that nothing was heard for a while, though the stream may be up."""
        self._mode.forget()
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
            await asyncio.sleep(max(self.agreement.pause_seconds(), self._hold.remaining_seconds))

    async def run(self) -> None:
        """Keep the agreement, until cancelled; an error of one of the two that do is raised, and ends the other."""
        self._on_change(self)
        try:
            async with together() as group:
                group.create_task(self._keep_watch())
                group.create_task(self._keep_agreed())
        finally:
            if self._soon is not None:
                self._soon.cancel()

    async def _keep_agreed(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._wake.wait()
            self._wake.clear()
            await self.agree()
            await self._compare_books()

    async def _keep_watch(self) -> None:
        look_at = 0.0
        while True:
            up = await self._watch.watch()
            if up != self._stream_up:
                self._stream_up = up
                if not up:
                    _log.warning("%s: the stream of our orders is down", self.client.id)
                    self.agreement.doubt()
                self._on_change(self)
            if (now := time.monotonic()) >= look_at:
                look_at = now + OVERDUE_SECONDS
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

    async def _compare_books(self) -> None:
        """Tell where the books in the database differ from what the node trades by; no reason to stop."""
        try:
            before = self._own.view()
            books = await self._books_now()
            after = self._own.view()
        except Exception as error:  # noqa: BLE001  # a database may be away; the journal holds what it is told
            _log.info("the books could not be compared: %s", error)
            return
        if books is None or (before.orders, before.positions) != (after.orders, after.positions):
            return
        # An order that has not got to the venue has no account in the books yet.
        orders = {key: order for key, order in after.orders.items() if not order.is_unanswered}
        found = compare_books(orders, after.positions, books, self._own.spot())
        self.agreement.on_books(standing(self._books_found, found), time.time_ns())
        self._books_found = found
        self._on_change(self)

    # One look

    async def look(self) -> None:
        """Ask, compare, repair."""
        try:
            if self._hold.remaining_seconds:
                raise VenueSilentError(self._hold.reason)
            unfit = await self._mode.differences()
            if unfit:  # Positions of two sides cannot be compared with one, nor repaired.
                self.agreement.on_look(unfit, time.time_ns())
                self._on_change(self)
                return
            view, spoken_of, others = await self.questions.ask(self._memory.gaps)
            differences = await self._compare(view, spoken_of)
        except VenueSilentError as error:
            self._hold.note(error.__cause__ or error)
            held_seconds = self._hold.remaining_seconds
            why = self._hold.reason if held_seconds else str(error)
            self.agreement.on_failure(why, time.time_ns(), held_seconds=held_seconds)
            _log.warning("%s does not answer: %s", self.client.id, error)
        except Exception as error:  # noqa: BLE001
            # An answer that cannot be read, or books that cannot be asked: no agreement, and tried again.
            _log.exception("%s could not be compared", self.client.id)
            self.agreement.on_failure(f"{type(error).__name__}: {error}", time.time_ns())
        else:
            failed = await self._repair(differences)
            lost = still_lost(self._lost, view, self._restored_ns, self._rules)
            self.agreement.on_look((*lost, *failed, *others), time.time_ns())
            if self.agreement.agreed:
                self.questions.agreed(view.asked_ns)
        self._on_change(self)

    async def _compare(self, view: VenueView, spoken_of: set[str]) -> tuple[Difference, ...]:
        """Compare twice, so that a difference which the stream was about to take away is none."""
        await self._settle()
        own = self._own.view(spoken_of)
        differences, memory = compare(own, view, self._rules, self._memory)
        if may_be_told(own, differences):
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


def unrepaired(difference: Difference, why: str) -> Difference:
    """Return a difference whose repair failed."""
    return Difference(
        kind=difference.kind,
        subject=difference.subject,
        message=f"{difference.message}; the repair failed: {why}",
        remedy="Look at the log; the repair is tried again with each look",
    )
