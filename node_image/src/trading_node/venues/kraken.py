"""Kraken: its spot exchange or its futures exchange, each with keys of its own."""

from typing import Any

from nautilus_trader.adapters.kraken import (
    KrakenDataClientConfig,
    KrakenExecClientConfig,
    KrakenLiveDataClientFactory,
    KrakenLiveExecClientFactory,
    factories,
)
from nautilus_trader.core.nautilus_pyo3 import KrakenEnvironment, KrakenProductType
from nautilus_trader.model.enums import AccountType

from trading_api import adapter_options as api
from trading_api.adapters import Environment
from trading_api.venues import NodeVenue
from trading_node.credentials import Credentials
from trading_node.venues.adapter import Client, environment_of, forget_clients, instrument_provider, not_supported

ENVIRONMENTS = {Environment.LIVE: KrakenEnvironment.LIVE, Environment.DEMO: KrakenEnvironment.DEMO}
PRODUCTS = {
    api.KrakenProductType.SPOT: KrakenProductType.SPOT,
    api.KrakenProductType.FUTURES: KrakenProductType.FUTURES,
}
SUFFIXES = {api.KrakenProductType.SPOT: "spot", api.KrakenProductType.FUTURES: "futures"}
"""How the fields of addresses end."""
ACCOUNT_TYPES = {
    None: AccountType.CASH,
    api.KrakenAccountType.CASH: AccountType.CASH,
    api.KrakenAccountType.MARGIN: AccountType.MARGIN,
}


def data_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for market data; it needs no keys."""
    forget_clients(factories)
    stream = venue.endpoints.data_stream if venue.endpoints else None
    return Client(
        config=KrakenDataClientConfig(**_common(venue, keys), **_address(venue, "ws", stream)),
        factory=KrakenLiveDataClientFactory,
    )


def execution_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for orders."""
    options = _options(venue)
    stream = venue.endpoints.user_stream if venue.endpoints else None
    return Client(
        config=KrakenExecClientConfig(
            **_common(venue, keys),
            **_address(venue, "ws", stream),
            max_retries=0,  # None is three
            spot_account_type=ACCOUNT_TYPES[options.spot_account_type],
            default_leverage=options.default_leverage,
        ),
        factory=KrakenLiveExecClientFactory,
    )


def _options(venue: NodeVenue) -> api.KrakenOptions:
    if venue.kraken is None:
        raise not_supported(venue, "has no options", "Write kraken with product_type")
    return venue.kraken


def _common(venue: NodeVenue, keys: Credentials) -> dict[str, Any]:
    return {
        "api_key": keys.get("api-key"),
        "api_secret": keys.get("api-secret"),
        "product_types": (PRODUCTS[_options(venue).product_type],),
        "environment": ENVIRONMENTS[environment_of(venue)],
        "instrument_provider": instrument_provider(venue),
        **_address(venue, "http", venue.endpoints.http if venue.endpoints else None),
    }


def _address(venue: NodeVenue, kind: str, url: str | None) -> dict[str, Any]:
    return {} if url is None else {f"base_url_{kind}_{SUFFIXES[_options(venue).product_type]}": url}
