"""OKX: spot, margin, swaps, futures and options of one account."""

from typing import Any

from nautilus_trader.adapters.okx import (
    OKXDataClientConfig,
    OKXExecClientConfig,
    OKXLiveDataClientFactory,
    OKXLiveExecClientFactory,
    factories,
)
from nautilus_trader.core.nautilus_pyo3 import (
    OKXContractType,
    OKXEnvironment,
    OKXInstrumentType,
    OKXMarginMode,
    OKXRegion,
)

from trading_api import adapter_options as api
from trading_api.adapters import Environment
from trading_api.venues import NodeVenue
from trading_node.credentials import Credentials
from trading_node.venues.adapter import Client, environment_of, forget_clients, instrument_provider, not_supported

ENVIRONMENTS = {Environment.LIVE: OKXEnvironment.LIVE, Environment.DEMO: OKXEnvironment.DEMO}
INSTRUMENTS = {
    api.OkxInstrumentType.SPOT: OKXInstrumentType.SPOT,
    api.OkxInstrumentType.MARGIN: OKXInstrumentType.MARGIN,
    api.OkxInstrumentType.SWAP: OKXInstrumentType.SWAP,
    api.OkxInstrumentType.FUTURES: OKXInstrumentType.FUTURES,
    api.OkxInstrumentType.OPTION: OKXInstrumentType.OPTION,
}
CONTRACTS = {
    api.OkxContractType.LINEAR: OKXContractType.LINEAR,
    api.OkxContractType.INVERSE: OKXContractType.INVERSE,
}
REGIONS = {
    api.OkxRegion.GLOBAL: OKXRegion.GLOBAL,
    api.OkxRegion.EEA: OKXRegion.EEA,
    api.OkxRegion.US: OKXRegion.US,
}
MARGIN_MODES = {
    api.OkxMarginMode.ISOLATED: OKXMarginMode.ISOLATED,
    api.OkxMarginMode.CROSS: OKXMarginMode.CROSS,
}


def data_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for market data. Raises NodeError without keys: Nautilus logs in for bars."""
    if keys.get("api-key") is None:
        raise not_supported(
            venue,
            "has no credentials, and this adapter logs in for market data too",
            "Add credentials; in mode Paper keys that may only read are enough",
        )
    forget_clients(factories)
    return Client(
        config=OKXDataClientConfig(
            **_common(venue, keys), base_url_ws=venue.endpoints.data_stream if venue.endpoints else None
        ),
        factory=OKXLiveDataClientFactory,
    )


def execution_client(venue: NodeVenue, keys: Credentials) -> Client:
    """Return the client for orders."""
    options = _options(venue)
    return Client(
        config=OKXExecClientConfig(
            **_common(venue, keys),
            base_url_ws=venue.endpoints.trade_stream if venue.endpoints else None,
            max_retries=0,  # by itself it tries three times, past the gate
            margin_mode=None if options.margin_mode is None else MARGIN_MODES[options.margin_mode],
            use_spot_margin=bool(options.spot_margin),
        ),
        factory=OKXLiveExecClientFactory,
    )


def _options(venue: NodeVenue) -> api.OkxOptions:
    if venue.okx is None:
        raise not_supported(venue, "has no options", "Write okx with instrument_types")
    return venue.okx


def _common(venue: NodeVenue, keys: Credentials) -> dict[str, Any]:
    options = _options(venue)
    families, contracts = options.instrument_families, options.contract_types
    return {
        "api_key": keys.get("api-key"),
        "api_secret": keys.get("api-secret"),
        "api_passphrase": keys.get("passphrase"),
        "instrument_types": tuple(INSTRUMENTS[kind] for kind in dict.fromkeys(options.instrument_types)),
        "instrument_families": tuple(families) if families else None,
        "contract_types": tuple(CONTRACTS[kind] for kind in contracts) if contracts else None,
        "environment": ENVIRONMENTS[environment_of(venue)],
        "region": REGIONS[options.region],
        "base_url_http": venue.endpoints.http if venue.endpoints else None,
        "instrument_provider": instrument_provider(venue),
    }
