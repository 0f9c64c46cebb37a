"""Health, metrics, the node's status and its positions over HTTP."""

import errno
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from trading_api.node_config import HttpServer
from trading_api.status import NodeState
from trading_node.book_positions import PositionsUnknownError
from trading_node.errors import not_trading
from trading_node.status import Life

MAX_CONNECTIONS = 128
"""Open at the same time; then the oldest one is closed."""
STALE_SECONDS = 10.0
"""A loop that has not turned for so long is not alive."""

_CURRENCY = re.compile(r"[A-Z0-9]{2,16}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Views:
    """What the server shows; asked on each request."""

    life: Callable[[], Life]
    loop_age_seconds: Callable[[], float]
    document: Callable[[], dict[str, Any]]
    registry: CollectorRegistry
    positions: Callable[[str], Awaitable[dict[str, Any]]]
    """Of the books, added up in a currency; raises PositionsUnknownError."""


def readiness(life: Life) -> tuple[bool, str]:
    """Return whether the node trades and agrees with its venues, and one line for a person."""
    if life.state is NodeState.TRADING and life.reconciled:
        return True, "trading"
    detail = life.message or life.reason
    return False, f"{life.state.value}: {detail}" if detail else life.state.value


def build_app(views: Views) -> web.Application:
    """Return the application."""

    async def livez(_: web.Request) -> web.Response:
        age = views.loop_age_seconds()
        alive = age < STALE_SECONDS
        text = "ok\n" if alive else f"the event loop was blocked for {age:.1f} s\n"
        return web.Response(status=200 if alive else 503, text=text)

    async def readyz(_: web.Request) -> web.Response:
        ready, text = readiness(views.life())
        return web.Response(status=200 if ready else 503, text=f"{text}\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(views.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def status(_: web.Request) -> web.Response:
        return web.json_response(views.document())

    async def positions(request: web.Request) -> web.Response:
        currency = request.query.get("currency", "")
        if currency and not _CURRENCY.fullmatch(currency):
            text = "currency is no currency's code: write capital letters and digits, such as USDT"
            return web.json_response({"message": text}, status=400)
        try:
            return web.json_response(await views.positions(currency))
        except PositionsUnknownError as error:
            return web.json_response({"message": str(error)}, status=503)

    app = web.Application()
    app.add_routes(
        [
            web.get("/livez", livez),
            web.get("/readyz", readyz),
            web.get("/metrics", metrics),
            web.get("/api/status", status),
            web.get("/api/positions", positions),
        ]
    )
    return app


async def start_server(app: web.Application, http: HttpServer) -> tuple[web.AppRunner, int]:
    """Listen; return what is to be cleaned up and the port. Raises NodeError if the address cannot be had."""
    _log.addFilter(_is_ours)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, logger=_log)
    await runner.setup()
    if runner.server is not None:
        _bound_connections(runner.server)
    try:
        await web.TCPSite(runner, http.host, http.port).start()
    except OSError as error:
        await runner.cleanup()
        taken = error.errno == errno.EADDRINUSE
        raise not_trading(
            f"Cannot listen on {http.host}:{http.port}: {'the port is in use' if taken else error.strerror}",
            "Set trading_node.http.port to another port, or to 0 for any free one",
            reason="PortInUse" if taken else "CannotListen",
        ) from error
    port: int = runner.addresses[0][1]
    return runner, port


def _bound_connections(server: web.Server) -> None:
    """Let no number of connections that say nothing use up the files that venues and books need.

    The oldest goes: a probe is answered within moments, and must not wait for others to end.
    """
    made = server.connection_made

    def bounded(handler: Any, transport: Any) -> None:  # noqa: ANN401  # aiohttp's own
        made(handler, transport)
        for oldest in server.connections[:-MAX_CONNECTIONS]:
            if oldest.transport is not None:
                oldest.transport.abort()

    server.connection_made = bounded  # type: ignore[method-assign]  # looked up for each connection


def _is_ours(record: logging.LogRecord) -> bool:
    """Return whether a failure is the node's own: what is no request at all is no news to anybody."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)
