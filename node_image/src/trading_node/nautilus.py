"""The wall around Nautilus' inside: with the modules named nautilus_*, all that touches kernel, bus and engines.

Nautilus 2 replaces all of that; what is outside of this module knows a node that starts, plays, stops and can be asked.
"""

import asyncio
import contextlib
import functools
import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nautilus_trader.common.component import Logger, flush_logger
from nautilus_trader.common.messages import ShutdownSystem
from nautilus_trader.config import (
    CacheConfig,
)
from nautilus_trader.data.engine import DataEngine
from nautilus_trader.data.messages import SubscribeBars
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BarType
from nautilus_trader.portfolio.base import PortfolioFacade
from nautilus_trader.trading.strategy import Strategy

from trading_api.adapters import Adapter
from trading_api.node_config import LogLevel
from trading_node.book_events import BookEvent
from trading_node.book_history import BookHistory
from trading_node.drain.facts import Policy, Result
from trading_node.errors import NodeError, config_refused, crashed, not_trading
from trading_node.gate import Gate
from trading_node.market_watch import MarketWatch
from trading_node.nautilus_books import NautilusBooks
from trading_node.nautilus_cache import silent
from trading_node.nautilus_drain import NautilusDrain
from trading_node.nautilus_gate import NautilusGate
from trading_node.nautilus_kernel import CONNECT_SECONDS, kernel_config, run_timers_on
from trading_node.nautilus_logs import NautilusLogs
from trading_node.nautilus_market_watch import MarketReader
from trading_node.nautilus_paper_books import PaperBooks
from trading_node.nautilus_purge import Purger
from trading_node.nautilus_reconciliation import Memory, NautilusReconciliation
from trading_node.nautilus_stop import end_strategies, stop_algorithms, stop_strategies
from trading_node.reconciliation.agreement import VenueStats
from trading_node.risk.standing import Admission
from trading_node.snapshot import Replay, Snapshot
from trading_node.strategies import origin
from trading_node.tally import Tally
from trading_node.venues.clients import VenueClients
from trading_node.venues.paper import KeptAccount

STRATEGY_STOP_SECONDS = 12.0
"""A strategy with manage_stop closes its positions in up to a hundred attempts, a tenth of a second apart."""
UNOPENED_SECONDS = 5.0
"""How long a stop looks for what a former life may have left, while this one has not sent anything."""
STRATEGIES_SHARE = 3
"""The part of a stop's time, one in so many, that strategies may take at most."""
QUIET_TURNS = 3
"""A message needs two turns of the event loop from being sent to being handled; one more to be sure."""

TOLD = {Admission.ACTIVE: "Active", Admission.REDUCE: "Reducing", Admission.HALT: "Halted"}
"""What a status says of the gate's standing."""
_log = logging.getLogger(__name__)


class NautilusNode:
    """One Nautilus TradingNode: built, started, driven, asked and stopped."""

    def __init__(
        self,
        *,
        trader_id: str,
        logs: NautilusLogs,
        log_level: LogLevel,
        on_failure: Callable[[NodeError], None],
        cache: CacheConfig | None = None,
    ) -> None:
        """Make the kernel; on_failure is called on the event loop with the first thing that ends the trading.

        cache: the Redis database that keeps what strategies save, where there is one.
        """
        self._loop = asyncio.get_running_loop()
        self._on_failure = on_failure
        try:
            self._node = TradingNode(kernel_config(trader_id, logs.file, log_level, cache), loop=self._loop)
        except RuntimeError as error:
            # The kernel connects to its cache while it is made.
            if cache is None:
                raise
            raise silent(cache, error) from error
        self._kernel = self._node.kernel
        self._logs = logs
        logs.follow(flush_logger)
        self._bus = self._kernel.msgbus
        self._data_engine = self._kernel.data_engine
        self._venues: list[str] = []
        self._stopping = False
        self._stopped = False
        self._gate: Gate | None = None
        self._books: NautilusBooks | None = None
        self._resync: Callable[[], None] = lambda: None
        self._reconciliation: NautilusReconciliation | None = None
        self._market_reader: MarketReader | None = None
        self.opened = False
        """Whether orders could be sent in this life."""
        self._tally = Tally(self._kernel.cache)
        self._purger = Purger(self._kernel.cache, self._kernel.clock.timestamp_ns)
        self._bus.subscribe("events.order.*", self._tally.on_order_event)
        self._bus.subscribe("events.position.*", self._tally.on_position_event)
        self._take_over_signals()
        self._take_over_shutdown()
        run_timers_on(self._loop, self._report)

    # Building

    @property
    def portfolio(self) -> PortfolioFacade:
        """The portfolio, for clients that simulate an account."""
        return self._node.portfolio

    def build(self, venues: Sequence[VenueClients], strategies: Sequence[Strategy]) -> None:
        """Make the clients of the venues and add the strategies."""
        self._kernel_config_clients(venues)
        for strategy in strategies:
            self._node.trader.add_strategy(strategy)

    def gate_orders(self, gate: Gate, strategy_names: Mapping[str, str], clock: Callable[[], int] | None) -> None:
        """Put the gate on the path of every order, once everything is built.

        It opens after the venues have agreed and before a strategy starts. The names are those that limits call
        strategies by, keyed by strategy id; the clock is that of the market data, this machine's if None.
        """
        self._gate = gate
        on_path = NautilusGate(self._kernel, gate, strategy_names=strategy_names, clock=clock)
        on_path.install()
        on_path.guard_clients()
        self._market_reader = MarketReader(self._kernel, clock or self._kernel.clock.timestamp_ns)
        trader = self._node.trader
        start = trader.start

        def open_and_start() -> None:
            if clock is None:
                on_path.begin()
            else:  # a replay's clock stands still between events: orders ask what is worth what
                on_path.resync()
            gate.set_reconciled(True)
            self.opened = True
            self._watch_queues()
            start()

        trader.start = open_and_start
        self._resync = on_path.resync

    def reconcile(
        self, memory: Callable[[], Memory | None], interval_seconds: float, on_change: Callable[[], None]
    ) -> NautilusReconciliation:
        """Have the node agree with its venues by asking them, after the gate is in place; nothing is made up.

        memory: the books, asked for at the start; on_change: called when a venue comes to agree or does not any more.
        """
        assert self._gate is not None  # noqa: S101  # the order of building is the runner's
        self._reconciliation = NautilusReconciliation(
            self._kernel, self._gate, resync=self._resync, memory=memory, interval_seconds=interval_seconds,
            on_change=on_change, on_failure=self._on_failure,
        )  # fmt: skip
        self._reconciliation.install()
        return self._reconciliation

    def keep_books(
        self, record: Callable[[BookEvent], None], runs: Mapping[str, str], adapters: Mapping[str, Adapter]
    ) -> Callable[[], None]:
        """Tell the books every event from now on, after the gate is in place; return what ends that.

        runs: of each simulated venue, the run that opened its account; adapters: of each venue. Both by its name.
        """
        trader_id = self._kernel.trader_id.value
        assert self._gate is not None  # noqa: S101  # the order of building is the runner's
        books = NautilusBooks(
            self._kernel.cache, record, trader_id=trader_id, runs=runs, adapters=adapters,
            refusal=self._gate.refusal,
        )  # fmt: skip
        books.follow(self._bus)
        self._books = books
        return functools.partial(books.leave, self._bus)

    async def agree_on_paper(
        self, kept: KeptAccount, record: Callable[[BookEvent], None], history: BookHistory
    ) -> None:
        """Have a paper account and the books go on alike, after `keep_books` and before the start."""
        assert self._books is not None  # noqa: S101  # the order of building is the runner's
        trader_id = self._kernel.trader_id.value
        books = PaperBooks(self._kernel.cache, self._books, record, history, trader_id=trader_id)
        await books.agree(kept)

    def _kernel_config_clients(self, venues: Sequence[VenueClients]) -> None:
        builder = self._node._builder  # noqa: SLF001  # the public way wants all clients before the kernel exists
        for venue in venues:
            self._node.add_data_client_factory(venue.name, venue.data_factory)
            self._node.add_exec_client_factory(venue.name, venue.execution_factory)
            self._venues.append(venue.name)
        builder.build_data_clients({venue.name: venue.data_config for venue in venues})
        builder.build_exec_clients({venue.name: venue.execution_config for venue in venues})

    def process_synchronously(self, *, accelerated: bool) -> None:
        """Process market data and order events in the call that brings them, as a backtest does.

        The live engines queue both. Then what a strategy sees would depend on how fast it is fed, and the simulated
        venue would match against orders that have not taken in their own fills yet: it leaves market orders that are
        larger than the last trade half filled for ever.
        """
        data = self._data_engine
        self._route("DataEngine.process", data.process, self.deliver)
        data.process = self.deliver  # what aggregates bars hands them over here
        self.process_orders_synchronously()
        if accelerated:
            guarded = functools.partial(self._refuse_time_bars, data.execute)
            self._route("DataEngine.execute", data.execute, guarded)

    def process_orders_synchronously(self) -> None:
        """Process order events in the call that brings them: what simulated venues need, wherever data is from."""
        execution = self._kernel.exec_engine
        self._route("ExecEngine.process", execution.process, execution._handle_event_with_tracking)  # noqa: SLF001

    def _route(self, endpoint: str, former: Callable[[Any], None], handler: Callable[[Any], None]) -> None:
        self._bus.deregister(endpoint, former)
        self._bus.register(endpoint, handler)

    def _refuse_time_bars(self, execute: Callable[[Any], None], command: Any) -> None:  # noqa: ANN401  # many types
        if isinstance(command, SubscribeBars) and needs_wall_clock(command.bar_type):
            error = config_refused(
                f"A strategy subscribed to {command.bar_type}: Nautilus closes such bars by this machine's clock, so "
                "they would be wrong in a replay that is faster than real time",
                "Use bars from the catalog (EXTERNAL), tick or volume bars, or set the replay's speed to 1",
                reason="TimeBarsNeedRealTime",
            )
            self._report(error)
            raise error
        execute(command)

    # The engine of a replay

    @property
    def deliver(self) -> Callable[[Any], None]:
        """Process one event of market data now."""
        return functools.partial(DataEngine.process, self._data_engine)

    @property
    def messages_sent(self) -> Callable[[], int]:
        """Count commands and events sent so far: orders, their events, subscriptions."""
        bus = self._bus
        return lambda: bus.sent_count

    async def settle(self) -> None:
        """Wait until nothing is on its way any more between strategies, engines and venues."""
        bus, quiet = self._bus, 0
        while quiet < QUIET_TURNS:
            sent = bus.sent_count
            await asyncio.sleep(0)
            quiet = quiet + 1 if bus.sent_count == sent and not self._queued() else 0

    def _queued(self) -> int:
        data, risk, execution = self._data_engine, self._kernel.risk_engine, self._kernel.exec_engine
        return sum(
            size()
            for size in (
                data.cmd_qsize, data.req_qsize, data.res_qsize, data.data_qsize,
                risk.cmd_qsize, risk.evt_qsize, execution.cmd_qsize, execution.evt_qsize,
            )
        )  # fmt: skip

    # Life

    async def start(self) -> None:
        """Connect, reconcile and start the strategies; to be cancelled in order to give up.

        Raises NodeError: NOT_TRADING if the venues did not connect or agree, CRASHED if a strategy did not start.
        """
        try:
            await self._kernel.start_async()
        except NodeError:
            raise
        except Exception as error:
            _log.exception("the node did not start")
            raise crashed(
                f"A strategy raised while it started: {origin(error)}",
                "Correct the strategy's on_start; the log has the whole traceback",
                reason="StrategyFailed",
            ) from error
        if not self.trading:
            raise self._why_not_trading()

    async def stay_small(self) -> None:
        """Let go of what is past, until cancelled; not for a replay, whose past is soon."""
        await self._purger.run()

    async def stop(self, policy: Policy, on_result: Callable[[Result], None], disconnect_seconds: float) -> None:
        """Stop algorithms and strategies, do what the policy says, tell how that ended, and disconnect.

        The policy's time is for all but the disconnecting. Nothing is told of a node that has no gate yet. Raises
        NodeError (CRASHED) after everything is stopped if a strategy raised in on_stop.
        """
        deadline = self._loop.time() + policy.seconds
        self._stopping = True
        try:
            failure = await self._stop_strategies(policy.seconds / STRATEGIES_SHARE)
            if self._gate is not None:
                left = max(0.0, deadline - self._loop.time())
                on_result(await self._drain(self._gate, replace(policy, seconds=left)))
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(disconnect_seconds):
                    if self._reconciliation is not None:
                        await self._reconciliation.stop()
                    await self._kernel.stop_async()
            self._stopped = True
        if failure is not None:
            raise crashed(
                f"A strategy raised while it stopped: {origin(failure)}",
                "Correct the strategy's on_stop",
                reason="StrategyFailed",
            )

    async def _drain(self, gate: Gate, policy: Policy) -> Result:
        """Do at the venues what the policy says.

        Before the gate has opened, positions are not known and nothing was sent in this life: then orders of a former
        one are cancelled where a venue is connected; where none is known, that is not waited for long.
        """
        gate.stop_taking(Admission.HALT)
        if not self.opened:
            clients = self._kernel.exec_engine._clients.values()  # noqa: SLF001  # the engine names its clients only
            connected = any(client.is_connected for client in clients)
            cache = self._kernel.cache
            known = cache.orders_open_count() + cache.orders_inflight_count() > 0
            seconds = policy.seconds if connected and known else min(policy.seconds, UNOPENED_SECONDS * connected)
            policy = replace(policy, flatten=False, seconds=seconds)
        agree = None if self._reconciliation is None else self._reconciliation.look
        return await NautilusDrain(self._kernel, gate, policy, agree).run()

    def dispose(self) -> None:
        """Release everything; nothing can be asked afterwards."""
        self._kernel.dispose()
        self._kernel.executor.shutdown(wait=False, cancel_futures=True)
        self._logs.drain(Logger("trading_node").warning)

    @property
    def trading(self) -> bool:
        """Whether strategies run. Nautilus' own log line RUNNING does not say so."""
        return bool(self._node.trader.is_running)

    @property
    def stopped(self) -> bool:
        """Whether the node was stopped."""
        return self._stopped

    def snapshot(self, replay: Replay | None) -> Snapshot:
        """Return what is so now."""
        state = "" if self._gate is None else TOLD[self._gate.standing.effective()]
        snapshot = self._tally.snapshot(self._venues, state)
        return replace(snapshot, orders_total=snapshot.orders_total + self._purger.purged, replay=replay)

    def market_watch(self) -> MarketWatch:
        """Return how venues are connected, and how old their market data is."""
        return MarketWatch() if self._market_reader is None else self._market_reader.read()

    def agreements(self) -> tuple[VenueStats, ...]:
        """Return what is told about the agreement with each venue."""
        return () if self._reconciliation is None else self._reconciliation.stats

    # Inside

    def _report(self, error: BaseException) -> None:
        if not isinstance(error, NodeError):
            error = crashed(
                f"A strategy raised: {origin(error)}",
                "Correct the strategy; the log has the whole traceback",
                reason="StrategyFailed",
            )
        self._on_failure(error)

    def _watch_queues(self) -> None:
        """Hear when one of the engines' queues ends: nothing that it was for would be handled any more.

        The engines survive errors; a cancellation, or a panic in Rust, that gets out of a strategy's handler ends the
        queue it was called from.
        """
        engines = self._data_engine, self._kernel.risk_engine, self._kernel.exec_engine
        for engine in engines:
            for name in ("cmd", "req", "res", "data", "evt"):
                task: asyncio.Task[None] | None = getattr(engine, f"_{name}_queue_task", None)
                if task is not None:
                    task.add_done_callback(functools.partial(self._queue_ended, type(engine).__name__))

    def _queue_ended(self, engine: str, task: asyncio.Task[None]) -> None:
        if self._stopping:
            return
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("a strategy raised", exc_info=error)
            self._report(error)
            return
        self._on_failure(
            crashed(
                f"A strategy raised CancelledError in a handler, which ended the {task.get_name()} of the {engine}",
                "Have the strategy catch what the tasks and futures raise that it asks for results",
                reason="StrategyFailed",
            )
        )

    def _take_over_signals(self) -> None:
        # The kernel would stop by itself and lose why.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGABRT):
            self._loop.remove_signal_handler(number)

    def _take_over_shutdown(self) -> None:
        topic, kernel = "commands.system.shutdown", self._kernel
        self._bus.unsubscribe(topic, kernel._on_shutdown_system)  # noqa: SLF001  # the kernel would stop by itself and lose why
        self._bus.subscribe(topic, self._on_shutdown_command)

    def _on_shutdown_command(self, command: ShutdownSystem) -> None:
        self._on_failure(
            crashed(
                f"{command.component_id} asked for a shutdown: {command.reason or 'no reason given'}",
                "Correct the strategy; the log has the whole traceback",
                reason="StrategyFailed" if "exception" in (command.reason or "") else "ShutdownRequested",
            )
        )

    def _why_not_trading(self) -> NodeError:
        data, execution = self._data_engine.check_connected(), self._kernel.exec_engine.check_connected()
        if not (data and execution):
            side = "market data" if not data else "execution"
            return not_trading(
                f"The {side} clients did not connect within {CONNECT_SECONDS:.0f} s",
                "Look for the venue's errors in the log",
                reason="VenueNotConnected",
            )
        return not_trading(
            "The node could not agree with its venues about orders and positions",
            "Look for reconciliation errors in the log",
            reason="NotReconciled",
        )

    async def _stop_strategies(self, seconds: float) -> BaseException | None:
        """Stop algorithms, then strategies, and let what the strategies did come to its end; return what was raised."""
        if self._gate is not None:
            # Strategies may close what they hold when they stop; they open nothing any more.
            self._gate.stop_taking(Admission.REDUCE)
        stop_algorithms(self._kernel)
        failure = stop_strategies(self._kernel)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, STRATEGY_STOP_SECONDS)):
                await self.settle()
                while any(strategy.is_running for strategy in self._node.trader.strategies()):
                    await asyncio.sleep(0.05)
                    await self.settle()
        late = end_strategies(self._kernel)
        if late:
            _log.warning("%s did not come to rest and was stopped", ", ".join(late))
        return failure


def needs_wall_clock(bar_type: BarType) -> bool:
    """Return whether Nautilus itself aggregates these bars, by time."""
    return bool(bar_type.is_internally_aggregated() and bar_type.spec.is_time_aggregated())
