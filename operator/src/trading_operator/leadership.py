"""What runs only while this process leads: the lease's renewal, the informer, the queue and its workers."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import SystemRandom
from time import perf_counter

import kopf

from trading_operator.handlers import informer
from trading_operator.informer_settings import kopf_settings
from trading_operator.kube import errors
from trading_operator.kube.client import Client
from trading_operator.kube.leader import LeaderElection
from trading_operator.objects import DeploymentKey
from trading_operator.reconcile import Reconciler, RefusedByClusterError
from trading_operator.settings import Settings
from trading_operator.telemetry import Metrics, TelemetryServer
from trading_operator.work_queue import Again, Schedule, WorkQueue

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0
EXIT_FAILED = 1


@dataclass(slots=True)
class Leadership:
    """One term of leading."""

    settings: Settings
    client: Client
    election: LeaderElection
    telemetry: TelemetryServer
    stop: asyncio.Event

    async def work(self, take_signals: Callable[[], None]) -> int:
        """Work until asked to stop, or until a part ends that must not; return the exit code."""
        metrics = self.telemetry.metrics
        reconciler = Reconciler(
            self.client,
            self.settings.render,
            instance=self.election.identity,
            on_phase=metrics.phase,
            read_anew_after=timedelta(seconds=self.settings.resync_seconds * 0.8),
        )
        queue = WorkQueue(
            Schedule[DeploymentKey](SystemRandom(), resync=self.settings.resync_seconds),
            Attempt(reconciler, metrics),
            workers=self.settings.workers,
            on_wait=metrics.queue_wait.observe,
        )
        informer_stop, informer_ready = asyncio.Event(), asyncio.Event()
        holding = asyncio.create_task(self.election.hold(), name="the lease's renewal")
        working = asyncio.create_task(queue.run(), name="the work queue")
        stopping = asyncio.create_task(self.stop.wait())
        # kopf cancels, when it ends, every task that was made after it started: ours are made before.
        await asyncio.sleep(0)
        informing = asyncio.create_task(
            self._inform(reconciler, queue, informer_stop, informer_ready), name="the informer"
        )
        parts = (holding, working, informing)
        self._tell(queue, parts, informer_ready)
        informed = asyncio.create_task(informer_ready.wait())
        await asyncio.wait({stopping, informing, informed}, return_when="FIRST_COMPLETED")
        take_signals()  # kopf has taken them, and would stop before the queue has
        await asyncio.wait({stopping, *parts}, return_when="FIRST_COMPLETED")
        log.info("stopping" if self.stop.is_set() else "a part that must not end has ended; stopping")
        queue.stop()
        await asyncio.wait({working}, timeout=DRAIN_SECONDS)
        informer_stop.set()
        await asyncio.wait({informing}, timeout=DRAIN_SECONDS)
        return await _end(parts, stopping, asked=self.stop.is_set())

    async def _inform(
        self, reconciler: Reconciler, queue: WorkQueue[DeploymentKey], stop: asyncio.Event, ready: asyncio.Event
    ) -> None:
        namespaces = self.settings.watch_namespaces
        await kopf.operator(
            registry=informer(reconciler.memory, queue.add, queue.add_later),
            settings=kopf_settings(),
            standalone=True,
            # Unused without peering; but kopf would ask for this user's name, which a numeric user does not have.
            identity=self.election.identity,  # type: ignore[arg-type]  # a private NewType of str
            clusterwide=not namespaces,
            namespaces=namespaces,
            stop_flag=stop,
            ready_flag=ready,
        )

    def _tell(
        self, queue: WorkQueue[DeploymentKey], parts: tuple[asyncio.Task[None], ...], ready: asyncio.Event
    ) -> None:
        """Let the telemetry look at what runs."""

        def measure() -> None:
            self.telemetry.metrics.leader.set(self.election.leading)
            self.telemetry.metrics.queue_depth.set(queue.depth())

        self.telemetry.on_scrape = measure
        self.telemetry.live = lambda: ", ".join(f"{part.get_name()} has ended" for part in parts if part.done())
        self.telemetry.ready = lambda: "" if ready.is_set() else "the informer has not started yet"


async def _end(parts: tuple[asyncio.Task[None], ...], stopping: asyncio.Task[bool], *, asked: bool) -> int:
    for task in (*parts, stopping):
        task.cancel()
    for end in await asyncio.gather(*parts, return_exceptions=True):
        if isinstance(end, Exception):
            log.error("ended by an error", exc_info=end)
    return 0 if asked else EXIT_FAILED


@dataclass(frozen=True, slots=True)
class Attempt:
    """One reconciliation, measured; a failure that is expected is told in one line and tried again."""

    reconciler: Reconciler
    metrics: Metrics

    async def __call__(self, key: DeploymentKey) -> Again | None:
        """Reconcile; None where it failed."""
        begun, outcome = perf_counter(), "error"
        about = {"deployment": str(key)}
        try:
            again = await self.reconciler.reconcile(key)
            outcome = "done"
        except (errors.ConflictError, errors.NotFoundError) as news:
            outcome = "conflict"
            log.debug("looking again: %s", news, extra=about)
            return None
        except RefusedByClusterError as refusal:
            outcome = "refused"
            log.warning("refused: %s", refusal, extra=about)
            return None
        except errors.ApiError as error:
            log.warning("trying again later: %s", error, extra=about)
            return None
        finally:
            self.metrics.reconciles.labels(outcome).observe(perf_counter() - begun)
        return again
