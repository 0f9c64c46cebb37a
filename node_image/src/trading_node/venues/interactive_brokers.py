"""Interactive Brokers, through IB Gateway or Trader Workstation, which hold the login."""

from typing import Any

from ibapi.common import MarketDataTypeEnum
from nautilus_trader.adapters.interactive_brokers.config import (
    InteractiveBrokersDataClientConfig,
    InteractiveBrokersExecClientConfig,
    InteractiveBrokersInstrumentProviderConfig,
)
from nautilus_trader.adapters.interactive_brokers.factories import (
    InteractiveBrokersLiveDataClientFactory,
    InteractiveBrokersLiveExecClientFactory,
)
from nautilus_trader.config import RoutingConfig

from trading_api import adapter_options as api
from trading_api.adapters import Environment
from trading_api.venues import NodeVenue
from trading_node.credentials import Credentials
from trading_node.venues.adapter import Client, environment_of, instruments_to_load, not_supported

PORTS = {Environment.LIVE: 4001, Environment.DEMO: 4002}
"""What IB Gateway listens on by itself."""
PAPER_TRADING = "D"
"""How the numbers of its paper trading's accounts begin, and those of no other."""
DATA_TYPES = {
    api.MarketDataType.REAL_TIME: MarketDataTypeEnum.REALTIME,
    api.MarketDataType.FROZEN: MarketDataTypeEnum.FROZEN,
    api.MarketDataType.DELAYED: MarketDataTypeEnum.DELAYED,
    api.MarketDataType.DELAYED_FROZEN: MarketDataTypeEnum.DELAYED_FROZEN,
}


def data_client(venue: NodeVenue, _: Credentials) -> Client:
    """Return the client for market data."""
    return Client(
        config=InteractiveBrokersDataClientConfig(
            **gateway(venue),
            instrument_provider=InteractiveBrokersInstrumentProviderConfig(**instruments_to_load(venue)),
            market_data_type=DATA_TYPES[_options(venue).market_data_type],
            use_regular_trading_hours=_options(venue).regular_trading_hours,
            routing=everything(),
        ),
        factory=InteractiveBrokersLiveDataClientFactory,
    )


def execution_client(venue: NodeVenue, _: Credentials) -> Client:
    """Return the client for orders. Raises NodeError without an account, or for one of the other system."""
    account, system = _options(venue).account_id, environment_of(venue)
    if account is None:
        raise not_supported(venue, "names no account", "Write account_id, such as U1234567")
    meant = Environment.DEMO if account.startswith(PAPER_TRADING) else Environment.LIVE
    if meant is not system:
        raise not_supported(
            venue,
            f"names environment {system.value} and the account {account}, which is one of {meant.value}",
            f"Write environment: {meant.value}, or another account_id: those of Demo, which is paper trading, begin "
            f"with {PAPER_TRADING}",
        )
    return Client(
        config=InteractiveBrokersExecClientConfig(
            **gateway(venue),
            instrument_provider=InteractiveBrokersInstrumentProviderConfig(**instruments_to_load(venue)),
            account_id=account,
            routing=everything(),
        ),
        factory=InteractiveBrokersLiveExecClientFactory,
    )


def gateway(venue: NodeVenue) -> dict[str, Any]:
    """Return where the gateway is."""
    options = _options(venue)
    return {
        "ibg_host": options.host,
        "ibg_port": options.port or PORTS[environment_of(venue)],
        "ibg_client_id": options.client_id,
    }


def everything() -> RoutingConfig:
    """Return that this client takes what no other venue does: ids of instruments end with their exchange."""
    return RoutingConfig(default=True)


def _options(venue: NodeVenue) -> api.InteractiveBrokersOptions:
    if venue.interactive_brokers is None:
        raise not_supported(venue, "has no options", "Write interactive_brokers with host")
    return venue.interactive_brokers
