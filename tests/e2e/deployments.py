"""TradingDeployments as the tests see them: manifests, what they report, and when it is as wanted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e.kubectl import Kubectl, Object
from tests.waiting import eventually

IMAGE = "localhost/trading-node:dev"
BUCKET = "recordings"
"""Not the demo's: that one holds the demo's catalog and nothing else."""
LONG_PREFIX = "long"
SHORT_PREFIX = "short"


def manifest(name: str, *, prefix: str = LONG_PREFIX, speed: int | str = 20, fast: int = 10, **spec: Any) -> Object:
    """A Paper deployment over a catalog in the bucket; ``spec`` replaces whole fields."""
    return {
        "apiVersion": "trading-operator.io/v1alpha1",
        "kind": "TradingDeployment",
        "metadata": {"name": name},
        "spec": {
            "mode": "Paper",
            "image": IMAGE,
            "traderId": "DESK-A-001",
            "strategies": [strategy(fast=fast)],
            "venues": [
                {
                    "name": "BINANCE",
                    "adapter": "Replay",
                    "replay": {"catalog": "ticks", "speed": speed},
                    "paper": {"accountType": "Margin", "startingBalances": ["1000000 USDT"]},
                }
            ],
            "catalogs": [{"name": "ticks", "gcs": {"bucket": BUCKET, "prefix": prefix}}],
        }
        | spec,
    }


def strategy(*, fast: int = 10, **fields: Any) -> Object:
    """The example strategy."""
    return {
        "name": "ema",
        "path": "trading_node.examples.ema_cross:EmaCross",
        "configPath": "trading_node.examples.ema_cross:EmaCrossConfig",
        "config": {"instrument_id": "BTCUSDT.BINANCE", "trade_size": "0.010", "fast": fast, "slow": 30},
    } | fields


@dataclass(frozen=True)
class Deployment:
    """One TradingDeployment in the cluster."""

    kubectl: Kubectl
    name: str

    @property
    def pod_name(self) -> str:
        """The only name that its pod ever has."""
        return f"{self.name}-node-0"

    def read(self) -> Object:
        """The object; fails when it is gone."""
        found = self.kubectl.get("td", self.name)
        assert found is not None, f"{self.name} is gone"
        return found

    def status(self) -> Mapping[str, Any]:
        """Its status, empty before the first report."""
        status: Mapping[str, Any] = self.read().get("status", {})
        return status

    def condition(self, kind: str) -> Mapping[str, Any]:
        """One condition, empty when it is not there."""
        return next((c for c in self.status().get("conditions", ()) if c["type"] == kind), {})

    def pod(self) -> Object | None:
        """Its pod."""
        return self.kubectl.get("pod", self.pod_name)

    def wait_phase(self, phase: str, within: float = 90) -> Mapping[str, Any]:
        """Wait for a phase of the present generation."""

        def probe() -> Mapping[str, Any] | None:
            found = self.read()
            status: Mapping[str, Any] = found.get("status", {})
            current = status.get("observedGeneration") == found["metadata"]["generation"]
            seen.update(status)
            return status if current and status.get("phase") == phase else None

        seen: dict[str, Any] = {}
        try:
            return eventually(probe, f"phase {phase} of {self.name}", within=within)
        except AssertionError as error:
            raise AssertionError(f"{error}; status: {seen}; pod: {self.pod()}") from None

    def wait_condition(
        self, kind: str, status: str, reason: str | None = None, within: float = 90
    ) -> Mapping[str, Any]:
        """Wait for a condition of the present generation."""

        def probe() -> Mapping[str, Any] | None:
            found = self.condition(kind)
            fits = found.get("status") == status and (reason is None or found.get("reason") == reason)
            return found if fits else None

        try:
            return eventually(probe, f"{kind}={status} ({reason}) of {self.name}", within=within)
        except AssertionError as error:
            raise AssertionError(f"{error}; status: {self.status()}") from None

    def wait_trading(self, within: float = 90) -> Mapping[str, Any]:
        """Wait until it is Ready."""
        self.wait_condition("Ready", "True", within=within)
        return self.wait_phase("Trading")
