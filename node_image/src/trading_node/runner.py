"""The node's life: owns the main coroutine, and the reason why it ends."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from nautilus_trader.config import CacheConfig

from trading_api.node_config import NodeConfig
from trading_api.status import DrainState, DrainStatus, NodeState, NodeStatus
from trading_api.trading_rules import Mode
from trading_node.background import background
from trading_node.catalog.reader import OpenCatalog, open_catalog
from trading_node.day_losses import follow_profit, kept_losses, losses_folder
from trading_node.drain.facts import Result
from trading_node.environment import Environment
from trading_node.errors import NodeError, crashed, stop_incomplete
from trading_node.garbage import spare_what_stays
from trading_node.gate import Gate
from trading_node.keeping import Keeping
from trading_node.kubernetes_report import ApiServer, StatusClient, StatusReporter
from trading_node.limits_file import LimitsFile, LimitsInForce
from trading_node.liveness import LoopWatch
from trading_node.market_watch import MarketWatch
from trading_node.nautilus import NautilusNode
from trading_node.nautilus_cache import cache_config, forget_orders
from trading_node.nautilus_logs import NautilusLogs
from trading_node.nautilus_reconciliation import NautilusReconciliation
from trading_node.node_metrics import Sources, build_telemetry
from trading_node.risk.limits import compile_limits
from trading_node.risk.standing import Admission
from trading_node.shutdown import Shutdown
from trading_node.snapshot import Snapshot
from trading_node.status import Life, build_status, live_document
from trading_node.stopping import DISCONNECT_SHARE, after_seconds, drain_begun, drain_ended, stop_failure, stop_policy
from trading_node.strategies import LEAVING, load_strategies, origin
from trading_node.threads import in_daemon_thread
from trading_node.venues.registry import Parts, build_venue, plain_order_ids, replay_speed, replays
from trading_node.venues.replay_feed import ReplayFeed
from trading_node.web.server import Views, build_app, start_server

LAST_REPORT_SECONDS = 5.0
"""What the last report may cost of a stop's budget."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended; without an error it ended as asked."""

    error: NodeError | None
    completed: bool
    status: NodeStatus
    snapshot: Snapshot
    books: str = ""
    """What became of the books, for a person; empty where none are kept."""


def run_node(
    config: NodeConfig, folder: Path, environment: Environment, shutdown: Shutdown, logs: NautilusLogs
) -> Outcome:
    """Run a node to its end. Relative paths of catalogs count from folder."""
    node = Runner(config, folder, environment, shutdown, logs)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        life = runner.get_loop().create_task(node.run())
        while True:
            try:
                return runner.get_loop().run_until_complete(life)
            except LEAVING as raised:
                # It stops the loop wherever a strategy is; the loop goes on, for the stop.
                if life.done():
                    raise
                node.leave(raised)
            except RuntimeError as raised:
                # A strategy has stopped the loop itself, which is the same.
                if life.done():
                    raise
                node.leave(raised)


class Runner:
    """One run of one node."""

    def __init__(
        self, config: NodeConfig, folder: Path, environment: Environment, shutdown: Shutdown, logs: NautilusLogs
    ) -> None:
        self._config = config
        self._folder = folder
        self._environment = environment
        self._shutdown = shutdown
        self._logs = logs
        self._started_ns = time.time_ns()
        self._life = Life(state=NodeState.STARTING)
        self._last = Snapshot()
        self._node: NautilusNode | None = None
        self._replays = replays(config.trading_node.venues)
        self._feed = ReplayFeed(replay_speed(config.trading_node.venues))
        self._keeping = keeping = Keeping(config, folder, os.environ)
        limits = compile_limits(config.risk_engine)
        self._gate = Gate(limits, on_denial=keeping.on_denial, recorded=keeping.what_records())
        self._limits = self._limits_file()
        self._telemetry = build_telemetry(environment, self._sources())
        self._watch = LoopWatch(self._telemetry.loop_lag.observe)
        self._reporter: StatusReporter | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._failure: NodeError | None = None
        self._drain: DrainStatus | None = None

    async def run(self) -> Outcome:
        """Trade until a signal, the end of the replay or a failure; stop in order; report."""
        error: NodeError | None = None
        completed = False
        self._loop = asyncio.get_running_loop()
        self._hear_signals()
        async with contextlib.AsyncExitStack() as services:
            try:
                if await self._until_ended(self._start_services(services)):
                    completed = await self._until_ended(self._trade())
                if completed and self._environment.in_kubernetes:
                    await self._until_ended(asyncio.Event().wait())
            except NodeError as raised:
                error = raised
            except asyncio.CancelledError:
                _log.exception("the node's own task was cancelled")
                error = crashed(
                    "A strategy cancelled the node's own task",
                    "Have the strategy cancel no tasks but those that it has made",
                    reason="StrategyFailed",
                )
            except Exception as raised:  # noqa: BLE001  # whatever it is, the stop comes first
                _log.exception("the node ended by an exception")
                error = crashed(f"The node ended by an exception: {origin(raised)}", "Report this with the log")
            self._shutdown.begin()
            error = await self._stop(error)
            await self._close_books()
            self._enter(self._final(error, completed=completed))
            outcome = Outcome(
                error=error,
                completed=completed,
                status=self._status(),
                snapshot=self._snapshot(),
                books=self._keeping.outcome,
            )
            if self._reporter is not None:
                await self._reporter.finish(min(LAST_REPORT_SECONDS, self._shutdown.remaining_seconds()))
        self._dispose()
        return outcome

    # The parts of a life

    async def _trade(self) -> None:
        """Build, start and play to the end; raises NodeError."""
        self._enter(Life(state=NodeState.STARTING, reason="OpeningCatalogs"))
        catalogs = await self._open_catalogs()
        section = self._config.trading_node
        if self._limits is not None:
            await in_daemon_thread(self._limits.load, "read-limits")
            self._limits.follow()
        with self._shutdown.at_once():
            strategies = load_strategies(section.strategies, plain_order_ids=plain_order_ids(section))
        node = self._node = NautilusNode(
            trader_id=section.trader_id,
            logs=self._logs,
            log_level=self._config.logging.level,
            on_failure=self._fail,
            cache=await self._open_cache(),
        )
        parts = Parts(
            mode=section.mode,
            catalogs=catalogs,
            feed=self._feed,
            portfolio=lambda: node.portfolio,
            folder=self._folder,
            variables=os.environ,
            state_directory=section.state_directory,
            run=self._keeping.run,
            kept=self._keeping.accounts,
        )
        if self._replays:
            node.process_synchronously(accelerated=self._feed.accelerated)
        elif section.mode is Mode.PAPER:
            node.process_orders_synchronously()
        node.build([build_venue(venue, parts) for venue in section.venues], strategies)
        names = {built.id.value: named.name for named, built in zip(section.strategies, strategies, strict=True)}
        node.gate_orders(self._gate, names, (lambda: self._feed.time_ns) if self._replays else None)
        if self._keeping.has_books:
            self._enter(Life(state=NodeState.STARTING, reason="OpeningBooks"))
            await self._keeping.open(node)
        if section.mode is Mode.LIVE:
            self._reconcile(node)
        spare_what_stays()
        self._enter(Life(state=NodeState.STARTING, reason="Connecting"))
        await node.start()
        self._enter(Life(state=NodeState.TRADING, reconciled=True))
        if self._replays:
            await self._replay(node)
        else:
            await node.stay_small()  # until it is stopped

    def _reconcile(self, node: NautilusNode) -> None:
        """Have the node agree with its venues, and tell when it does not."""
        seconds = self._config.trading_node.reconciliation.seconds
        agreement = node.reconcile(self._keeping.history, seconds, lambda: self._enter(self._agreeing(agreement)))

    def _agreeing(self, agreement: NautilusReconciliation) -> Life:
        """Return the life as it goes on with a change of agreement."""
        life = self._life
        if life.state is NodeState.TRADING:
            reason = "" if agreement.agreed else "NotReconciled"
            return replace(life, reconciled=agreement.agreed, reason=reason, message=agreement.message)
        if life.state is NodeState.STARTING and agreement.message:
            return replace(life, reason="NotReconciled", message=agreement.message)
        return life

    async def _replay(self, node: NautilusNode) -> None:
        """Play the catalogs to their end; raises NodeError."""
        try:
            await self._feed.play(node)
        except NodeError:
            raise
        except Exception as raised:
            _log.exception("a strategy raised")
            raise crashed(
                f"A strategy raised: {origin(raised)}",
                "Correct the strategy; the log has the whole traceback",
                reason="StrategyFailed",
            ) from raised
        await self._stop_node()
        progress = self._feed.progress()
        self._enter(
            Life(
                state=NodeState.COMPLETED,
                reason="ReplayEnded",
                message=f"All {progress.events} events are replayed",
                reconciled=True,
            )
        )

    def _limits_file(self) -> LimitsFile | None:
        section = self._config.trading_node
        if section.limits_file is None:
            return None
        path = self._folder / section.limits_file
        return LimitsFile(path, section, self._gate.set_limits, on_change=self._limits_changed)

    async def _open_cache(self) -> CacheConfig | None:
        """Return the Redis database for the engine's cache, without a former life's orders; raises NodeError."""
        section = self._config.trading_node
        cache = cache_config(section.cache, os.environ)
        if cache is not None:
            await in_daemon_thread(partial(forget_orders, cache, section.trader_id), "open-cache")
        return cache

    async def _open_catalogs(self) -> dict[str, OpenCatalog]:
        used = {venue.replay.catalog for venue in self._config.trading_node.venues if venue.replay is not None}
        paths = {c.name: self._folder / c.path for c in self._config.trading_node.catalogs if c.name in used}
        # In threads: a bucket's mount that hangs must not hang the node.
        return {
            name: await in_daemon_thread(partial(open_catalog, path), f"open-{name}") for name, path in paths.items()
        }

    async def _close_books(self) -> None:
        # A stop that failed may have left strategies running: what they send now would be in no book.
        self._gate.stop_taking(Admission.HALT)
        await self._keeping.close(self._shutdown.remaining_seconds() - LAST_REPORT_SECONDS)

    async def _until_ended(self, life: Coroutine[Any, Any, object]) -> bool:
        """Run one part of the life; return whether it came to its own end, False after a signal; raises NodeError."""
        task = asyncio.ensure_future(life)
        end = asyncio.ensure_future(self._end.wait())
        try:
            await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait((task,))
            raise
        finally:
            end.cancel()
        ended_itself = task.done()
        if not ended_itself:
            task.cancel()
            await asyncio.wait((task,))
        raised = _raised_by(task)
        if isinstance(raised, Exception):
            raise raised
        if raised is not None and (ended_itself or not isinstance(raised, asyncio.CancelledError)):
            self.leave(raised)
        if self._failure is not None:
            raise self._failure
        return ended_itself

    async def _stop(self, error: NodeError | None) -> NodeError | None:
        """Stop what still runs; return why the node ends, the first reason first."""
        if self._life.state not in (NodeState.COMPLETED, NodeState.FAILED):
            self._enter(Life(state=NodeState.STOPPING, reason=error.reason if error else "StopRequested"))
        try:
            await self._stop_node()
        except NodeError as raised:
            error = error or raised
        except BaseException as raised:  # noqa: BLE001  # whatever it is, the report comes first
            _log.exception("the stop failed")
            return error or stop_incomplete(
                f"The node could not be stopped in order: {origin(raised)}",
                "Look at the venue for open orders and positions",
            )
        return error if self._drain is None else stop_failure(self._drain, error)

    async def _stop_node(self) -> None:
        if self._node is None or self._node.stopped:
            return
        node, drain, remaining = self._node, self._config.trading_node.drain, self._shutdown.remaining_seconds()
        self._drain = drain_begun(drain)

        def on_result(result: Result) -> None:
            status = self._drain = drain_ended(drain, result, traded=node.opened)
            level = logging.INFO if status.state is DrainState.DONE else logging.ERROR
            _log.log(level, "stop of %s: %s", self._config.trading_node.trader_id, status.message)

        try:
            await node.stop(stop_policy(drain, remaining), on_result, DISCONNECT_SHARE * after_seconds(remaining))
        finally:
            self._last = self._snapshot()

    def _dispose(self) -> None:
        if self._node is not None:
            self._last = self._snapshot()
            node, self._node = self._node, None
            node.dispose()

    # Around it

    async def _start_services(self, services: contextlib.AsyncExitStack) -> None:
        await services.enter_async_context(background(self._watch.run()))
        views = Views(
            life=lambda: self._life,
            loop_age_seconds=self._watch.age_seconds,
            document=lambda: live_document(self._status(), self._snapshot()),
            registry=self._telemetry.registry,
            positions=lambda currency: self._keeping.positions(self._gate.prices, currency),
        )
        if self._limits is not None:
            services.callback(self._limits.end)
        if not self._replays:
            losses = losses_folder(self._config)
            if losses is not None:
                await services.enter_async_context(kept_losses(self._folder / losses, self._gate))
            await services.enter_async_context(background(follow_profit(self._gate)))
        server, port = await start_server(build_app(views), self._config.trading_node.http)
        services.push_async_callback(server.cleanup)
        _log.info("listening on http://%s:%d", self._config.trading_node.http.host, port)
        if self._environment.in_kubernetes:
            await services.enter_async_context(self._reporting())

    @contextlib.asynccontextmanager
    async def _reporting(self) -> AsyncIterator[None]:
        client = StatusClient(ApiServer.in_cluster(os.environ), self._environment)
        self._reporter = StatusReporter(
            client,
            self._status,
            self._environment.report_interval_seconds,
            lambda outcome: self._telemetry.reports.labels(outcome.value).inc(),
        )
        async with background(self._reporter.run()):
            yield

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def from_another_thread() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself in the meantime
                loop.call_soon_threadsafe(self._end.set)

        self._shutdown.on_stop(from_another_thread)

    def leave(self, raised: BaseException) -> None:
        """End in order because a strategy, or what it uses, raised what is no error: sys.exit(), a cancellation."""
        if self._failure is None:
            _log.error("a strategy raised", exc_info=raised)
        self._fail(
            crashed(
                f"A strategy raised {origin(raised)}, which ends no node",
                "Have the strategy stop itself with self.stop(), or raise what is wrong",
                reason="StrategyFailed",
            )
        )

    def _fail(self, error: NodeError) -> None:
        """Take the first reason to end; on the event loop."""
        if self._failure is None:
            self._failure = error
        self._end.set()

    def _enter(self, life: Life) -> None:
        self._life = life
        _log.info("%s%s", life.state.value, f": {life.message or life.reason}" if life.reason else "")
        if self._reporter is not None:
            self._reporter.state_changed()

    def _limits_in_force(self) -> LimitsInForce | None:
        return None if self._limits is None else self._limits.in_force

    def _sources(self) -> Sources:
        return Sources(
            life=lambda: self._life,
            snapshot=self._snapshot,
            gate=self._gate,
            watch=lambda: MarketWatch() if self._node is None else self._node.market_watch(),
            agreements=lambda: () if self._node is None else self._node.agreements(),
            books=self._keeping.stats,
            limits=self._limits_in_force,
        )

    def _limits_changed(self) -> None:
        if self._reporter is not None and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself in the meantime
                self._loop.call_soon_threadsafe(self._reporter.state_changed)

    def _final(self, error: NodeError | None, *, completed: bool) -> Life:
        if error is not None:
            return Life(state=NodeState.FAILED, reason=error.reason, message=str(error))
        if completed:
            return self._life
        return Life(state=NodeState.STOPPED, reason="StopRequested")

    def _snapshot(self) -> Snapshot:
        replay = self._feed.progress() if self._replays else None
        return self._node.snapshot(replay) if self._node is not None else self._last

    def _status(self) -> NodeStatus:
        return build_status(
            self._environment,
            self._life,
            self._snapshot(),
            started_ns=self._started_ns,
            now_ns=time.time_ns(),
            limits=self._limits_in_force(),
            agreements=() if self._node is None else self._node.agreements(),
            drain=self._drain,
        )


def _raised_by(task: asyncio.Future[Any]) -> BaseException | None:
    """Return what a task that has ended raised, also where that was a cancellation."""
    try:
        task.result()
    except BaseException as raised:  # noqa: BLE001  # the caller decides
        return raised
    return None
