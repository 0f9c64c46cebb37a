"""Every kind of market data can be traded on: strategies hear it, and the paper account fills from it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.node.processes import node_process, run_config

WRITE = """
import sys
from pathlib import Path
from tests.unit.node import market
from nautilus_trader.model.data import Bar, BarType, BookOrder, OrderBookDelta, OrderBookDepth10, QuoteTick
from nautilus_trader.model.enums import BookAction, OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

SECOND = 1_000_000_000
START = 1_767_571_200 * SECOND
out = Path(sys.argv[1])


def price(step, offset=0):
    return Price(60_000 + (step % 40) * (1 if step % 80 < 40 else -1) + offset, 2)


def quote(step, instrument_id=market.BTC):
    ns = START + step * SECOND
    return QuoteTick(instrument_id, price(step), price(step, 1), Quantity(5, 3), Quantity(5, 3), ns, ns)


def bar(step):
    ns = START + step * SECOND
    bar_type = BarType.from_str(f"{market.BTC}-1-SECOND-LAST-EXTERNAL")
    return Bar(bar_type, price(step), price(step, 1), price(step, -1), price(step), Quantity(5, 3), ns, ns)


def deltas(step):
    ns = START + step * SECOND
    clear = OrderBookDelta.clear(market.BTC, 0, ns, ns)
    sides = ((OrderSide.BUY, 0), (OrderSide.SELL, 1))
    orders = [BookOrder(side, price(step, away), Quantity(5, 3), 0) for side, away in sides]
    return [clear] + [OrderBookDelta(market.BTC, BookAction.ADD, order, 128, step, ns, ns) for order in orders]


def depth(step):
    ns = START + step * SECOND
    bids = [BookOrder(OrderSide.BUY, price(step, -level), Quantity(5, 3), 0) for level in range(10)]
    asks = [BookOrder(OrderSide.SELL, price(step, 1 + level), Quantity(5, 3), 0) for level in range(10)]
    return OrderBookDepth10(market.BTC, bids, asks, [1] * 10, [1] * 10, 0, step, ns, ns)


STEPS = range(200)
ETH = InstrumentId.from_str("ETHUSDT.KRAKEN")
series = {
    "quotes": [[quote(step) for step in STEPS]],
    "bars": [[bar(step) for step in STEPS]],
    "deltas": [[delta for step in STEPS for delta in deltas(step)]],
    "depth": [[depth(step) for step in STEPS]],
    "trades": [[market.trade(START + step * SECOND) for step in STEPS]],
    "kraken": [[quote(step, ETH) for step in STEPS]],
}
for name, events in series.items():
    market.write_catalog(out / name, *events)
"""

STRATEGIES = """
from decimal import Decimal
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy


class Config(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    kind: str


class Alternating(Strategy):
    # Buys and sells by turns, at each tenth event.
    def __init__(self, config):
        super().__init__(config)
        self.heard = 0

    def on_start(self):
        instrument_id = self.config.instrument_id
        match self.config.kind:
            case "quotes": self.subscribe_quote_ticks(instrument_id)
            case "bars": self.subscribe_bars(BarType.from_str(f"{instrument_id}-1-SECOND-LAST-EXTERNAL"))
            case "deltas": self.subscribe_order_book_deltas(instrument_id)
            case "depth": self.subscribe_order_book_depth(instrument_id)
            case "tick bars": self.subscribe_bars(BarType.from_str(f"{instrument_id}-10-TICK-LAST-INTERNAL"))

    def turn(self, every=10):
        self.heard += 1
        if self.heard % every:
            return
        side = OrderSide.BUY if self.heard // every % 2 else OrderSide.SELL
        instrument = self.cache.instrument(self.config.instrument_id)
        self.submit_order(self.order_factory.market(instrument.id, side, instrument.make_qty(Decimal("0.01"))))

    def on_quote_tick(self, tick): self.turn()
    def on_bar(self, bar): self.turn(1 if self.config.kind == "tick bars" else 10)
    def on_order_book_deltas(self, deltas): self.turn(30)
    def on_order_book_depth(self, depth): self.turn()

    def on_stop(self):
        self.log.warning(f"heard {self.heard}")
"""


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of catalogs, each with one kind of data."""
    path = tmp_path_factory.mktemp("catalogs")
    subprocess.run([sys.executable, "-W", "ignore", "-c", WRITE, str(path)], check=True)
    return path


def alternating(kind: str, instrument_id: str = "BTCUSDT.BINANCE", name: str = "alternating") -> dict[str, Any]:
    return {
        "name": name,
        "path": "kinds:Alternating",
        "config_path": "kinds:Config",
        "config": {"instrument_id": instrument_id, "kind": kind},
    }


@pytest.mark.parametrize("kind", ["quotes", "bars", "deltas", "depth"])
def test_orders_are_filled_from_any_kind_of_data(tmp_path: Path, catalogs: Path, kind: str) -> None:
    config = run_config(catalogs / kind, alternating(kind))
    with node_process(tmp_path, config, modules={"kinds": STRATEGIES}) as node:
        assert node.wait() == 0, node.stderr
    assert node.summary["orders"] == {"total": 20, "open": 0, "filled": 20, "rejected": 0, "denied": 0}
    assert node.summary["positions"] == {"open": 0, "closed": 10}


def test_bars_of_ticks_are_aggregated_in_step_with_the_ticks(tmp_path: Path, catalogs: Path) -> None:
    config = run_config(catalogs / "trades", alternating("tick bars"))
    with node_process(tmp_path, config, modules={"kinds": STRATEGIES}) as node:
        assert node.wait() == 0, node.stderr
    assert any("heard 20" in record["message"] for record in node.records)
    assert node.summary["orders"]["filled"] == 20


def test_several_venues_are_played_on_one_clock(tmp_path: Path, catalogs: Path) -> None:
    config = run_config(
        catalogs / "quotes",
        alternating("quotes"),
        alternating("quotes", "ETHUSDT.KRAKEN", "other"),
        catalogs=[
            {"name": "ticks", "path": str(catalogs / "quotes")},
            {"name": "more", "path": str(catalogs / "kraken")},
        ],
    )
    binance = config["trading_node"]["venues"][0]
    kraken = {**binance, "name": "KRAKEN", "replay": {"catalog": "more", "speed": "Maximum"}}
    config["trading_node"]["venues"] = [binance, kraken]
    with node_process(tmp_path, config, modules={"kinds": STRATEGIES}) as node:
        assert node.wait() == 0, node.stderr
    assert node.summary["replay"]["events"] == 400
    assert node.summary["orders"]["filled"] == 40
