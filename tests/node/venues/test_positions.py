"""Positions over venues: a node with spot and futures of one asset tells what it holds of it, also in its next life."""

import json
import signal
import time
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.node.processes import SECONDS, NodeProcess, node_process
from tests.node.venues.desks import keys, run_config, venue
from tests.node.venues.test_live import status
from tests.venue.process import VenueAccount
from trading_api.exit_codes import ExitCode

EXCHANGE = ("--step-ms", "20")
HEDGER = """
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy


class HedgerConfig(StrategyConfig, frozen=True):
    act: bool


class Hedger(Strategy):
    # Buys spot and sells futures, once each.
    def on_start(self):
        self.left = {"BTCUSDT.CASH": (OrderSide.BUY, "0.3"), "BTCUSDT-PERP.LEVERED": (OrderSide.SELL, "0.2")}
        for name in self.left:
            self.subscribe_quote_ticks(InstrumentId.from_str(name))

    def on_quote_tick(self, tick):
        todo = self.left.pop(tick.instrument_id.value, None)
        if todo is not None and self.config.act:
            instrument = self.cache.instrument(tick.instrument_id)
            self.submit_order(self.order_factory.market(instrument.id, todo[0], instrument.make_qty(todo[1])))
"""


def config_of(simulator: VenueAccount, *, act: bool) -> dict[str, Any]:
    spot = {**venue(simulator, "spot"), "name": "CASH", "instruments": ["BTCUSDT.CASH"]}
    futures = {
        **venue(simulator, "futures"),
        "name": "LEVERED",
        "account": f"{simulator.name}-futures",
        "instruments": ["BTCUSDT-PERP.LEVERED"],
    }
    strategy = {
        "name": "hedger",
        "path": "hedger:Hedger",
        "config_path": "hedger:HedgerConfig",
        "config": {"act": act},
    }
    drain = {"orders": "Keep", "positions": "Keep"}
    return run_config(spot, strategy, venues=[spot, futures], drain=drain)


def positions(node: NodeProcess) -> dict[str, Any]:
    with urllib.request.urlopen(node.url("/api/positions"), timeout=10) as answer:  # noqa: S310  # loopback
        document: dict[str, Any] = json.load(answer)
        return document


def wait_for_positions(node: NodeProcess) -> dict[str, Any]:
    """Wait until both positions are in the books and have a price."""
    node.wait_for('"message": "Trading"')
    deadline = time.monotonic() + SECONDS
    while True:
        now = positions(node)
        if len(now["positions"]) == 2 and all("mark" in each for each in now["positions"]):
            return now
        assert time.monotonic() < deadline, f"{now}\n{node.told()}"
        time.sleep(0.05)


def test_spot_and_futures_of_one_asset_add_up(tmp_path: Path, simulator: VenueAccount) -> None:
    modules, secrets = {"hedger": HEDGER}, keys(simulator, "spot")
    with node_process(tmp_path, config_of(simulator, act=True), secrets, modules) as node:
        before = wait_for_positions(node)
        node.send(signal.SIGKILL)
        node.wait()
    assert [(each["instrument"], each["venue"]) for each in before["positions"]] == [
        ("BINANCE-FUTURES:PERPETUAL:BTC-USDT@LIN", "LEVERED"),
        ("BINANCE-SPOT:SPOT:BTC-USDT", "CASH"),
    ]
    future, spot = before["positions"]
    (asset,) = before["byBaseAsset"]
    assert (asset["group"], asset["venues"], asset["unpriced"]) == ("BTC", ["CASH", "LEVERED"], [])
    assert before["currency"] == "USD"  # the limits count USDT as worth the same

    def amount(key: str) -> Decimal:
        return Decimal(spot[key]) + Decimal(future[key])

    assert Decimal(asset["quantity"]) == amount("quantity")
    assert Decimal(asset["realized"]) == amount("realized") < 0  # what was paid in fees
    assert Decimal(asset["unrealized"]) == amount("unrealized")
    assert Decimal(asset["netNotional"]) == amount("notional")
    assert Decimal(future["quantity"]) == Decimal("-0.2")
    assert Decimal(future["notional"]) == Decimal("-0.2") * Decimal(future["mark"])

    with node_process(tmp_path, config_of(simulator, act=False), secrets, modules) as node:
        after = wait_for_positions(node)
        agreed = status(node)["reconciliation"]
        assert all(each["agreed"] for each in agreed["venues"])
        assert agreed["openDifferences"] == []
        node.send(signal.SIGTERM)
        assert node.wait() == ExitCode.OK, node.told()

    def held(document: dict[str, Any]) -> list[tuple[str, ...]]:
        keys = ("instrument", "venue", "account", "quantity", "averagePrice", "realized")
        return [tuple(each[key] for key in keys) for each in document["positions"]]

    assert held(after) == held(before)
