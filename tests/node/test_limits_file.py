"""Limits of a running node, changed as files are: by a rename, and as Kubernetes swaps a mounted ConfigMap."""

import json
import os
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.node.processes import SECONDS, NodeProcess, node_process, run_config
from trading_api.risk import RiskLimits, dump_limits, limits_hash

STEADY = """
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy


class SteadyConfig(StrategyConfig, frozen=True):
    instrument_id: str


class Steady(Strategy):
    # Buys and sells in turn, one order for each trade.
    def on_start(self):
        self.subscribe_trade_ticks(InstrumentId.from_str(self.config.instrument_id))
        self.count = 0

    def on_trade_tick(self, tick):
        self.count += 1
        instrument = self.cache.instrument(tick.instrument_id)
        side = OrderSide.BUY if self.count % 2 else OrderSide.SELL
        self.submit_order(self.order_factory.market(instrument.id, side, instrument.make_qty("0.0001")))
"""
STRATEGY = {
    "name": "steady",
    "path": "steady:Steady",
    "config_path": "steady:SteadyConfig",
    "config": {"instrument_id": "BTCUSDT.BINANCE"},
}
NOTHING, EVERYTHING, OTHER = (
    dump_limits(RiskLimits(max_order_notional=amount)) for amount in ("0.01", "100000", "200000")
)


class Renamed:
    """A file that is replaced by another one."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "limits.json"

    def write(self, text: str) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.rename(self.path)


class Mounted:
    """A ConfigMap's volume as a kubelet writes it: the file is a link through ``..data``, which is swapped."""

    def __init__(self, folder: Path) -> None:
        self._volume = folder / "limits"
        self._volume.mkdir()
        self._count = 0
        self.path = self._volume / "limits.json"

    def write(self, text: str) -> None:
        self._count += 1
        target = self._volume / f"..2026_11_24_{self._count}"
        target.mkdir()
        (target / "limits.json").write_text(text)
        link = self._volume / "..data_tmp"
        link.symlink_to(target.name)
        os.replace(link, self._volume / "..data")  # noqa: PTH105  # a link is replaced, not what it names
        if self._count == 1:
            self.path.symlink_to("..data/limits.json")


def status(node: NodeProcess) -> dict[str, Any]:
    with urllib.request.urlopen(node.url("/api/status"), timeout=SECONDS) as answer:  # noqa: S310  # its own page
        document: dict[str, Any] = json.load(answer)
    return document


def metrics(node: NodeProcess) -> str:
    with urllib.request.urlopen(node.url("/metrics"), timeout=SECONDS) as answer:  # noqa: S310  # its own page
        return str(answer.read().decode())


def status_when(node: NodeProcess, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + SECONDS
    while not holds(document := status(node)):
        assert time.monotonic() < deadline, document
        time.sleep(0.05)
    return document


@pytest.mark.parametrize("way", [Renamed, Mounted])
def test_limits_change_while_the_node_runs(tmp_path: Path, long_catalog: Path, way: type[Renamed | Mounted]) -> None:
    file = way(tmp_path)
    file.write(NOTHING)
    # What the run-config itself says would let orders pass: the file takes its place from the start.
    config = run_config(long_catalog, STRATEGY, speed=60, limits_file=str(file.path.relative_to(tmp_path)))
    with node_process(tmp_path, config, modules={"steady": STEADY}) as node:
        document = status_when(node, lambda document: document.get("orders", {}).get("denied", 0) >= 3)
        assert document["orders"]["filled"] == 0
        assert (document["limits"]["hash"], document["limits"].get("error", "")) == (limits_hash(NOTHING), "")

        file.write(EVERYTHING)
        node.wait_for(f"limits {limits_hash(EVERYTHING)} are in force, in place of {limits_hash(NOTHING)}")
        denied = status_when(node, lambda document: document["orders"]["filled"] >= 3)["orders"]["denied"]

        file.write('{"max_order_notional": "ten"}')
        node.wait_for(f"new limits are refused, those before ({limits_hash(EVERYTHING)}) stay in force")
        document = status_when(node, lambda document: bool(document["limits"].get("error")))
        assert document["limits"]["hash"] == limits_hash(EVERYTHING)
        assert "max_order_notional" in document["limits"]["error"]
        assert "trading_node_limits_valid 0.0" in metrics(node)
        filled = document["orders"]["filled"]
        document = status_when(node, lambda document: document["orders"]["filled"] >= filled + 3)
        assert document["orders"]["denied"] == denied

        file.write(OTHER)
        document = status_when(node, lambda document: document["limits"]["hash"] == limits_hash(OTHER))
        assert document["limits"].get("error", "") == ""
        text = metrics(node)
        assert "trading_node_limits_valid 1.0" in text
        assert 'trading_node_limits_changes_total{outcome="applied"} 3.0' in text
        assert 'trading_node_limits_changes_total{outcome="refused"} 1.0' in text


def test_a_node_whose_limits_cannot_be_read_does_not_trade(tmp_path: Path, catalog: Path) -> None:
    config = run_config(catalog, STRATEGY, limits_file="nowhere.json")
    with node_process(tmp_path, config, modules={"steady": STEADY}) as node:
        assert node.wait() != 0
        assert node.termination is not None
        assert node.termination["reason"] == "NotTrading"
        assert "nowhere.json cannot be read" in node.termination["message"]
