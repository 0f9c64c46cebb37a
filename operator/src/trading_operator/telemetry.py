"""What the operator tells of itself: /metrics, /healthz and /readyz on a server of its own, standby included."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from trading_api.status import Phase
from trading_operator.kube.api_server import NO_ANSWER, Call
from trading_operator.objects import DeploymentKey

_WRITES = frozenset({"create", "update", "apply", "patch", "delete"})
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Every metric of the operator, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (GCCollector, PlatformCollector, ProcessCollector):
            collector(registry=self.registry)
        self.reconciles = Histogram(
            "trading_operator_reconcile_seconds",
            "Time of one reconciliation, by outcome.",
            ["outcome"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.queue_wait = Histogram(
            "trading_operator_queue_wait_seconds",
            "Time from when a deployment was due to when a worker took it.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "trading_operator_queue_depth", "Deployments that are due and wait for a worker.", registry=self.registry
        )
        self.requests = Histogram(
            "trading_operator_api_request_seconds",
            "Time of one request to the API server.",
            ["verb", "resource"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.writes = Counter(
            "trading_operator_api_writes",
            "Requests to the API server that write, by answer; none: nobody knows whether it was done.",
            ["verb", "resource", "status"],
            registry=self.registry,
        )
        self.leader = Gauge("trading_operator_leader", "1 while this process leads.", registry=self.registry)
        self.deployments = Gauge(
            "trading_operator_deployments", "TradingDeployments by phase.", ["phase"], registry=self.registry
        )
        self._phases: dict[DeploymentKey, str] = {}
        for phase in Phase:
            self.deployments.labels(phase).set(0)

    def called(self, call: Call) -> None:
        """Count a request."""
        self.requests.labels(call.verb, call.resource).observe(call.seconds)
        if call.verb in _WRITES:
            status = "none" if call.status == NO_ANSWER else str(call.status)
            self.writes.labels(call.verb, call.resource, status).inc()

    def phase(self, key: DeploymentKey, phase: str) -> None:
        """Take note of a deployment's phase; empty: it is no more."""
        before = self._phases.pop(key, "")
        if phase:
            self._phases[key] = phase
        if before != phase:
            for name, change in ((before, -1), (phase, 1)):
                if name:
                    self.deployments.labels(name).inc(change)

    def render(self) -> bytes:
        """Return the Prometheus text."""
        return generate_latest(self.registry)


@dataclass(slots=True)
class TelemetryServer:
    """The HTTP server of a running operator, leading or standing by."""

    metrics: Metrics
    port: int
    host: str = "0.0.0.0"  # noqa: S104  # the kubelet and Prometheus ask from outside of the pod
    on_scrape: Callable[[], None] = lambda: None
    live: Callable[[], str] = lambda: ""
    """Says what is wrong with the process, or nothing."""
    ready: Callable[[], str] = lambda: ""
    """Says why the process is of no use yet, or nothing. One that stands by is."""
    _runner: web.AppRunner | None = field(default=None, init=False)

    async def start(self) -> int:
        """Listen; return the port."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        address: tuple[str, int] = self._runner.addresses[0]
        return address[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return _answer(self.live())

    async def _readyz(self, _: web.Request) -> web.Response:
        return _answer(self.ready())

    async def _metrics(self, _: web.Request) -> web.Response:
        self.on_scrape()
        return web.Response(body=self.metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _answer(fault: str) -> web.Response:
    return web.Response(status=503 if fault else 200, text=f"{fault or 'ok'}\n")
