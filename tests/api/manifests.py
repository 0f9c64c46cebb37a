"""A good TradingDeployment and single changes of it, written as paths such as ``spec.venues[0].replay.speed``."""

import copy
import re
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

type Manifest = dict[str, Any]
type Change = Callable[[Manifest], None]

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "docs/examples").glob("*.yaml"))
CRD_FILE = ROOT / "crds/trading-operator.io_tradingdeployments.yaml"


def good_manifest(name: str = "good") -> Manifest:
    """Every field is set, two of everything is there, nothing is wrong."""
    return {
        "apiVersion": "trading-operator.io/v1alpha1",
        "kind": "TradingDeployment",
        "metadata": {"name": name},
        "spec": {
            "mode": "Paper",
            "image": "example/trading-node:1.0.0",
            "traderId": "DESK-A-001",
            "strategies": [_strategy("ema-btc", "EMA1"), _strategy("ema-eth", "EMA2")],
            "venues": [_venue("BINANCE", "ticks"), _venue("OKX", "bars")],
            "catalogs": [
                {"name": "ticks", "gcs": {"bucket": "ticks", "prefix": "data/2026", "driver": "Auto"}},
                {"name": "bars", "pvc": {"claimName": "bars", "subPath": "catalog"}},
            ],
            "risk": _risk(),
            "database": {"secretName": "books"},
            "state": {"size": "2Gi", "storageClassName": "fast", "whenDeleted": "Delete"},
            "cache": {"redis": {"secretName": "cache"}},
            "reconciliation": {"interval": "30s"},
            "drain": {"orders": "Cancel", "positions": "Flatten", "timeout": "2m"},
            "suspend": False,
            "rollout": {"when": "OnApproval"},
            "podTemplate": {
                "metadata": {"labels": {"desk.example.com/team": "quant"}, "annotations": {"note": "any text"}},
                "spec": {
                    "nodeSelector": {"pool": "trading"},
                    "containers": [
                        {"name": "node", "env": [{"name": "DESK", "value": "a"}], "resources": {"limits": {"cpu": 1}}},
                        {"name": "sidecar", "image": "example/sidecar:1", "command": ["run"], "args": ["--fast"]},
                    ],
                },
            },
        },
    }


def live_manifest() -> Manifest:
    """A manifest that trades live on every venue there is, with every option set."""
    manifest = good_manifest()
    manifest["spec"] |= {
        "mode": "Live",
        "liveConfirmation": "good",
        "image": f"example/trading-node:1.0.0@sha256:{'0f' * 32}",
        "venues": [_live_venue(*one) for one in _ADAPTERS],
    }
    return manifest


_LEVERAGES = [{"symbol": "BTCUSDT", "leverage": 5}, {"symbol": "ETHUSDT_260925", "leverage": 3}]
_ADAPTERS: tuple[tuple[str, str, str, Manifest, Manifest], ...] = (
    (
        "BINANCE_USDT",
        "Binance",
        "Testnet",
        {
            "accountType": "UsdtFutures",
            "aggregateTrades": True,
            "receiveWindowMilliseconds": 3000,
            "leverages": _LEVERAGES,
        },
        {
            "http": "https://gateway.example.com:8443/binance",
            "dataStream": "wss://gateway.example.com/data",
            "tradeStream": "wss://gateway.example.com/trade",
            "userStream": "wss://gateway.example.com/user",
        },
    ),
    (
        "BYBIT",
        "Bybit",
        "Demo",
        {
            "productTypes": ["Linear", "Inverse"],
            "marginMode": "Isolated",
            "receiveWindowMilliseconds": 3000,
            "leverages": _LEVERAGES,
        },
        {"http": "http://127.0.0.1:9000", "tradeStream": "ws://127.0.0.1:9000/trade"},
    ),
    (
        "OKX",
        "OKX",
        "Demo",
        {
            "instrumentTypes": ["Swap", "Option"],
            "instrumentFamilies": ["BTC-USD"],
            "contractTypes": ["Linear"],
            "region": "EEA",
            "marginMode": "Cross",
            "spotMargin": False,
        },
        {"http": "https://gateway.example.com", "tradeStream": "wss://gateway.example.com"},
    ),
    ("DERIBIT", "Deribit", "Testnet", {"productTypes": ["Future", "Option"]}, {}),
    (
        "KRAKEN",
        "Kraken",
        "Live",
        {"productType": "Spot", "spotAccountType": "Margin", "defaultLeverage": 3},
        {"userStream": "wss://gateway.example.com"},
    ),
    (
        "HYPERLIQUID",
        "Hyperliquid",
        "Testnet",
        {"productTypes": ["Perp"], "accountAddress": f"0x{'aB' * 20}", "vaultAddress": f"0x{'12' * 20}"},
        {"tradeStream": "wss://gateway.example.com"},
    ),
    (
        "INTERACTIVE_BROKERS",
        "InteractiveBrokers",
        "Demo",
        {
            "host": "ib-gateway",
            "port": 4002,
            "clientId": 7,
            "accountId": "DU1234567",
            "marketDataType": "Delayed",
            "regularTradingHours": False,
        },
        {},
    ),
)


def _live_venue(name: str, adapter: str, environment: str, options: Manifest, endpoints: Manifest) -> Manifest:
    brokers = adapter == "InteractiveBrokers"
    block = "okx" if adapter == "OKX" else adapter[0].lower() + adapter[1:]
    return {
        "name": name,
        "adapter": adapter,
        "environment": environment,
        "account": f"desk-a-{name.lower().replace('_', '-')}",
        "instruments": ["SPY.ARCA", "AAPL.NASDAQ"] if brokers else [f"BTCUSDT.{name}", f"ETHUSDT.{name}"],
        block: copy.deepcopy(options),
        **({"endpoints": dict(endpoints)} if endpoints else {}),
        **({} if brokers else {"credentials": {"secretName": f"{block}-testnet"}}),
    }


def limits_of_parts() -> Manifest:
    """Every limit of a strategy, a venue and an instrument; apart, because they name other parts of the manifest."""
    return {
        "strategies": [
            {
                "name": "ema-btc",
                "maxOrdersPerSecond": 5,
                "maxOrdersPerMinute": 50,
                "maxGrossNotional": "100000",
                "maxNetNotional": "100000",
                "maxDailyLoss": "1000",
            }
        ],
        "venues": [
            {"name": "BINANCE", "maxOrdersPerSecond": 8, "maxOrdersPerMinute": 80, "maxGrossNotional": "300000"},
        ],
        "instruments": [
            {
                "id": "BTCUSDT.BINANCE",
                "minOrderQuantity": "0.001",
                "maxOrderQuantity": "2",
                "maxOrderNotional": "40000",
                "maxPosition": "5",
                "maxPositionNotional": "150000",
                "priceTolerance": "0.01",
            },
            {"id": "ETHUSDT.BINANCE"},
        ],
    }


def _risk() -> Manifest:
    return {
        "currency": "USD",
        "equalCurrencies": ["USDT"],
        "maxOrdersPerSecond": 10,
        "maxOrdersPerMinute": 100,
        "minOrderNotional": "10",
        "maxOrderNotional": "50000",
        "maxPositionNotional": "200000.5",
        "maxGrossNotional": "1000000",
        "maxNetNotional": "500000",
        "priceTolerance": "0.02",
        "maxReferenceAgeSeconds": 30,
        "maxBalanceUse": "0.9",
        "maxDailyLoss": "5000",
        "duplicateWindowMilliseconds": 200,
        "selfCrossing": "Allow",
        "strategies": [],
        "venues": [],
        "instruments": [],
    }


def _strategy(name: str, tag: str) -> Manifest:
    return {
        "name": name,
        "path": "desk.ema:EmaCross",
        "configPath": "desk.ema:EmaCrossConfig",
        "config": {"fast": 10, "slow": 20.5, "symbols": ["BTCUSDT"], "nested": {"on": True}},
        "orderIdTag": tag,
    }


def _venue(name: str, catalog: str) -> Manifest:
    return {
        "name": name,
        "adapter": "Replay",
        "replay": {"catalog": catalog, "speed": 10},
        "paper": {
            "accountType": "Margin",
            "omsType": "Netting",
            "startingBalances": ["100000 USDT", "1.5 BTC"],
            "defaultLeverage": 5,
        },
    }


def write(path: str, value: Any) -> Change:
    """Return a change that writes one value."""
    *parents, last = _keys(path)

    def change(manifest: Manifest) -> None:
        reduce(lambda node, key: node[key], parents, manifest)[last] = copy.deepcopy(value)

    return change


def remove(path: str) -> Change:
    """Return a change that removes one field."""
    *parents, last = _keys(path)

    def change(manifest: Manifest) -> None:
        del reduce(lambda node, key: node[key], parents, manifest)[last]

    return change


def changed(*changes: Change, base: Manifest | None = None) -> Manifest:
    """Return the good manifest, or another one, with changes."""
    manifest = copy.deepcopy(base) if base is not None else good_manifest()
    for change in changes:
        change(manifest)
    return manifest


def example(path: Path) -> Manifest:
    """Read a manifest of the documentation."""
    manifest: Manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    return manifest


def _keys(path: str) -> list[Any]:
    """Split a path; a key with dots stands in brackets and quotes: ``labels["a.b/c"]``."""
    tokens = re.findall(r'\["([^"]+)"\]|\[(\d+)\]|([^.\[]+)', path)
    return [quoted or (int(index) if index else plain) for quoted, index, plain in tokens]
