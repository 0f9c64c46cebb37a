"""Interactive Brokers, through IB Gateway or Trader Workstation, which hold the login.

What Nautilus' adapter stands on (ibapi) is an extra of Nautilus that the node image does not install: see
docs/guides/venues.md.
"""

import importlib
from typing import Any

from nautilus_trader.config import RoutingConfig

from trading_api import adapter_options as api
from trading_api.adapters import Environment
from trading_api.venues import NodeVenue
from trading_node.credentials import Credentials
from trading_node.venues.adapter import Client, environment_of, instruments_to_load, not_supported

PORTS = {Environment.LIVE: 4001, Environment.DEMO: 4002}
"""What IB Gateway listens on by itself."""
DATA_TYPES = {
    api.MarketDataType.REAL_TIME: "REALTIME",
    api.MarketDataType.FROZEN: "FROZEN",
    api.MarketDataType.DELAYED: "DELAYED",
    api.MarketDataType.DELAYED_FROZEN: "DELAYED_FROZEN",
}
"""Names in the broker's own enumeration."""
_ADAPTER = "nautilus_trader.adapters.interactive_brokers"


def data_client(venue: NodeVenue, _: Credentials) -> Client:
    """Return the client for market data."""
    config, factories, ibapi = _modules(venue)
    return Client(
        config=config.InteractiveBrokersDataClientConfig(
            **gateway(venue),
            instrument_provider=config.InteractiveBrokersInstrumentProviderConfig(**instruments_to_load(venue)),
            market_data_type=getattr(ibapi.MarketDataTypeEnum, DATA_TYPES[_options(venue).market_data_type]),
            use_regular_trading_hours=_options(venue).regular_trading_hours,
            routing=everything(),
        ),
        factory=factories.InteractiveBrokersLiveDataClientFactory,
    )


def execution_client(venue: NodeVenue, _: Credentials) -> Client:
    """Return the client for orders."""
    account = _options(venue).account_id
    if account is None:
        raise not_supported(venue, "names no account", "Write account_id, such as U1234567")
    config, factories, _ibapi = _modules(venue)
    return Client(
        config=config.InteractiveBrokersExecClientConfig(
            **gateway(venue),
            instrument_provider=config.InteractiveBrokersInstrumentProviderConfig(**instruments_to_load(venue)),
            account_id=account,
            routing=everything(),
        ),
        factory=factories.InteractiveBrokersLiveExecClientFactory,
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


def _modules(venue: NodeVenue) -> tuple[Any, Any, Any]:
    try:
        return (
            importlib.import_module(f"{_ADAPTER}.config"),
            importlib.import_module(f"{_ADAPTER}.factories"),
            importlib.import_module("ibapi.common"),
        )
    except ImportError as error:
        raise not_supported(
            venue,
            f"needs what is not installed: {error.name}",
            'Run an image that has it: FROM this image, and pip install "nautilus_trader[ib]==1.231.0"',
        ) from None
