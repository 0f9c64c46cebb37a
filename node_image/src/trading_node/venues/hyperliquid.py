"""Hyperliquid: perpetuals and spot, signed with the private key of a wallet."""

import os
import re
from typing import Any

from nautilus_trader.adapters.hyperliquid import (
    HyperliquidDataClientConfig,
    HyperliquidExecClientConfig,
    HyperliquidLiveDataClientFactory,
    HyperliquidLiveExecClientFactory,
    factories,
)
from nautilus_trader.adapters.hyperliquid.enums import HyperliquidProductType
from nautilus_trader.core.nautilus_pyo3 import HyperliquidEnvironment

from trading_api import adapter_options as api
from trading_api.adapters import Environment
from trading_api.venues import NodeVenue
from trading_node.credentials import Credentials
from trading_node.venues.adapter import Client, environment_of, forget_clients, instrument_provider, not_supported

ENVIRONMENTS = {Environment.LIVE: HyperliquidEnvironment.MAINNET, Environment.TESTNET: HyperliquidEnvironment.TESTNET}
PRODUCTS = {
    api.HyperliquidProductType.PERP: HyperliquidProductType.PERP,
    api.HyperliquidProductType.PERP_HIP3: HyperliquidProductType.PERP_HIP3,
    api.HyperliquidProductType.SPOT: HyperliquidProductType.SPOT,
    api.HyperliquidProductType.OUTCOME: HyperliquidProductType.OUTCOME,
}
CHOOSERS = {
    Environment.LIVE: {"HYPERLIQUID_VAULT": "vault_address", "HYPERLIQUID_ACCOUNT_ADDRESS": "account_address"},
    Environment.TESTNET: {
        "HYPERLIQUID_TESTNET_VAULT": "vault_address",
        "HYPERLIQUID_ACCOUNT_ADDRESS": "account_address",
    },
}
"""Variables by which Nautilus is told of an account where the run-config names none, and the fields they replace."""


def data_client(venue: NodeVenue, _: Credentials) -> Client:
    """Return the client for market data, which takes no keys."""
    forget_clients(factories)
    stream = venue.endpoints.data_stream if venue.endpoints else None
    return Client(
        config=HyperliquidDataClientConfig(**_common(venue), base_url_ws=stream),
        factory=HyperliquidLiveDataClientFactory,
    )


def execution_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for orders. Raises NodeError for a private key that is none, and for an account by accident."""
    options, key = _options(venue), keys["private-key"]
    for variable, field in CHOOSERS[environment_of(venue)].items():
        if os.environ.get(variable) and getattr(options, field) is None:
            raise not_supported(
                venue,
                f"would trade for the account in the environment variable {variable}",
                f"Unset it, or write hyperliquid.{field}",
            )
    if re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", key) is None:
        raise not_supported(
            venue, "has a private-key that is none", "Write the 64 hexadecimal digits of the wallet's private key"
        )
    return Client(
        config=HyperliquidExecClientConfig(
            **_common(venue),
            private_key=key,
            account_address=options.account_address,
            vault_address=options.vault_address,
            base_url_ws=venue.endpoints.trade_stream if venue.endpoints else None,
            max_retries=0,
            include_builder_attribution=False,  # orders carry nobody's mark
        ),
        factory=HyperliquidLiveExecClientFactory,
    )


def _options(venue: NodeVenue) -> api.HyperliquidOptions:
    if venue.hyperliquid is None:
        raise not_supported(venue, "has no options", "Write hyperliquid with product_types")
    return venue.hyperliquid


def _common(venue: NodeVenue) -> dict[str, Any]:
    return {
        "product_types": tuple(PRODUCTS[product] for product in dict.fromkeys(_options(venue).product_types)),
        "environment": ENVIRONMENTS[environment_of(venue)],
        "instrument_provider": instrument_provider(venue),
    }
