"""Run-configs of nodes that trade on the venue simulator."""

from typing import Any

from tests.venue import addresses
from tests.venue.process import VenueAccount

ROOMS = {"spot": "binance-spot", "futures": "binance-futures", "okx": "okx", "okx-swap": "okx"}
INSTRUMENTS = {
    "spot": "BTCUSDT.BINANCE",
    "futures": "BTCUSDT-PERP.BINANCE",
    "okx": "BTC-USDT.OKX",
    "okx-swap": "BTC-USDT-SWAP.OKX",
}
OKX: dict[str, dict[str, Any]] = {
    "okx": {"instrument_types": ["Spot"]},
    "okx-swap": {"instrument_types": ["Swap"], "margin_mode": "Cross"},
}


def keys(simulator: VenueAccount, market: str) -> dict[str, str]:
    """Return the variables with the account's keys."""
    account = addresses.credentials(simulator.info, simulator.name)
    return {
        "DESK_API_KEY": account["api_key" if market in OKX else "ed25519_api_key"],
        "DESK_API_SECRET": account["api_secret" if market in OKX else "ed25519_secret"],
        "DESK_PASSPHRASE": account["passphrase"],
    }


def venue(simulator: VenueAccount, market: str) -> dict[str, Any]:
    """Return a venue for mode Live."""
    document: dict[str, Any] = {
        "environment": "Live",
        "account": simulator.name,
        "credentials": {"env_prefix": "DESK"},
        "instruments": [INSTRUMENTS[market]],
        "endpoints": addresses.endpoints(simulator.info, ROOMS[market]),
    }
    if market in OKX:
        return {"name": "OKX", "adapter": "OKX", "okx": OKX[market], **document}
    account_type = "Spot" if market == "spot" else "UsdtFutures"
    return {"name": "BINANCE", "adapter": "Binance", "binance": {"account_type": account_type}, **document}


def on_paper(live: dict[str, Any], market: str) -> dict[str, Any]:
    """Return the same venue with a simulated account."""
    document = {key: value for key, value in live.items() if key != "account"}
    if market in OKX:  # whose client logs in for market data too
        document["okx"] = {"instrument_types": OKX[market]["instrument_types"]}
    else:
        del document["credentials"]
    document["endpoints"] = {
        key: value for key, value in live["endpoints"].items() if key not in {"trade_stream", "user_stream"}
    }
    account_type = "Margin" if market in {"futures", "okx-swap"} else "Cash"
    return {**document, "paper": {"starting_balances": ["100000 USDT"], "account_type": account_type}}


def strategy(market: str) -> dict[str, Any]:
    """Return a strategy that trades often."""
    return {
        "name": "ema",
        "path": "trading_node.examples.ema_cross:EmaCross",
        "config_path": "trading_node.examples.ema_cross:EmaCrossConfig",
        "config": {
            "instrument_id": INSTRUMENTS[market],
            "trade_size": "1" if market == "okx-swap" else "0.01",
            "fast": 2,
            "slow": 3,
        },
    }


def run_config(venue: dict[str, Any], *strategies: dict[str, Any], **section: Any) -> dict[str, Any]:
    """Return a run-config; keyword arguments replace fields of trading_node."""
    return {
        "trading_node": {
            "mode": "Paper" if "paper" in venue else "Live",
            "trader_id": "DESK-A-001",
            "strategies": list(strategies),
            "venues": [venue],
            "http": {"port": 0},
            **section,
        },
        "database": {"directory": "books"},
    }
