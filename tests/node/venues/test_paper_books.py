"""A paper account and the books agree after a kill at the worst moment, and orders wait for an account that is kept."""

import json
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.node.processes import SECONDS, NodeProcess, node_process
from tests.node.venues.desks import on_paper, run_config, venue
from tests.node.venues.test_live import status
from tests.venue.process import VenueAccount
from trading_api.exit_codes import ExitCode

EXCHANGE = ("--step-ms", "50")
DYING = """
import asyncio
import os
import signal
from decimal import Decimal
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy


class DyingConfig(StrategyConfig, frozen=True):
    instrument_id: str
    dies: str = ""


class Dying(Strategy):
    # Buys and leaves an order; then dies in the midst of what `dies` says: after the books, before the account.
    def on_start(self):
        self.instrument = self.cache.instrument(InstrumentId.from_str(self.config.instrument_id))
        self.steps = 0
        self.subscribe_quote_ticks(self.instrument.id)

    def on_quote_tick(self, tick):
        dies, make, size = self.config.dies, self.order_factory, self.instrument.make_qty
        self.steps += 1
        low = self.instrument.make_price(float(tick.bid_price) / 2)
        if not dies:
            return
        if self.steps == 1:
            self.submit_order(make.market(self.instrument.id, OrderSide.BUY, size("0.5")))
            self.rests = make.limit(self.instrument.id, OrderSide.BUY, size("0.1"), low)
            self.submit_order(self.rests)
        elif self.steps == 3 and dies == "fill":
            self.submit_order(make.market(self.instrument.id, OrderSide.SELL, size("0.2")))
        elif self.steps == 3 and dies == "cancel":
            self.cancel_order(self.rests)
        elif self.steps == 3 and dies == "change":
            self.modify_order(self.rests, price=self.instrument.make_price(float(low) - 1))
        elif self.steps == 3 and dies == "placing":
            self.submit_order(make.limit(self.instrument.id, OrderSide.BUY, size("0.1"), low))
        elif self.steps == 3 and dies == "part":
            self.submit_order(make.limit(self.instrument.id, OrderSide.BUY, size("500"), tick.ask_price))
        elif self.steps == 6 and dies != "part":  # which waits for the market to come to its price
            self.die()

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def on_order_filled(self, event):
        if self.config.dies == "fill" and self.steps >= 3:
            self.die()
        if self.config.dies == "part" and self.steps >= 3:
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self.die)  # once the account is kept, long before the next price

    def on_order_canceled(self, event):
        self.die()

    def on_order_updated(self, event):
        self.die()

    def on_order_accepted(self, event):
        if self.config.dies == "placing" and self.steps >= 3:
            self.die()
"""
MODULES = {"dying": DYING}


def config_of(simulator: VenueAccount, dies: str = "") -> dict[str, Any]:
    strategy = {
        "name": "dying",
        "path": "dying:Dying",
        "config_path": "dying:DyingConfig",
        "config": {"instrument_id": "BTCUSDT-PERP.BINANCE", "dies": dies},
    }
    drain = {"orders": "Keep", "positions": "Keep"}
    account = on_paper(venue(simulator, "futures"), "futures")
    account["paper"]["starting_balances"] = ["100000000 USDT"]
    return run_config(account, strategy, state_directory="state", drain=drain)


def ask(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{folder / 'books' / 'books.sqlite3'}?mode=ro", uri=True)) as database:
        return database.execute(statement).fetchall()


def in_books(folder: Path) -> dict[str, Any]:
    orders = "SELECT client_order_id, quantity, price FROM unified_orders WHERE is_open ORDER BY client_order_id"
    positions = "SELECT position_id, quantity FROM unified_positions WHERE is_open"
    return {
        "orders": [(name, Decimal(quantity), Decimal(price)) for name, quantity, price in ask(folder, orders)],
        "positions": [(name.rpartition("@")[0], Decimal(quantity)) for name, quantity in ask(folder, positions)],
    }


def in_node(node: NodeProcess) -> dict[str, Any]:
    node.wait_for('"message": "Trading"')
    now = status(node)
    still_open = [order for order in now["recentOrders"] if order["status"].upper() == "ACCEPTED"]
    assert len(still_open) == now["orders"]["open"]
    return {
        "orders": sorted(
            (order["clientOrderId"], Decimal(order["quantity"]), Decimal(order["price"])) for order in still_open
        ),
        "positions": [(each["positionId"], Decimal(each["quantity"])) for each in now["openPositions"]],
    }


def live_until_dead(folder: Path, simulator: VenueAccount, dies: str) -> None:
    with node_process(folder, config_of(simulator, dies), modules=MODULES) as node:
        assert node.wait() == -signal.SIGKILL, node.told()


def next_life(folder: Path, simulator: VenueAccount) -> dict[str, Any]:
    """Start again, stop in order, and return what the node had; the books have the same then."""
    with node_process(folder, config_of(simulator), modules=MODULES) as node:
        had = in_node(node)
        node.send(signal.SIGTERM)
        assert node.wait() == ExitCode.OK, node.told()
    assert in_books(folder) == had
    return had


@pytest.mark.parametrize(
    ("dies", "orders", "position"),
    [
        ("fill", 1, "0.5"),  # the sale is in the books and not in the account: it is taken back
        ("cancel", 0, "0.5"),  # the end of an order is the books' word
        ("change", 1, "0.5"),
        ("placing", 1, "0.5"),
        ("part", 1, None),
    ],
)
def test_books_and_account_agree_after_a_kill(
    tmp_path: Path, simulator: VenueAccount, dies: str, orders: int, position: str | None
) -> None:
    live_until_dead(tmp_path, simulator, dies)
    had = next_life(tmp_path, simulator)
    assert len(had["orders"]) == orders
    ((_, quantity),) = had["positions"]
    if position is not None:
        assert quantity == Decimal(position)
    else:
        assert Decimal("0.5") < quantity < Decimal("500.5")
    ((voided,),) = ask(tmp_path, "SELECT count(*) FROM unified_fills WHERE voided")
    if dies != "part":  # whose fills go on until the end
        assert voided == (1 if dies == "fill" else 0)


def test_a_life_in_which_nothing_happened_changes_nothing(tmp_path: Path, simulator: VenueAccount) -> None:
    live_until_dead(tmp_path, simulator, "fill")
    had = next_life(tmp_path, simulator)
    corrected = ask(tmp_path, "SELECT event_id FROM unified_events WHERE reconciliation")
    assert len(corrected) == 2  # the fill, and the order that it was of
    assert next_life(tmp_path, simulator) == had
    assert ask(tmp_path, "SELECT event_id FROM unified_events WHERE reconciliation") == corrected


def test_books_that_begin_later_take_the_account_in(tmp_path: Path, simulator: VenueAccount) -> None:
    live_until_dead(tmp_path, simulator, "fill")
    shutil.rmtree(tmp_path / "books")
    had = next_life(tmp_path, simulator)
    assert len(had["orders"]) == 1
    ((name, order_type),) = ask(tmp_path, "SELECT client_order_id, order_type FROM unified_orders WHERE NOT is_open")
    assert name.startswith("OPENING-")
    assert order_type == "MARKET"
    assert next_life(tmp_path, simulator) == had


def test_orders_wait_for_an_account_that_can_be_kept(tmp_path: Path, simulator: VenueAccount) -> None:
    """The file's place is taken by something that cannot be replaced, as on a disk that is full."""
    config = config_of(simulator)
    config["trading_node"]["strategies"][0]["config"]["dies"] = "nothing"
    file = tmp_path / "state" / "paper" / "BINANCE.json"
    obstacle = file.with_suffix(".new")
    obstacle.mkdir(parents=True)
    with node_process(tmp_path, config, modules={"dying": DYING.replace("self.steps == 6", "False")}) as node:
        node.wait_for("cannot be kept")
        node.wait_for("NotRecorded")
        assert status(node)["fills"] == 0
        obstacle.rmdir()
        node.wait_for("is kept again")
        deadline = time.monotonic() + SECONDS
        while not file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        node.send(signal.SIGTERM)
        assert node.wait() == ExitCode.OK, node.told()
    assert json.loads(file.read_text())["positions"] == []
