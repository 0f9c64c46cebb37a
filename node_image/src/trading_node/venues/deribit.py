"""Deribit: futures, options, spot and combos of one account."""

from typing import Any

from nautilus_trader.adapters.deribit import (
    DeribitDataClientConfig,
    DeribitExecClientConfig,
    DeribitLiveDataClientFactory,
    DeribitLiveExecClientFactory,
    factories,
)
from nautilus_trader.core.nautilus_pyo3 import DeribitEnvironment, DeribitProductType

from trading_api import adapter_options as api
from trading_api.adapters import Environment
from trading_api.venues import NodeVenue
from trading_node.credentials import Credentials
from trading_node.venues.adapter import Client, environment_of, forget_clients, instrument_provider, not_supported

ENVIRONMENTS = {Environment.LIVE: DeribitEnvironment.MAINNET, Environment.TESTNET: DeribitEnvironment.TESTNET}
PRODUCTS = {
    api.DeribitProductType.FUTURE: DeribitProductType.FUTURE,
    api.DeribitProductType.OPTION: DeribitProductType.OPTION,
    api.DeribitProductType.SPOT: DeribitProductType.SPOT,
    api.DeribitProductType.FUTURE_COMBO: DeribitProductType.FUTURE_COMBO,
    api.DeribitProductType.OPTION_COMBO: DeribitProductType.OPTION_COMBO,
}


def data_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for market data; it needs no keys."""
    forget_clients(factories)
    return Client(
        config=DeribitDataClientConfig(
            **_common(venue, keys), base_url_ws=venue.endpoints.data_stream if venue.endpoints else None
        ),
        factory=DeribitLiveDataClientFactory,
    )


def execution_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for orders; the address of its stream cannot be changed in Nautilus 1.231."""
    return Client(
        config=DeribitExecClientConfig(
            **_common(venue, keys),
            max_retries=0,  # by itself it tries three times, past the gate
        ),
        factory=DeribitLiveExecClientFactory,
    )


def _common(venue: NodeVenue, keys: Credentials) -> dict[str, Any]:
    if venue.deribit is None:
        raise not_supported(venue, "has no options", "Write deribit with product_types")
    return {
        "api_key": keys.get("api-key"),
        "api_secret": keys.get("api-secret"),
        "product_types": tuple(PRODUCTS[product] for product in dict.fromkeys(venue.deribit.product_types)),
        "environment": ENVIRONMENTS[environment_of(venue)],
        "base_url_http": venue.endpoints.http if venue.endpoints else None,
        "instrument_provider": instrument_provider(venue),
    }
