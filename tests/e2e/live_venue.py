"""An exchange that pods of the cluster reach, and what a Live deployment needs to trade on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic.alias_generators import to_camel

from tests.e2e.deployments import strategy
from tests.e2e.kubectl import Object
from tests.venue import addresses
from tests.venue.process import VenueProcess, venue_process

ACCOUNT = "desk-a"
ROOM = "binance-futures"
SYMBOL = "BTCUSDT"
INSTRUMENT = "BTCUSDT-PERP.BINANCE"


@dataclass(frozen=True)
class LiveVenue:
    """The venue simulator as a process on the address that pods reach."""

    process: VenueProcess

    def ledger(self) -> dict[str, Any]:
        """Return what the venue itself knows of the account."""
        return self.process.ledger(ROOM, ACCOUNT)

    def position(self) -> Decimal:
        """Return the account's position, short below zero."""
        return sum((Decimal(p["quantity"]) for p in self.ledger()["positions"]), Decimal(0))

    def open_orders(self) -> list[dict[str, Any]]:
        """Return the account's orders that may still be filled."""
        return [order for order in self.ledger()["orders"] if order["status"] in ("NEW", "PARTIALLY_FILLED")]

    @property
    def keys(self) -> dict[str, str]:
        """The account's keys as a Secret holds them."""
        found = addresses.credentials(self.process.info, ACCOUNT)
        return {"api-key": found["ed25519_api_key"], "api-secret": found["ed25519_secret"]}

    def secret(self, name: str) -> Object:
        """A Secret with the account's keys."""
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": self.keys}

    def manifest(self, name: str, image: str, state: Object, **spec: Any) -> Object:
        """A Live deployment on the account; ``spec`` replaces whole fields."""
        endpoints = addresses.endpoints(self.process.info, ROOM)
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
                        "endpoints": {to_camel(name): where for name, where in endpoints.items()},
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
    with venue_process("--host", host, "--market", "random", "--step-ms", "100") as process:
        yield LiveVenue(process)
