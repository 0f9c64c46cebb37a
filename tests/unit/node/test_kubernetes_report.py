"""Reports against an API server on loopback: at once, not too often, never in the way."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from trading_api import wiring
from trading_api.exit_codes import ExitCode
from trading_api.status import NodeState, NodeStatus
from trading_node import kubernetes_report
from trading_node.environment import Environment
from trading_node.errors import NodeError
from trading_node.kubernetes_report import ApiServer, Outcome, StatusClient, StatusReporter, interpret
from trading_node.reconciliation.agreement import VenueStats
from trading_node.snapshot import Snapshot
from trading_node.status import Life, build_status

ENVIRONMENT = Environment(
    deployment="btc", deployment_uid="u-1", namespace="desk", pod_name="btc-node-0", pod_uid="p-1", revision="abc"
)
GAP = 0.01
"""Seconds between two reports, and before the first further try."""
PATH = "/apis/trading-operator.io/v1alpha1/namespaces/desk/tradingdeployments/btc/status"


class FakeApiServer:
    """Keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[float, web.Request, dict[str, Any]]] = []
        self.answer: Callable[[int], web.Response] = lambda _: web.json_response({})
        self._reports: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def patch(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        self.requests.append((time.monotonic(), request, body))
        self._reports.put_nowait(body["status"]["node"])
        return self.answer(len(self.requests))

    async def next_request(self) -> dict[str, Any]:
        """Return the next report's ``status.node``."""
        async with asyncio.timeout(10):
            return await self._reports.get()


class Node:
    """What is reported; changed by tests."""

    def __init__(self) -> None:
        self.state = NodeState.STARTING
        self.fills = 0
        self.agreement = VenueStats(venue="BINANCE", agreed=True, last_agreement_ns=1)

    def status(self) -> NodeStatus:
        life, snapshot = Life(state=self.state), Snapshot(fills=self.fills)
        return build_status(
            ENVIRONMENT, life, snapshot, started_ns=1, now_ns=time.time_ns(), agreements=(self.agreement,)
        )


@asynccontextmanager
async def api_server() -> AsyncIterator[tuple[FakeApiServer, str]]:
    fake = FakeApiServer()
    app = web.Application()
    app.router.add_patch(PATH, fake.patch)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield fake, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def reporting(
    url: str, node: Node, folder: Path, interval: float = 60.0
) -> AsyncIterator[tuple[StatusReporter, list[Outcome]]]:
    token = folder / "token"
    token.write_text("secret-1\n")
    outcomes: list[Outcome] = []
    client = StatusClient(ApiServer(url=url, token_path=token, ca_path=None), ENVIRONMENT)
    reporter = StatusReporter(client, node.status, interval, outcomes.append)
    task = asyncio.ensure_future(reporter.run())
    try:
        yield reporter, outcomes
    finally:
        task.cancel()
        await client.close()


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_report, "MIN_GAP_SECONDS", GAP)
    monkeypatch.setattr(kubernetes_report, "FIRST_RETRY_SECONDS", GAP)
    monkeypatch.setattr(kubernetes_report, "QUIET_INTERVALS", 1000)


async def test_a_report_is_applied_to_the_nodes_own_part(tmp_path: Path) -> None:
    async with api_server() as (server, url), reporting(url, Node(), tmp_path):
        await server.next_request()
        _, request, body = server.requests[0]
        assert dict(request.query) == {"fieldManager": "trading-node", "force": "true"}
        assert request.headers["Content-Type"] == "application/apply-patch+yaml"
        assert request.headers["Authorization"] == "Bearer secret-1"
        assert body["metadata"] == {"name": "btc", "namespace": "desk", "uid": "u-1"}
        assert list(body["status"]) == ["node"]
        assert body["status"]["node"]["podUid"] == "p-1"


async def test_a_change_of_state_is_reported_at_once_and_numbers_wait(tmp_path: Path) -> None:
    node = Node()
    async with api_server() as (server, url), reporting(url, node, tmp_path) as (reporter, _):
        await server.next_request()
        node.fills = 5
        await asyncio.sleep(5 * GAP)
        assert len(server.requests) == 1
        node.state = NodeState.TRADING
        reporter.state_changed()
        assert (await server.next_request())["fills"] == 5


async def test_numbers_are_reported_once_an_interval_and_only_if_they_changed(tmp_path: Path) -> None:
    node = Node()
    async with api_server() as (server, url), reporting(url, node, tmp_path, interval=2 * GAP):
        await server.next_request()
        await asyncio.sleep(5 * GAP)
        assert len(server.requests) == 1
        node.fills = 1
        assert (await server.next_request())["fills"] == 1
        times = [at for at, _, _ in server.requests]
        for node.fills in range(2, 5):
            await server.next_request()
        times = [at for at, _, _ in server.requests][1:]
        assert min(after - before for before, after in pairwise(times)) >= GAP


async def test_a_node_to_which_nothing_happens_reports_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes_report, "QUIET_INTERVALS", wiring.QUIET_REPORT_INTERVALS)
    async with api_server() as (server, url), reporting(url, Node(), tmp_path, interval=2 * GAP):
        reports = [await server.next_request() for _ in range(3)]
        times = [at for at, _, _ in server.requests]
        quiet = (wiring.QUIET_REPORT_INTERVALS - 1) * 2 * GAP
        assert min(after - before for before, after in pairwise(times)) >= quiet
        written = [one.pop("updatedAt") for one in reports]
        assert written == sorted(set(written))
        assert reports[0] == reports[1] == reports[2]


async def test_that_venues_agree_again_and_again_is_no_reason_for_a_report(tmp_path: Path) -> None:
    node = Node()
    async with api_server() as (server, url), reporting(url, node, tmp_path, interval=2 * GAP):
        await server.next_request()
        node.agreement.last_agreement_ns = 10**9
        await asyncio.sleep(5 * GAP)
        assert len(server.requests) == 1
        node.agreement.agreed = False
        venues = (await server.next_request())["reconciliation"]["venues"]
        assert venues[0]["lastAgreementAt"] == "1970-01-01T00:00:01.000000000Z"
        assert not venues[0]["agreed"]


async def test_many_changes_of_state_share_reports(tmp_path: Path) -> None:
    node = Node()
    async with api_server() as (server, url), reporting(url, node, tmp_path) as (reporter, _):
        await server.next_request()
        began = time.monotonic()
        for fills in range(100):
            node.fills = fills
            reporter.state_changed()
            await asyncio.sleep(0.001)
        await asyncio.sleep(5 * GAP)
        assert len(server.requests) <= 3 + (time.monotonic() - began) / GAP


async def test_a_refusal_that_may_pass_is_tried_again_with_a_fresh_token(tmp_path: Path) -> None:
    async with api_server() as (server, url):
        server.answer = lambda count: web.json_response({"message": "no"}, status=401 if count < 3 else 200)
        async with reporting(url, Node(), tmp_path) as (_, outcomes):
            await server.next_request()
            (tmp_path / "token").write_text("secret-2")
            await server.next_request()
            await server.next_request()
            assert server.requests[-1][1].headers["Authorization"] == "Bearer secret-2"
            async with asyncio.timeout(10):
                while len(outcomes) < 3:  # noqa: ASYNC110  # the list is told by a plain call
                    await asyncio.sleep(0.001)
            assert outcomes == [Outcome.RETRY, Outcome.RETRY, Outcome.ACCEPTED]


async def test_a_deployment_that_is_gone_is_not_asked_for_again_and_again(tmp_path: Path) -> None:
    async with api_server() as (server, url):
        server.answer = lambda _: web.json_response({"message": "Precondition failed: UID"}, status=409)
        async with reporting(url, Node(), tmp_path) as (_, outcomes):
            await server.next_request()
            await asyncio.sleep(5 * GAP)
            assert outcomes == [Outcome.GONE]


async def test_the_last_report_is_sent_within_its_time(tmp_path: Path) -> None:
    node = Node()
    async with api_server() as (server, url):
        server.answer = lambda count: web.json_response({}, status=500 if count == 2 else 200)
        async with reporting(url, node, tmp_path) as (reporter, _):
            await server.next_request()
            node.state = NodeState.STOPPED
            assert await reporter.finish(5.0)
            assert server.requests[-1][2]["status"]["node"]["state"] == "Stopped"


async def test_an_api_server_that_is_down_or_silent_costs_the_report_only(tmp_path: Path) -> None:
    node = Node()
    async with reporting("http://127.0.0.1:1", node, tmp_path) as (reporter, outcomes):
        began = time.monotonic()
        assert not await reporter.finish(0.1)
        assert time.monotonic() - began < 2.0
        assert set(outcomes) == {Outcome.RETRY}


async def test_a_missing_token_is_an_answer_too(tmp_path: Path) -> None:
    server = ApiServer(url="http://127.0.0.1:1", token_path=tmp_path / "nowhere", ca_path=None)
    client = StatusClient(server, ENVIRONMENT)
    answer = await client.apply(Node().status())
    assert answer.outcome is Outcome.RETRY
    await client.close()


def test_answers() -> None:
    assert {interpret(code, "{}").outcome for code in (200, 201)} == {Outcome.ACCEPTED}
    assert {interpret(code, "{}").outcome for code in (404, 409)} == {Outcome.GONE}
    assert {interpret(code, "{}").outcome for code in (400, 401, 403, 422, 429, 500, 503)} == {Outcome.RETRY}
    assert interpret(429, "slow\ndown", "7").retry_after_seconds == 7.0
    assert interpret(429, "slow down", "soon").retry_after_seconds is None
    assert interpret(422, '{"message": "status.node.fills: invalid"}').detail == "HTTP 422: status.node.fills: invalid"


def test_the_clusters_own_api_server() -> None:
    server = ApiServer.in_cluster({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"})
    assert server.url == "https://[fd00::1]:6443"
    with pytest.raises(NodeError, match="this is no pod") as error:
        ApiServer.in_cluster({})
    assert error.value.exit_code is ExitCode.CONFIG_REFUSED
