"""Venues of run-configs, one for each adapter, right in mode Live."""

from pathlib import Path
from typing import Any

from trading_api.adapters import CREDENTIAL_KEYS, Adapter
from trading_api.venues import NodeVenue
from trading_node.credentials import variable_name
from trading_node.venues.adapter import Client
from trading_node.venues.registry import real_client

ED25519 = "MC4CAQAwBQYDK2VwBCIEIJLoC9y1aIxbKxKmLUH0KFi3nyYcXSNR8fMTz8xdkH2F"
"""A key that was made for these tests: base64 of PKCS#8."""

OPTIONS: dict[Adapter, dict[str, Any]] = {
    Adapter.BINANCE: {"binance": {"account_type": "UsdtFutures"}},
    Adapter.BYBIT: {"bybit": {"product_types": ["Linear"]}},
    Adapter.OKX: {"okx": {"instrument_types": ["Swap"]}},
    Adapter.DERIBIT: {"deribit": {"product_types": ["Future"]}},
    Adapter.KRAKEN: {"kraken": {"product_type": "Futures"}},
    Adapter.HYPERLIQUID: {"hyperliquid": {"product_types": ["Perp"]}},
    Adapter.INTERACTIVE_BROKERS: {
        "interactive_brokers": {"host": "gateway", "account_id": "U1234567"},
        "instruments": ["SPY.ARCA"],
    },
}
KEYS = {"private-key": "0x" + "7" * 64, "api-secret": ED25519}
VARIABLES = {
    variable_name("DESK", name): KEYS.get(name, f"the {name} of a test")
    for keys in CREDENTIAL_KEYS.values()
    for name in keys
}


def venue(adapter: Adapter, **fields: Any) -> NodeVenue:
    """Return a venue with fields in the place of its own."""
    document: dict[str, Any] = {
        "name": adapter.value.upper() if adapter is not Adapter.INTERACTIVE_BROKERS else "INTERACTIVE_BROKERS",
        "adapter": adapter,
        "environment": "Live",
        "account": "desk-a",
        **OPTIONS[adapter],
        **fields,
    }
    if CREDENTIAL_KEYS[adapter]:
        document.setdefault("credentials", {"env_prefix": "DESK"})
    return NodeVenue.model_validate(document)


def client(venue: NodeVenue, kind: str, **variables: str) -> Client:
    """Return a client; kind is data or execution."""
    return real_client(venue, Path("/nowhere"), VARIABLES | variables, f"{kind}_client")
