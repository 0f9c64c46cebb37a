"""How an operator begins: of no use before its resource is there."""

import pytest

from trading_operator import program
from trading_operator.kube import errors
from trading_operator.objects import Kind
from trading_operator.program import resource_served
from trading_operator.telemetry import Metrics, TelemetryServer


async def test_it_is_not_ready_before_the_definition_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "RETRY_SECONDS", 0)
    telemetry = TelemetryServer(Metrics(), 0)
    said: list[str] = []

    class Server:
        async def serves(self, kind: Kind) -> bool:
            assert kind.name == "TradingDeployment"
            said.append(telemetry.ready())
            if len(said) == 2:
                raise errors.UnavailableError("no answer")
            return len(said) > 2

    await resource_served(Server(), telemetry)
    first, second, third = said
    assert "not been asked" in first
    assert "install the chart trading-operator-crds" in second
    assert third == "the API server does not answer: no answer"
    assert telemetry.ready() == ""
