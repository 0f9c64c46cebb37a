"""What the operator tells of itself."""

import json
import logging
import sys

import aiohttp

from trading_operator.kube.api_server import NO_ANSWER, Call
from trading_operator.logs import JsonFormatter
from trading_operator.objects import DeploymentKey
from trading_operator.telemetry import Metrics, TelemetryServer


async def test_health_and_metrics_are_served() -> None:
    metrics = Metrics()
    server = TelemetryServer(metrics, 0, host="127.0.0.1")
    server.on_scrape = lambda: metrics.leader.set(1)
    port = await server.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

            async def ask(path: str) -> tuple[int, str]:
                async with session.get(path) as answer:
                    return answer.status, await answer.text()

            assert await ask("/healthz") == (200, "ok\n")
            assert await ask("/readyz") == (200, "ok\n")
            server.live, server.ready = (lambda: "the work queue has ended"), (lambda: "starting")
            assert await ask("/healthz") == (503, "the work queue has ended\n")
            assert await ask("/readyz") == (503, "starting\n")
            status, text = await ask("/metrics")
            assert status == 200
            assert "trading_operator_leader 1.0" in text
    finally:
        await server.stop()


def test_only_writes_count_as_writes() -> None:
    metrics = Metrics()
    metrics.called(Call("get", "pods", 200, 0.01))
    metrics.called(Call("apply", "tradingdeployments/status", 200, 0.01))
    text = metrics.render().decode()
    assert (
        'trading_operator_api_writes_total{resource="tradingdeployments/status",status="200",verb="apply"} 1.0' in text
    )
    assert 'api_writes_total{resource="pods"' not in text
    metrics.called(Call("update", "statefulsets", NO_ANSWER, 30.0))
    unanswered = 'api_writes_total{resource="statefulsets",status="none",verb="update"} 1.0'
    assert unanswered in metrics.render().decode()


def test_each_deployment_counts_in_one_phase() -> None:
    metrics = Metrics()
    one, other = DeploymentKey("desk", "a"), DeploymentKey("desk", "b")
    for key, phase in [(one, "Pending"), (other, "Pending"), (one, "Trading"), (one, "Trading"), (other, "")]:
        metrics.phase(key, phase)
    text = metrics.render().decode()
    assert 'trading_operator_deployments{phase="Trading"} 1.0' in text
    assert 'trading_operator_deployments{phase="Pending"} 0.0' in text


def test_logs_are_json_with_what_belongs_to_them() -> None:
    try:
        raise ValueError("boom")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "hello %s", ("you",), sys.exc_info())
    record.deployment = "desk/a"
    found = json.loads(JsonFormatter().format(record))
    assert (found["level"], found["message"], found["deployment"]) == ("ERROR", "hello you", "desk/a")
    assert "ValueError: boom" in found["exception"]
    assert found["time"].endswith("+00:00")
