"""An exchange that pods of the cluster reach, and what a Live deployment needs to trade on it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.e2e.deployments import strategy
from tests.e2e.kubectl import Object

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 10
ACCOUNT = "desk-a"
ROOM = "binance-futures"
SYMBOL = "BTCUSDT"
INSTRUMENT = "BTCUSDT-PERP.BINANCE"


@dataclass(frozen=True)
class LiveVenue:
    """The venue simulator as a process on the address that pods reach."""

    info: dict[str, Any]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  # the address is the process' own
            f"{self.info['control']}/v1{path}", data, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as reply:
            return json.load(reply)

    def ledger(self) -> dict[str, Any]:
        """Return what the venue itself knows of the account."""
        ledger: dict[str, Any] = self.call("GET", f"/{ROOM}/ledger/{ACCOUNT}")
        return ledger

    def position(self) -> Decimal:
        """Return the account's position, short below zero."""
        return sum((Decimal(p["quantity"]) for p in self.ledger()["positions"]), Decimal(0))

    def open_orders(self) -> list[dict[str, Any]]:
        """Return the account's orders that may still be filled."""
        return [order for order in self.ledger()["orders"] if order["status"] in ("NEW", "PARTIALLY_FILLED")]

    @property
    def keys(self) -> dict[str, str]:
        """The account's keys as a Secret holds them."""
        found = next(keys for keys in self.info["accounts"] if keys["account"] == ACCOUNT)
        return {"api-key": found["ed25519_api_key"], "api-secret": found["ed25519_secret"]}

    def secret(self, name: str) -> Object:
        """A Secret with the account's keys."""
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": self.keys}

    def manifest(self, name: str, image: str, state: Object, **spec: Any) -> Object:
        """A Live deployment on the account; ``spec`` replaces whole fields."""
        http, stream = self.info["rooms"][ROOM]["http"], self.info["rooms"][ROOM]["ws"]
        config = {"instrument_id": INSTRUMENT, "trade_size": "0.010", "fast": 2, "slow": 5}
        return {
            "apiVersion": "trading-operator.io/v1alpha1",
            "kind": "TradingDeployment",
            "metadata": {"name": name},
            "spec": {
                "mode": "Live",
                "liveConfirmation": name,
                "image": image,
                "traderId": "DESK-A-001",
                "strategies": [strategy(config=config)],
                "venues": [
                    {
                        "name": "BINANCE",
                        "adapter": "Binance",
                        "environment": "Testnet",
                        "account": ACCOUNT,
                        "credentials": {"secretName": f"{name}-keys"},
                        "binance": {"accountType": "UsdtFutures"},
                        "instruments": [INSTRUMENT],
                        "endpoints": {
                            "http": http,
                            "dataStream": stream,
                            "tradeStream": f"{stream}/ws-fapi/v1",
                            "userStream": stream,
                        },
                    }
                ],
                "state": state,
                "drain": {"orders": "Cancel", "positions": "Flatten", "timeout": "30s"},
            }
            | spec,
        }


@contextmanager
def live_venue(host: str) -> Iterator[LiveVenue]:
    """Run the venue until the block ends."""
    command = [sys.executable, "-m", "tests.venue", "--host", host, "--port", "0", "--json", "--market", "random"]
    with subprocess.Popen([*command, "--step-ms", "100"], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield LiveVenue(json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
