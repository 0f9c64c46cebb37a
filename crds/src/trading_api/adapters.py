"""What each venue adapter can do: its environments, endpoints, keys and which of its options orders need."""

from collections.abc import Mapping
from enum import StrEnum


class Adapter(StrEnum):
    """Which NautilusTrader adapter connects to a venue."""

    BINANCE = "Binance"
    BYBIT = "Bybit"
    OKX = "OKX"
    DERIBIT = "Deribit"
    KRAKEN = "Kraken"
    HYPERLIQUID = "Hyperliquid"
    INTERACTIVE_BROKERS = "InteractiveBrokers"
    REPLAY = "Replay"


class Environment(StrEnum):
    """Which of a venue's systems is meant."""

    LIVE = "Live"
    TESTNET = "Testnet"
    DEMO = "Demo"


OPTIONS: Mapping[Adapter, str] = {
    Adapter.BINANCE: "binance",
    Adapter.BYBIT: "bybit",
    Adapter.OKX: "okx",
    Adapter.DERIBIT: "deribit",
    Adapter.KRAKEN: "kraken",
    Adapter.HYPERLIQUID: "hyperliquid",
    Adapter.INTERACTIVE_BROKERS: "interactive_brokers",
    Adapter.REPLAY: "replay",
}
"""Field of a venue that holds the adapter's options."""

ENVIRONMENTS: Mapping[Adapter, tuple[Environment, ...]] = {
    Adapter.BINANCE: (Environment.LIVE, Environment.TESTNET, Environment.DEMO),
    Adapter.BYBIT: (Environment.LIVE, Environment.TESTNET, Environment.DEMO),
    Adapter.OKX: (Environment.LIVE, Environment.DEMO),
    Adapter.DERIBIT: (Environment.LIVE, Environment.TESTNET),
    Adapter.KRAKEN: (Environment.LIVE, Environment.DEMO),
    Adapter.HYPERLIQUID: (Environment.LIVE, Environment.TESTNET),
    Adapter.INTERACTIVE_BROKERS: (Environment.LIVE, Environment.DEMO),
}
"""The systems that a venue has; a replay has none. Kraken's Demo is for Futures alone."""

FIXED_VENUES: Mapping[Adapter, str] = {
    Adapter.BYBIT: "BYBIT",
    Adapter.OKX: "OKX",
    Adapter.DERIBIT: "DERIBIT",
    Adapter.KRAKEN: "KRAKEN",
    Adapter.HYPERLIQUID: "HYPERLIQUID",
    Adapter.INTERACTIVE_BROKERS: "INTERACTIVE_BROKERS",
}
"""The venue's name where the adapter cannot take another; Binance and Replay can."""

CREDENTIAL_KEYS: Mapping[Adapter, tuple[str, ...]] = {
    Adapter.BINANCE: ("api-key", "api-secret"),
    Adapter.BYBIT: ("api-key", "api-secret"),
    Adapter.OKX: ("api-key", "api-secret", "passphrase"),
    Adapter.DERIBIT: ("api-key", "api-secret"),
    Adapter.KRAKEN: ("api-key", "api-secret"),
    Adapter.HYPERLIQUID: ("private-key",),
    Adapter.INTERACTIVE_BROKERS: (),
    Adapter.REPLAY: (),
}
"""What a venue's credentials consist of: keys of the Secret, files in the directory, or names of variables."""

ENDPOINTS: Mapping[Adapter, tuple[str, ...]] = {
    Adapter.BINANCE: ("http", "data_stream", "trade_stream", "user_stream"),
    Adapter.BYBIT: ("http", "trade_stream", "user_stream"),
    Adapter.OKX: ("http", "data_stream", "trade_stream"),
    Adapter.DERIBIT: ("http", "data_stream"),
    Adapter.KRAKEN: ("http", "data_stream", "user_stream"),
    Adapter.HYPERLIQUID: ("data_stream", "trade_stream"),
    Adapter.INTERACTIVE_BROKERS: (),
    Adapter.REPLAY: (),
}
"""The endpoints that an adapter lets itself be pointed at."""

FOR_ORDERS: Mapping[Adapter, tuple[str, ...]] = {
    Adapter.BINANCE: (
        "binance.receive_window_milliseconds",
        "binance.leverages",
        "endpoints.trade_stream",
        "endpoints.user_stream",
    ),
    Adapter.BYBIT: (
        "bybit.margin_mode",
        "bybit.receive_window_milliseconds",
        "bybit.leverages",
        "endpoints.http",
        "endpoints.trade_stream",
        "endpoints.user_stream",
    ),
    Adapter.OKX: ("okx.margin_mode", "okx.spot_margin", "endpoints.trade_stream"),
    Adapter.DERIBIT: (),
    Adapter.KRAKEN: ("kraken.spot_account_type", "kraken.default_leverage", "endpoints.user_stream"),
    Adapter.HYPERLIQUID: ("hyperliquid.account_address", "hyperliquid.vault_address", "endpoints.trade_stream"),
    Adapter.INTERACTIVE_BROKERS: ("interactive_brokers.account_id",),
    Adapter.REPLAY: (),
}
"""Options that only orders need: a Paper deployment sends none to the venue, so they would be ignored there."""
