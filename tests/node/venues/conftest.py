"""Venues' adapters, in this process and in a node's."""

import asyncio

import pytest
from nautilus_trader.adapters.interactive_brokers import factories
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.model.identifiers import TraderId


def pytest_configure(config: pytest.Config) -> None:
    """Let pandas be imported, whose use of NumPy is not ours to correct."""
    config.addinivalue_line("filterwarnings", "ignore:The 'generic' unit for NumPy timedelta:DeprecationWarning")


@pytest.fixture
async def gateway_client(monkeypatch: pytest.MonkeyPatch) -> factories.InteractiveBrokersClient:
    """Return the connection that the factories share; they start one only if there is none yet."""
    clock = LiveClock()
    made = factories.InteractiveBrokersClient(
        loop=asyncio.get_running_loop(),
        msgbus=MessageBus(TraderId("DESK-A-001"), clock),
        cache=Cache(),
        clock=clock,
        host="gateway",
        port=4001,
        client_id=7,
    )
    monkeypatch.setattr(factories, "IB_CLIENTS", {("gateway", 4001, 7): made})
    monkeypatch.setattr(factories, "IB_INSTRUMENT_PROVIDERS", {})
    return made
