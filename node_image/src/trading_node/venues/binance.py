"""Binance: spot, futures margined in USDT, futures margined in coins."""

import base64
import binascii
import re
from typing import Any

from nautilus_trader.adapters.binance import (
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
    factories,
)
from nautilus_trader.adapters.binance.common.enums import BinanceEnvironment
from nautilus_trader.adapters.binance.common.symbol import BinanceSymbol
from nautilus_trader.model.identifiers import Venue

from trading_api import adapter_options as api
from trading_api.adapters import Environment
from trading_api.venues import NodeVenue
from trading_node.credentials import Credentials
from trading_node.venues.adapter import (
    Client,
    environment_of,
    forget_clients,
    instrument_provider,
    not_supported,
)

ACCOUNT_TYPES = {
    api.BinanceAccountType.SPOT: BinanceAccountType.SPOT,
    api.BinanceAccountType.USDT_FUTURES: BinanceAccountType.USDT_FUTURES,
    api.BinanceAccountType.COIN_FUTURES: BinanceAccountType.COIN_FUTURES,
}
ENVIRONMENTS = {
    Environment.LIVE: BinanceEnvironment.LIVE,
    Environment.TESTNET: BinanceEnvironment.TESTNET,
    Environment.DEMO: BinanceEnvironment.DEMO,
}
RECEIVE_WINDOW_MS = 5000
ED25519_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
"""How the DER form of an unencrypted Ed25519 key begins; the 32 bytes of the key follow."""
MAKE_KEY = (
    "Register an Ed25519 key at Binance (openssl genpkey -algorithm ed25519), and write its private key, "
    "PEM or base64, as api-secret"
)


def data_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for market data; it needs no keys."""
    options = _options(venue)
    forget_clients(factories)
    return Client(
        config=BinanceDataClientConfig(
            **_common(venue, options, keys),
            base_url_ws=venue.endpoints.data_stream if venue.endpoints else None,
            use_agg_trade_ticks=options.aggregate_trades,
        ),
        factory=BinanceLiveDataClientFactory,
    )


def execution_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for orders. Raises NodeError for a key that Binance or Nautilus would not trade with."""
    options, endpoints = _options(venue), venue.endpoints
    _check_secret(venue, options, keys["api-secret"])
    if endpoints and endpoints.user_stream and options.account_type is api.BinanceAccountType.SPOT:
        raise not_supported(
            venue, "has a user_stream, but on Spot the events of orders come on trade_stream", "Remove user_stream"
        )
    leverages = {BinanceSymbol(entry.symbol): entry.leverage for entry in options.leverages or ()}
    return Client(
        config=BinanceExecClientConfig(
            **_common(venue, options, keys),
            base_url_ws=endpoints.trade_stream if endpoints else None,
            base_url_ws_stream=endpoints.user_stream if endpoints else None,
            recv_window_ms=options.receive_window_milliseconds or RECEIVE_WINDOW_MS,
            # An order that is sent again by a client is past the gate, and maybe sent twice.
            max_retries=None,
            futures_leverages=leverages or None,
        ),
        factory=BinanceLiveExecClientFactory,
    )


def _options(venue: NodeVenue) -> api.BinanceOptions:
    if venue.binance is None:
        raise not_supported(venue, "has no options", "Write binance with account_type")
    return venue.binance


def _common(venue: NodeVenue, options: api.BinanceOptions, keys: Credentials) -> dict[str, Any]:
    return {
        "venue": Venue(venue.name),
        "api_key": keys.get("api-key"),
        "api_secret": keys.get("api-secret"),
        "account_type": ACCOUNT_TYPES[options.account_type],
        "environment": ENVIRONMENTS[environment_of(venue)],
        "base_url_http": venue.endpoints.http if venue.endpoints else None,
        "instrument_provider": instrument_provider(venue),
    }


def _check_secret(venue: NodeVenue, options: api.BinanceOptions, secret: str) -> None:
    """Refuse what would connect and never trade, or not even connect."""
    if is_ed25519(secret):
        return
    if "-----BEGIN" in secret:
        raise not_supported(venue, "has a key that is encrypted, or neither Ed25519 nor HMAC", MAKE_KEY)
    if options.account_type is api.BinanceAccountType.SPOT:
        raise not_supported(venue, "has an HMAC key, and Binance Spot trades with Ed25519 keys only", MAKE_KEY)


def is_ed25519(secret: str) -> bool:
    """Tell whether a secret is an unencrypted Ed25519 key, PEM or base64 of its DER form."""
    text = re.sub(r"-----(BEGIN|END) PRIVATE KEY-----|\s", "", secret)
    try:
        der = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return der.startswith(ED25519_PKCS8) and len(der) == len(ED25519_PKCS8) + 32
