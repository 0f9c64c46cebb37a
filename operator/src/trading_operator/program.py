"""The life of one operator process: stand by, lead, end in order."""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Protocol

from trading_api.deployment import CatalogDriver
from trading_operator.desired.gcsfuse import GKE_DRIVER
from trading_operator.kube import errors
from trading_operator.kube.api_server import ApiServer, connect
from trading_operator.kube.client import Client
from trading_operator.kube.leader import LeaderElection
from trading_operator.leadership import Leadership
from trading_operator.objects import CSI_DRIVER, TRADING_DEPLOYMENT, Kind, ObjectRef
from trading_operator.settings import RenderSettings, Settings
from trading_operator.telemetry import Metrics, TelemetryServer

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0


class Asked(Protocol):
    """Who knows which kinds there are."""

    async def serves(self, kind: Kind) -> bool:
        """Tell whether the API server knows a kind; raise ApiError where it does not say."""


async def run(settings: Settings) -> int:
    """Run until a signal asks to stop; return the exit code."""
    stop = asyncio.Event()
    stop_on_signals(stop.set)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        connection = await connect()
        stack.push_async_callback(connection.close)
        election = LeaderElection(
            ApiServer(connection, observe=metrics.called), settings.lease_namespace, settings.lease_name
        )
        client = ApiServer(connection, permit=election.permit, observe=metrics.called)
        telemetry = TelemetryServer(metrics, settings.metrics_port)
        telemetry.on_scrape = lambda: metrics.leader.set(election.leading)
        log.info("serving /healthz, /readyz and /metrics on port %s", await telemetry.start())
        stack.push_async_callback(telemetry.stop)
        if not await _before(stop, resource_served(client, telemetry)) or not await _before(stop, election.acquire()):
            return 0
        stack.push_async_callback(election.release)
        settings = replace(settings, render=await _with_driver(client, settings.render))
        return await Leadership(settings, client, election, telemetry, stop).work(lambda: stop_on_signals(stop.set))


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Stop on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


async def _before(stop: asyncio.Event, wanted: Coroutine[None, None, None]) -> bool:
    """Tell whether something came to its end before the process was asked to stop."""
    asked, done = asyncio.create_task(stop.wait()), asyncio.create_task(wanted)
    await asyncio.wait({asked, done}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not done.done():
        done.cancel()
        return False
    done.result()
    return True


async def resource_served(client: Asked, telemetry: TelemetryServer) -> None:
    """Wait until the API server knows TradingDeployments: an informer that starts before would watch nothing.

    Until then the process is not ready, so that an installation that waits for it does not end well.
    """
    missing = "the API server has not been asked for TradingDeployments yet"
    telemetry.ready = lambda: missing
    while True:
        try:
            if await client.serves(TRADING_DEPLOYMENT):
                telemetry.ready = lambda: ""
                return
            missing = "the API server does not know TradingDeployments: install the chart trading-operator-crds"
        except errors.ApiError as error:
            missing = f"the API server does not answer: {error}"
        log.warning("%s", missing)
        await asyncio.sleep(RETRY_SECONDS)


async def _with_driver(client: Client, render: RenderSettings) -> RenderSettings:
    """Resolve the driver Auto by looking for GKE's CSI driver."""
    if render.gcs.driver is not CatalogDriver.AUTO:
        return render
    try:
        found = await client.get(ObjectRef(CSI_DRIVER, "", GKE_DRIVER)) is not None
    except errors.ApiError as error:
        log.warning("cannot look for the CSI driver %s, so buckets are mounted by a sidecar: %s", GKE_DRIVER, error)
        found = False
    driver = CatalogDriver.GKE if found else CatalogDriver.SIDECAR
    log.info("the catalog driver Auto means %s", driver)
    return replace(render, gcs=replace(render.gcs, driver=driver))
