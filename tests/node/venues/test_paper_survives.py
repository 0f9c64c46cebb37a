"""A paper account goes on after the node was killed: money, positions and resting orders."""

import json
import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.node.processes import SECONDS, NodeProcess, node_process
from tests.node.venues.desks import on_paper, run_config, venue
from tests.node.venues.test_live import status
from tests.venue.process import VenueAccount
from trading_api.exit_codes import ExitCode

EXCHANGE = ("--step-ms", "50")
HOLDER = """
from decimal import Decimal
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy


class HolderConfig(StrategyConfig, frozen=True):
    instrument_id: str
    act: bool


class Holder(Strategy):
    # Buys, sells a part, and leaves two orders far from the market; or, when it is not to act, only looks.
    def on_start(self):
        self.instrument = self.cache.instrument(InstrumentId.from_str(self.config.instrument_id))
        self.steps = 0
        self.subscribe_quote_ticks(self.instrument.id)

    def on_quote_tick(self, tick):
        if not self.config.act or self.steps >= 3:
            return
        self.steps += 1
        make, size = self.order_factory, self.instrument.make_qty
        if self.steps == 1:
            self.submit_order(make.market(self.instrument.id, OrderSide.BUY, size("0.5")))
        elif self.steps == 2:
            self.submit_order(make.market(self.instrument.id, OrderSide.SELL, size("0.2")))
        else:
            low = self.instrument.make_price(float(tick.bid_price) / 2)
            high = self.instrument.make_price(float(tick.ask_price) * 2)
            order = make.limit(self.instrument.id, OrderSide.BUY, size("0.1"), low)
            self.submit_order(order)
            self.modify_order(order, price=self.instrument.make_price(float(low) - 1))
            self.submit_order(make.limit(self.instrument.id, OrderSide.SELL, size("0.3"), high))
"""


def config_of(simulator: VenueAccount, *, act: bool) -> dict[str, Any]:
    strategy = {
        "name": "holder",
        "path": "holder:Holder",
        "config_path": "holder:HolderConfig",
        "config": {"instrument_id": "BTCUSDT-PERP.BINANCE", "act": act},
    }
    live = venue(simulator, "futures")
    drain = {"orders": "Keep", "positions": "Keep"}
    return run_config(on_paper(live, "futures"), strategy, state_directory="state", drain=drain)


def wait_until(node: NodeProcess, orders_open: int) -> dict[str, Any]:
    node.wait_for('"message": "Trading"')
    deadline = time.monotonic() + SECONDS
    while (now := status(node))["orders"]["open"] != orders_open:
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    return now


def account(now: dict[str, Any]) -> dict[str, Any]:
    """What has to go on."""
    (position,) = now["openPositions"]
    orders = [order for order in now["recentOrders"] if order["status"].upper() == "ACCEPTED"]
    return {
        "balances": now["balances"],
        "realized": [(profit["currency"], profit["realized"]) for profit in now["profitAndLoss"]],
        "position": {key: position[key] for key in ("positionId", "strategy", "quantity", "averagePrice", "realized")},
        "orders": sorted(
            (order["clientOrderId"], order["side"], order["quantity"], order["price"]) for order in orders
        ),
    }


def test_a_killed_paper_account_goes_on(tmp_path: Path, simulator: VenueAccount) -> None:
    file = tmp_path / "state" / "paper" / "BINANCE.json"
    modules = {"holder": HOLDER}
    with node_process(tmp_path, config_of(simulator, act=True), modules=modules) as node:
        before = account(wait_until(node, 2))
        node.send(signal.SIGKILL)
        assert node.wait() == -signal.SIGKILL
    assert Decimal(before["position"]["quantity"]) == Decimal("0.3")
    assert [order[1] for order in before["orders"]] == ["BUY", "SELL"]
    with node_process(tmp_path, config_of(simulator, act=False), modules=modules) as node:
        after = account(wait_until(node, 2))
        assert after == before
        price = Decimal(before["orders"][0][3])
        simulator.call(
            "POST", "/binance-futures/price", {"symbol": "BTCUSDT", "price": str(int(price * Decimal("0.99")))}
        )
        filled = wait_until(node, 1)
        assert Decimal(filled["openPositions"][0]["quantity"]) == Decimal("0.4")
        node.send(signal.SIGTERM)
        assert node.wait() == ExitCode.OK, node.stderr
    kept = json.loads(file.read_text())
    assert [position["quantity"] for position in kept["positions"]] == ["0.4"]
    assert len(kept["orders"]) == 1
    assert not [line for line in node.records if line["level"] == "ERROR"]


def test_an_account_that_holds_what_is_not_loaded_any_more_is_refused(tmp_path: Path, simulator: VenueAccount) -> None:
    file = tmp_path / "state" / "paper" / "BINANCE.json"
    file.parent.mkdir(parents=True)
    position = {
        "position_id": "P-1", "trader_id": "DESK-A-001", "strategy_id": "Holder-holder", "side": "BUY",
        "instrument_id": "ETHUSDT-PERP.BINANCE", "account_id": "BINANCE-001", "opening_order_id": "O-1",
        "quantity": "1", "average_price": 3000.0, "realized": "0", "opened_ns": 1,
    }  # fmt: skip
    kept = {
        "run": "x",
        "account_type": "Margin",
        "oms_type": "Netting",
        "balances": ["1 USDT"],
        "positions": [position],
    }
    file.write_text(json.dumps(kept))
    with node_process(tmp_path, config_of(simulator, act=False), modules={"holder": HOLDER}) as node:
        assert node.wait() == ExitCode.CONFIG_REFUSED
        assert node.termination is not None
        assert "ETHUSDT-PERP.BINANCE, which instruments does not name" in node.termination["message"]
    assert json.loads(file.read_text()) == kept


def test_two_nodes_do_not_share_a_paper_account(tmp_path: Path, simulator: VenueAccount) -> None:
    config, modules = config_of(simulator, act=False), {"holder": HOLDER}
    with node_process(tmp_path, config, modules=modules) as first:
        first.wait_for('"message": "Trading"')
        with node_process(tmp_path, config, modules=modules) as second:
            assert second.wait() == ExitCode.NOT_TRADING
            assert second.termination is not None
            assert second.termination["reason"] == "PaperAccountInUse"


def test_a_damaged_account_is_refused_and_left_as_it_is(tmp_path: Path, simulator: VenueAccount) -> None:
    file = tmp_path / "state" / "paper" / "BINANCE.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"run": "x"')
    with node_process(tmp_path, config_of(simulator, act=False), modules={"holder": HOLDER}) as node:
        assert node.wait() == ExitCode.CONFIG_REFUSED
        assert node.termination is not None
        assert "is damaged" in node.termination["message"]
        assert "move" in node.termination["remedy"]
    assert file.read_text() == '{"run": "x"'
