"""The reconciliation of a node in the place of Nautilus' own, which makes up what it cannot find.

At the start, after the clients are connected and before a strategy runs, the cache gets back what the books have, and
each venue is asked until both sides agree. From then on each venue is watched by a task of its own.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from nautilus_trader.adapters.binance.execution import BinanceCommonExecutionClient
from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.live.execution_engine import LiveExecutionEngine
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.system.kernel import NautilusKernel

from trading_node.errors import NodeError, crashed
from trading_node.former_life import History, OrderHistory
from trading_node.gate import Gate
from trading_node.nautilus_hold import Hold
from trading_node.nautilus_look import Questions
from trading_node.nautilus_own import OwnSide
from trading_node.nautilus_reader import VenueSilentError, describe
from trading_node.nautilus_reader_binance import reader_of
from trading_node.nautilus_reconciler import VenueReconciler
from trading_node.nautilus_repair import Repairer
from trading_node.nautilus_restore import Restorer, abandoned_event, missing_references
from trading_node.nautilus_testimony import Testimony
from trading_node.reconciliation.agreement import VenueStats, sentence
from trading_node.reconciliation.books import BooksNow
from trading_node.reconciliation.difference import Kind, Rules

MARGIN_NS = 2_000_000_000
"""How much later than its receive window a request is taken for lost."""
DEFAULT_WINDOW_MS = 5_000
"""How long a venue may still take a request up where its adapter has no setting for it."""
QUIET_TURNS = 3
"""A message needs two turns of the event loop from being sent to being handled; one more to be sure."""
BEAT_SECONDS = 0.5
"""Less than a pause that counts: a heart that was due meanwhile is called in the turn in which the loop wakes up."""
ASLEEP_SECONDS = 3.0
"""A node that did nothing for so long, because its process or machine was paused, has missed what its venues said."""
MAX_TURNS = 1_000
"""A node that trades without a pause never gets quiet: then it is compared as it is."""

_log = logging.getLogger(__name__)


class Memory(Protocol):
    """What tells of former lives."""

    async def read(self) -> History:
        """Return what is open, and what happened lately."""

    async def orders_of(self, client_order_ids: Sequence[str], venue_order_ids: Sequence[str]) -> list[OrderHistory]:
        """Return single orders."""

    async def now(self, account_id: str) -> BooksNow | None:
        """Return what the database has of an account; None while it lags behind."""


class NautilusReconciliation:
    """The agreement of one node with its venues. Simulated venues agree by nature and stay as they are."""

    def __init__(
        self,
        kernel: NautilusKernel,
        gate: Gate,
        *,
        resync: Callable[[], None],
        memory: Callable[[], Memory | None],
        interval_seconds: float = 60.0,
        on_change: Callable[[], None] = lambda: None,
        on_failure: Callable[[NodeError], None] = lambda _: None,
    ) -> None:
        """Prepare; `install` acts.

        resync: has the gate take positions and orders as the cache has them. memory: the books, asked for at the start.
        on_change: called when a venue comes to agree or does not any more. on_failure: called once for a venue whose
        agreement nobody keeps any more, because of an error of ours; its gate is closed by then, and stays so.
        """
        self._kernel = kernel
        self._engine: LiveExecutionEngine = kernel.exec_engine
        self._cache = kernel.cache
        self._gate = gate
        self._resync = resync
        self._memory = memory
        self._interval = interval_seconds
        self._on_change = on_change
        self._on_failure = on_failure
        self._original: Callable[..., Awaitable[bool]] = self._engine.reconcile_execution_state
        self._reconcilers: list[VenueReconciler] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._told: dict[VenueReconciler, bool] = {}
        self._standing: dict[VenueReconciler, tuple[tuple[Kind, str], ...]] = {}
        self._testimony: Testimony | None = None
        self._heart: asyncio.TimerHandle | None = None
        self._beat_at = 0.0

    def install(self) -> None:
        """Take the place of Nautilus' reconciliation, once the clients are built and before they connect."""
        clients = [self._engine._clients[client_id] for client_id in self._engine.registered_clients]  # noqa: SLF001
        real = [client for client in clients if is_real(client)]
        if not real:
            return
        self._testimony = Testimony(
            self._engine,
            self._kernel.msgbus,
            self._cache,
            is_ours=lambda venue: self._of(venue) is not None,
            streams_states=self._streams_states,
            on_doubt=self._on_doubt,
        )
        self._testimony.install()
        self._reconcilers = [self._reconciler(client, self._testimony) for client in real]
        self._engine.reconcile_execution_state = self._start

    @property
    def stats(self) -> tuple[VenueStats, ...]:
        """What is told about each venue; none where all are simulated."""
        return tuple(reconciler.agreement.stats for reconciler in self._reconcilers)

    @property
    def agreed(self) -> bool:
        """Whether the node agrees with all its venues."""
        return all(reconciler.agreed for reconciler in self._reconcilers)

    @property
    def message(self) -> str:
        """What stands between the node and its venues; empty if nothing does."""
        return sentence(self.stats)

    async def stop(self) -> None:
        """Ask no more. Before the clients disconnect."""
        if self._heart is not None:
            self._heart.cancel()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def look(self) -> bool:
        """Ask every venue once, now; return whether the node agrees with all of them."""
        await asyncio.gather(*(reconciler.look() for reconciler in self._reconcilers))
        return self.agreed

    # Inside

    def _reconciler(self, client: LiveExecutionClient, testimony: Testimony) -> VenueReconciler:
        own = OwnSide(self._cache, client.account_id, functools.partial(self._trades, client))
        own.follow(self._kernel.msgbus)
        restorer = Restorer(self._cache, client, own)
        hold = Hold(str(client.venue or client.id))
        hold.guard(client)
        questions = Questions(
            client=client,
            cache=self._cache,
            own=own,
            reader=reader_of(client),
            restorer=restorer,
            find_orders=self._find_orders,
        )
        return VenueReconciler(
            client=client,
            own=own,
            questions=questions,
            repairer=Repairer(self._engine, self._cache, client, self._engine.process),
            restorer=restorer,
            settle=self._settle,
            on_change=self._tell,
            why_rejected=testimony.why,
            books_now=functools.partial(self._books_now, client.account_id.value),
            hold=hold,
            interval_seconds=self._interval,
            rules=Rules(receive_window_ns=_window_ns(client)),
        )

    def _trades(self, client: LiveExecutionClient, venue: Venue) -> bool:
        """Whether a client is the one that an exchange's orders go to."""
        engine = self._engine
        return bool((engine._routing_map.get(venue) or engine._default_client) is client)  # noqa: SLF001

    def _is_broker(self, client: LiveExecutionClient) -> bool:
        """Whether a client reaches other exchanges than the one of its name: then it closes the gate of all."""
        engine = self._engine
        routed = {venue for venue, each in engine._routing_map.items() if each is client}  # noqa: SLF001
        return bool(engine._default_client is client or routed - {client.venue})  # noqa: SLF001

    async def _start(self, timeout_secs: float = 0.0) -> bool:
        """Restore, then agree with every venue, however long that takes; in the place of the engine's own.

        Raises NodeError for an error of ours or of the books' database: what raises here is no strategy.
        """
        del timeout_secs
        try:
            memory = self._memory()
            if memory is not None:
                await self._restore(memory)
            await asyncio.gather(*(reconciler.agree() for reconciler in self._reconcilers))
        except NodeError:
            raise  # it says by itself why, and what to do
        except Exception as error:
            _log.exception("the former life could not be taken up, or the venues could not be compared with it")
            raise crashed(
                f"The node could not take up what its books and venues have: {describe(error)}",
                "Look at the books' database; if it is well, report this with the log, which has the whole traceback",
            ) from error
        self._engine._startup_reconciliation_event.set()  # noqa: SLF001
        _log.info("the node agrees with %s", ", ".join(stats.venue for stats in self.stats))
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep(reconciler)) for reconciler in self._reconcilers]
        self._beat_at = _awake_seconds()
        self._beat(loop)
        return True

    async def _keep(self, reconciler: VenueReconciler) -> None:
        """Keep one agreement. An error in what keeps it must not leave orders pass unwatched: it ends the node."""
        try:
            await reconciler.run()
        except Exception as error:  # noqa: BLE001  # whatever it is
            self._broke(reconciler, error)

    def _broke(self, reconciler: VenueReconciler, error: Exception) -> None:
        if reconciler.broken:
            return
        reconciler.broken = True
        venue = reconciler.agreement.stats.venue
        _log.critical("%s: the agreement is not kept any more, so no order passes", venue, exc_info=error)
        self._set_gate(reconciler)
        self._on_failure(
            crashed(
                f"Nobody keeps the agreement with {venue} any more: {describe(error)}",
                "Report this with the log, which has the whole traceback; a new start asks the venue for everything",
            )
        )

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        """Doubt all venues after a pause, before anything that was decided meanwhile is sent.

        By a callback of the loop, not by a task: it is called in the turn in which the loop wakes up, and an order
        needs more turns than that from the gate to the venue, where the gate is asked again.
        """
        now = _awake_seconds()
        paused, self._beat_at = now - self._beat_at, now
        if paused > ASLEEP_SECONDS:
            _log.warning("the node did nothing for %.1f s: every venue is asked before an order passes", paused)
            for reconciler in self._reconcilers:
                reconciler.was_asleep()
        self._heart = loop.call_later(BEAT_SECONDS, self._beat, loop)

    async def _restore(self, memory: Memory) -> None:
        history = await memory.read()
        wanted = missing_references(history)
        referred = await memory.orders_of(wanted, []) if wanted else []
        for reconciler in self._reconcilers:
            reconciler.restorer.restore_orders(referred)
            restored = reconciler.restorer.restore(history)
            reconciler.restored(restored)
            for order in restored.abandoned:
                _log.warning("%s ends: the schedule of its algorithm ended with the former life", order.client_order_id)
                self._engine.process(abandoned_event(order, time.time_ns()))
            if restored.orders or restored.positions:
                _log.info(
                    "%s: %d open orders and %d positions are taken up from the books",
                    reconciler.client.id, restored.orders, restored.positions,
                )  # fmt: skip
        self._engine._set_position_id_counts()  # noqa: SLF001
        await self._settle()

    async def _find_orders(self, client_order_ids: Sequence[str], venue_order_ids: Sequence[str]) -> list[OrderHistory]:
        memory = self._memory()
        if memory is None:
            return []
        try:
            return await memory.orders_of(client_order_ids, venue_order_ids)
        except Exception as error:
            # Nobody else can say whether an order is ours.
            raise VenueSilentError(f"the books' database does not answer ({type(error).__name__})") from error

    async def _books_now(self, account_id: str) -> BooksNow | None:
        memory = self._memory()
        return None if memory is None else await memory.now(account_id)

    async def _settle(self) -> None:
        """Wait until the engine has taken in what it was told."""
        quiet = 0
        for _ in range(MAX_TURNS):
            await asyncio.sleep(0)
            quiet = 0 if self._engine.evt_qsize() else quiet + 1
            if quiet == QUIET_TURNS:
                return

    def _of(self, venue: Venue) -> VenueReconciler | None:
        """Return who looks after the orders of a venue, or of an exchange that a broker reaches."""
        return next((each for each in self._reconcilers if self._trades(each.client, venue)), None)

    def _streams_states(self, venue: Venue) -> bool:
        """Whether the stream of a venue's adapter tells nothing but how orders stand."""
        reconciler = self._of(venue)
        return reconciler is not None and isinstance(reconciler.client, BinanceCommonExecutionClient)

    def _on_doubt(self, venue: Venue, urgent: bool) -> None:  # called by position
        reconciler = self._of(venue)
        if reconciler is not None:
            reconciler.doubt(urgent=urgent)

    def _tell(self, reconciler: VenueReconciler) -> None:
        """Open or close the gate for a venue, as soon as it changes. Raises nothing: it is called from anywhere."""
        if reconciler.broken:
            return
        try:
            self._tell_change(reconciler)
        except Exception as error:  # noqa: BLE001  # whatever it is, the gate must not stay open by it
            self._broke(reconciler, error)

    def _tell_change(self, reconciler: VenueReconciler) -> None:
        agreed = reconciler.agreed
        standing = tuple((each.kind, each.subject) for each in reconciler.agreement.stats.unresolved)
        if standing and standing != self._standing.get(reconciler):
            _log.warning("%s: unresolved: %s", reconciler.client.id, sentence([reconciler.agreement.stats]))
            self._on_change()
        self._standing[reconciler] = standing
        if self._told.get(reconciler) is agreed or not self._tasks:
            return
        self._told[reconciler] = agreed
        if agreed:
            self._resync()
        self._set_gate(reconciler)
        venue = reconciler.agreement.stats.venue
        if agreed:
            _log.info("%s: the node and the venue agree: orders pass", venue)
        else:
            _log.warning("%s: the node and the venue do not agree, so no order passes: %s", venue, self.message)
        self._on_change()

    def _set_gate(self, reconciler: VenueReconciler) -> None:
        if self._is_broker(reconciler.client):
            self._gate.set_reconciled(self.agreed)
        else:
            self._gate.set_reconciled(reconciler.agreed, reconciler.agreement.stats.venue)


def is_real(client: object) -> bool:
    """Return whether a client trades at a venue, and not in a simulation."""
    return isinstance(client, LiveExecutionClient) and not isinstance(client, SandboxExecutionClient)


def _awake_seconds() -> float:
    """Return seconds of a clock that goes on while the machine is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _window_ns(client: Any) -> int:  # noqa: ANN401  # adapters share no typed surface
    window_ms = getattr(client, "_recv_window", None) or DEFAULT_WINDOW_MS
    return int(window_ms) * 1_000_000 + MARGIN_NS
