"""Health, metrics and status over HTTP."""

import asyncio
import contextlib
import socket
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from trading_api.node_config import HttpServer
from trading_api.status import NodeState
from trading_node.book_positions import PositionsUnknownError
from trading_node.environment import Environment
from trading_node.errors import NodeError
from trading_node.snapshot import Replay, Snapshot
from trading_node.status import Life, build_status, live_document
from trading_node.telemetry import Telemetry
from trading_node.web.server import MAX_CONNECTIONS, Views, build_app, readiness, start_server


class Node:
    def __init__(self) -> None:
        self.life = Life(state=NodeState.TRADING, reconciled=True)
        self.age = 0.1
        self.books = True
        self.snapshot = Snapshot(orders_total=3, fills=2, replay=Replay(events=9, time_ns=1_500_000_000))

    def views(self) -> Views:
        telemetry = Telemetry(Environment(deployment="btc", revision="abc"))
        telemetry.observe(lambda: self.life, lambda: self.snapshot)
        return Views(
            life=lambda: self.life,
            loop_age_seconds=lambda: self.age,
            document=self.document,
            registry=telemetry.registry,
            positions=self.positions,
        )

    async def positions(self, currency: str) -> dict[str, Any]:
        if not self.books:
            raise PositionsUnknownError("no books are kept")
        return {"currency": currency or "USD"}

    def document(self) -> dict[str, Any]:
        status = build_status(Environment(), self.life, self.snapshot, started_ns=1, now_ns=2)
        return live_document(status, self.snapshot)


async def get(node: Node, path: str) -> tuple[int, str]:
    async with TestClient(TestServer(build_app(node.views()))) as client:
        answer = await client.get(path)
        return answer.status, await answer.text()


async def test_pages() -> None:
    node = Node()
    assert await get(node, "/livez") == (200, "ok\n")
    assert await get(node, "/readyz") == (200, "trading\n")
    code, text = await get(node, "/api/status")
    assert (code, '"fills": 2' in text, '"recentOrders": []' in text) == (200, True, True)
    code, text = await get(node, "/metrics")
    assert code == 200
    assert 'trading_node_orders_total{outcome="submitted"} 3.0' in text
    assert 'trading_node_state{state="Trading"} 1.0' in text
    assert 'trading_node_info{deployment="btc",revision="abc"' in text
    assert "trading_node_replay_time_seconds 1.5" in text
    assert "process_resident_memory_bytes" in text


async def test_positions() -> None:
    node = Node()
    assert await get(node, "/api/positions") == (200, '{"currency": "USD"}')
    assert await get(node, "/api/positions?currency=BTC") == (200, '{"currency": "BTC"}')
    code, text = await get(node, "/api/positions?currency=<b>")
    assert (code, "write capital letters" in text, "<b>" in text) == (400, True, False)
    node.books = False
    assert await get(node, "/api/positions") == (503, '{"message": "no books are kept"}')


async def test_a_blocked_loop_is_not_alive() -> None:
    node = Node()
    node.age = 60.0
    code, text = await get(node, "/livez")
    assert code == 503
    assert "blocked for 60.0 s" in text


@pytest.mark.parametrize("state", [s for s in NodeState if s is not NodeState.TRADING])
def test_only_a_trading_node_is_ready(state: NodeState) -> None:
    assert readiness(Life(state=state, reason="Why", message="because", reconciled=True)) == (
        False,
        f"{state.value}: because",
    )


def test_a_node_that_does_not_agree_with_its_venues_is_not_ready() -> None:
    assert not readiness(Life(state=NodeState.TRADING))[0]


async def test_a_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        http = HttpServer(port=taken.getsockname()[1])
        with pytest.raises(NodeError, match="the port is in use"):
            await start_server(build_app(Node().views()), http)


async def test_any_free_port_can_be_asked_for() -> None:
    runner, port = await start_server(build_app(Node().views()), HttpServer(port=0))
    assert port > 0
    await runner.cleanup()


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_connections_that_say_nothing_hold_up_nobody() -> None:
    runner, port = await start_server(build_app(Node().views()), HttpServer(port=0))
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS + 20)]
    try:
        assert b"200 OK" in await ask(port, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert runner.server is not None
        assert len(runner.server.connections) <= MAX_CONNECTIONS
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionResetError):
                assert await opened[0][0].read() == b""
        assert not opened[-1][0].at_eof()
    finally:
        for _, writer in opened:
            writer.close()
        await runner.cleanup()


async def test_what_is_no_request_is_no_error_of_the_node(caplog: pytest.LogCaptureFixture) -> None:
    runner, port = await start_server(build_app(Node().views()), HttpServer(port=0))
    try:
        assert b"400" in await ask(port, b"GET /livez HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n")
        assert b"400" in await ask(port, b"\x16\x03\x01 no HTTP at all\r\n\r\n")
    finally:
        await runner.cleanup()
    assert not caplog.records


async def test_a_failure_of_a_page_is_told(caplog: pytest.LogCaptureFixture) -> None:
    node = Node()
    node.snapshot = None  # type: ignore[assignment]
    runner, port = await start_server(build_app(node.views()), HttpServer(port=0))
    try:
        request = b"GET /api/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert b"500 Internal" in await ask(port, request)
    finally:
        await runner.cleanup()
    assert "Error handling request" in caplog.text
