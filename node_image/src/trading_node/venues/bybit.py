"""Bybit: the unified account, spot or derivatives."""

from typing import Any

from nautilus_trader.adapters.bybit import (
    BybitDataClientConfig,
    BybitExecClientConfig,
    BybitLiveDataClientFactory,
    BybitLiveExecClientFactory,
    factories,
)
from nautilus_trader.core.nautilus_pyo3 import BybitEnvironment, BybitMarginMode, BybitProductType

from trading_api import adapter_options as api
from trading_api.adapters import Environment
from trading_api.venues import NodeVenue
from trading_node.credentials import Credentials
from trading_node.venues.adapter import Client, environment_of, forget_clients, instrument_provider, not_supported

ENVIRONMENTS = {
    Environment.LIVE: BybitEnvironment.MAINNET,
    Environment.TESTNET: BybitEnvironment.TESTNET,
    Environment.DEMO: BybitEnvironment.DEMO,
}
PRODUCTS = {
    api.BybitProductType.SPOT: BybitProductType.SPOT,
    api.BybitProductType.LINEAR: BybitProductType.LINEAR,
    api.BybitProductType.INVERSE: BybitProductType.INVERSE,
    api.BybitProductType.OPTION: BybitProductType.OPTION,
}
MARGIN_MODES = {
    api.BybitMarginMode.ISOLATED: BybitMarginMode.ISOLATED_MARGIN,
    api.BybitMarginMode.CROSS: BybitMarginMode.REGULAR_MARGIN,
    api.BybitMarginMode.PORTFOLIO: BybitMarginMode.PORTFOLIO_MARGIN,
}
RECEIVE_WINDOW_MS = 5000


def data_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for market data.

    It takes no other address: Nautilus 1.231 would use that of requests for its streams too.
    """
    forget_clients(factories)
    return Client(config=BybitDataClientConfig(**_common(venue, keys)), factory=BybitLiveDataClientFactory)


def execution_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for orders."""
    options, endpoints = _options(venue), venue.endpoints
    return Client(
        config=BybitExecClientConfig(
            **_common(venue, keys),
            base_url_http=endpoints.http if endpoints else None,
            base_url_ws_private=endpoints.user_stream if endpoints else None,
            base_url_ws_trade=endpoints.trade_stream if endpoints else None,
            recv_window_ms=options.receive_window_milliseconds or RECEIVE_WINDOW_MS,
            max_retries=0,  # None is three
            margin_mode=None if options.margin_mode is None else MARGIN_MODES[options.margin_mode],
            futures_leverages={nautilus_symbol(e.symbol): e.leverage for e in options.leverages or ()} or None,
            auto_repay_spot_borrows=False,  # nothing moves money past the gate
        ),
        factory=BybitLiveExecClientFactory,
    )


def nautilus_symbol(symbol: str) -> str:
    """Return Bybit's own symbol of a derivative as Nautilus writes it, such as BTCUSDT-LINEAR."""
    if "-" in symbol:
        return symbol
    return f"{symbol}-INVERSE" if symbol.endswith("USD") else f"{symbol}-LINEAR"


def _options(venue: NodeVenue) -> api.BybitOptions:
    if venue.bybit is None:
        raise not_supported(venue, "has no options", "Write bybit with product_types")
    return venue.bybit


def _common(venue: NodeVenue, keys: Credentials) -> dict[str, Any]:
    return {
        "api_key": keys.get("api-key"),
        "api_secret": keys.get("api-secret"),
        "product_types": tuple(PRODUCTS[product] for product in dict.fromkeys(_options(venue).product_types)),
        "environment": ENVIRONMENTS[environment_of(venue)],
        "instrument_provider": instrument_provider(venue),
    }
