"""What differs between rooms of the venue: instruments, the node's configuration, what can fail there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.venue import addresses

ACCOUNT = "desk-a"
CREDENTIALS = "LEDGER"
"""Prefix of the environment variables that hold the account's keys."""
RECEIVE_MS = 1_500
"""For how long a request may be executed, where that can be said: a node waits as long for one that was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One instrument: as the venue names it, as Nautilus does, as the books do; and how much is traded at once."""

    symbol: str
    instrument_id: str
    canonical: str
    lot: str
    """A usual order; every quantity is a small multiple."""
    spacing: str
    """Distance of the background market's quotes; every price keeps to it."""
    price: str
    """Where the background market starts."""
    base: str = ""
    """Spot: whose balance is the position."""
    multiplier: str = ""
    """Derivatives: base per contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRoom:
    """One room of the venue as the ledger test uses it."""

    name: str
    """Short, for the command line."""
    room: str
    """The venue's own name of it."""
    venue: str
    """As the run-config and Nautilus name it."""
    markets: tuple[Market, ...]
    sends: tuple[str, ...]
    """Requests that make or change orders, as faults select them."""
    cancels: tuple[str, ...]
    asks: tuple[str, ...]
    """Requests that only read."""
    repeatable: tuple[str, ...]
    """Requests that a network may deliver twice without making a second order."""
    streams: tuple[str, ...] = ("user",)
    features: frozenset[str] = frozenset()
    """What the strategies may use besides market and limit orders: modify, emulated, stop, list, bracket, post_only,
    fok."""
    hyphens: bool = True
    """Whether client order ids may hold hyphens."""
    expires: bool = True
    """Whether the venue's protocol has a word for what ended without anybody's asking; otherwise it is cancelled."""

    @property
    def symbols(self) -> dict[str, str]:
        """The venue's symbols by canonical instrument id."""
        return {market.canonical: market.symbol for market in self.markets}

    def venue_section(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """Return the venue of the run-config. info: what the venue printed about itself."""
        return {
            "name": self.venue,
            "environment": "Live",
            "account": ACCOUNT,
            "credentials": {"env_prefix": CREDENTIALS},
            "instruments": [market.instrument_id for market in self.markets],
            "endpoints": addresses.endpoints(info, self.room),
            **_SECTIONS[self.name],
        }

    def keys(self, info: Mapping[str, Any]) -> dict[str, str]:
        """Return the account's keys as environment variables."""
        return _KEYS[self.name](addresses.credentials(info, ACCOUNT))


def _hmac(account: Mapping[str, str]) -> dict[str, str]:
    return {f"{CREDENTIALS}_API_KEY": account["api_key"], f"{CREDENTIALS}_API_SECRET": account["api_secret"]}


def _ed25519(account: Mapping[str, str]) -> dict[str, str]:
    return {
        f"{CREDENTIALS}_API_KEY": account["ed25519_api_key"],
        f"{CREDENTIALS}_API_SECRET": account["ed25519_secret"],
    }


def _okx_keys(account: Mapping[str, str]) -> dict[str, str]:
    return {**_hmac(account), f"{CREDENTIALS}_PASSPHRASE": account["passphrase"]}


_SECTIONS: dict[str, dict[str, Any]] = {
    "futures": {
        "adapter": "Binance",
        "binance": {"account_type": "UsdtFutures", "receive_window_milliseconds": RECEIVE_MS},
    },
    "spot": {"adapter": "Binance", "binance": {"account_type": "Spot", "receive_window_milliseconds": RECEIVE_MS}},
    "okx": {"adapter": "OKX", "okx": {"instrument_types": ["Swap"], "margin_mode": "Cross"}},
}
_KEYS = {"futures": _hmac, "spot": _ed25519, "okx": _okx_keys}

FUTURES = LedgerRoom(
    name="futures",
    room="binance-futures",
    venue="BINANCE",
    markets=(
        Market(
            symbol="BTCUSDT", instrument_id="BTCUSDT-PERP.BINANCE",
            canonical="BINANCE-FUTURES:PERPETUAL:BTC-USDT@LIN", lot="0.010", spacing="1.0",
            price="50000", multiplier="1",
        ),
        Market(
            symbol="ETHUSDT", instrument_id="ETHUSDT-PERP.BINANCE",
            canonical="BINANCE-FUTURES:PERPETUAL:ETH-USDT@LIN", lot="0.100", spacing="0.10",
            price="3000", multiplier="1",
        ),
    ),
    sends=("POST /fapi/v1/order", "PUT /fapi/v1/order", "POST /fapi/v1/algoOrder"),
    cancels=("DELETE /fapi/v1/order", "DELETE /fapi/v1/allOpenOrders", "DELETE /fapi/v1/batchOrders"),
    asks=("GET /fapi/*order*", "GET /fapi/*Orders", "GET /fapi/v1/userTrades", "GET /fapi/*positionRisk"),
    repeatable=("DELETE /fapi/*", "PUT /fapi/v1/order"),
    features=frozenset({"modify", "emulated", "stop", "list", "bracket", "post_only", "fok"}),
)  # fmt: skip
SPOT = LedgerRoom(
    name="spot",
    room="binance-spot",
    venue="BINANCE",
    markets=(
        Market(
            symbol="BTCUSDT", instrument_id="BTCUSDT.BINANCE", canonical="BINANCE-SPOT:SPOT:BTC-USDT",
            lot="0.01", spacing="1", price="50000", base="BTC",
        ),
        Market(
            symbol="ETHUSDT", instrument_id="ETHUSDT.BINANCE", canonical="BINANCE-SPOT:SPOT:ETH-USDT",
            lot="0.1", spacing="0.1", price="3000", base="ETH",
        ),
    ),
    sends=("POST /api/v3/order", "WS order.place", "POST /api/v3/order/cancelReplace"),
    cancels=("DELETE /api/v3/order", "DELETE /api/v3/openOrders", "WS order.cancel"),
    asks=("GET /api/v3/*rder*", "GET /api/v3/myTrades", "GET /api/v3/account"),
    repeatable=("DELETE /api/v3/*", "WS order.cancel"),
    features=frozenset({"emulated", "stop", "list", "post_only", "fok"}),
)  # fmt: skip
OKX = LedgerRoom(
    name="okx",
    room="okx",
    venue="OKX",
    markets=(
        Market(
            symbol="BTC-USDT-SWAP", instrument_id="BTC-USDT-SWAP.OKX", canonical="OKX:PERPETUAL:BTC-USDT@LIN",
            lot="1", spacing="1", price="50000", multiplier="0.01",
        ),
        Market(
            symbol="ETH-USDT-SWAP", instrument_id="ETH-USDT-SWAP.OKX", canonical="OKX:PERPETUAL:ETH-USDT@LIN",
            lot="1", spacing="0.1", price="3000", multiplier="0.1",
        ),
    ),
    sends=("WS order", "WS batch-orders", "WS amend-order", "POST /api/v5/trade/order*"),
    cancels=("WS cancel-order", "WS batch-cancel-orders", "POST /api/v5/trade/cancel*"),
    asks=("GET /api/v5/trade/*", "GET /api/v5/account/*"),
    repeatable=("WS cancel-order", "WS amend-order"),
    features=frozenset({"modify", "emulated", "stop", "post_only", "fok"}),
    hyphens=False,
    expires=False,
)  # fmt: skip
ROOMS = {room.name: room for room in (FUTURES, SPOT, OKX)}
