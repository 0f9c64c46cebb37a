"""A replay to its end: it trades, its books balance, and the same data gives the same trades."""

import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.node.processes import EMA_CROSS, MEAN_REVERSION, NodeProcess, node_process, run_config

KEEP_FILLS = """
import os
from nautilus_trader.model.events import OrderFilled
from trading_node.examples.ema_cross import EmaCross, EmaCrossConfig


class Witness(EmaCross):
    # Writes down each fill in the catalog's own time, and the balances at the end.
    def on_start(self):
        super().on_start()
        self.fills = []
        self.msgbus.subscribe("events.order.*", self.keep)  # a strategy's own handlers hear nothing after its stop

    def keep(self, fill):
        if isinstance(fill, OrderFilled):
            self.fills.append(f"{fill.ts_event} {fill.order_side} {fill.last_qty} {fill.last_px} {fill.commission}")

    def on_dispose(self):
        with open(os.environ["FILLS"], "w") as file:
            file.write("\\n".join(self.fills))
"""
WITNESS = {**EMA_CROSS, "path": "witness:Witness", "config_path": "witness:EmaCrossConfig"}


def run_to_end(folder: Path, config: dict[str, Any], **more: Any) -> NodeProcess:
    with node_process(folder, config, **more) as node:
        assert node.wait() == 0, node.stderr
        return node


def test_a_replay_trades_to_its_end(tmp_path: Path, catalog: Path) -> None:
    node = run_to_end(tmp_path, run_config(catalog, EMA_CROSS, MEAN_REVERSION))
    summary = node.summary
    assert summary["state"] == "Completed"
    assert summary["orders"]["filled"] == summary["orders"]["total"] > 10
    assert summary["orders"]["open"] == summary["orders"]["rejected"] == summary["orders"]["denied"] == 0
    assert summary["fills"] >= summary["orders"]["filled"]
    assert summary["positions"]["open"] == 0
    assert summary["replay"]["events"] == summary["replay"]["total"]
    assert node.termination is None


def test_an_order_that_is_refused_is_not_sent_again_and_again(tmp_path: Path, catalog: Path) -> None:
    strategy = {**EMA_CROSS, "config": {"instrument_id": "BTCUSDT.BINANCE", "trade_size": "1000"}}
    node = run_to_end(tmp_path, run_config(catalog, strategy))
    assert node.summary["orders"] == {"total": 1, "open": 0, "filled": 0, "rejected": 0, "denied": 1}


def test_standard_output_is_json_in_one_schema_and_standard_error_is_empty(tmp_path: Path, catalog: Path) -> None:
    node = run_to_end(tmp_path, run_config(catalog))
    for record in node.records:
        assert {"ts", "level", "logger", "message"} <= set(record) <= {"ts", "level", "logger", "message", "fields"}
        assert record["level"] in {"DEBUG", "INFO", "WARNING", "ERROR"}
    assert any(record["logger"] == "nautilus.ExecEngine" for record in node.records)
    assert node.stderr == []


def test_cash_changes_by_exactly_what_was_filled(tmp_path: Path, catalog: Path) -> None:
    fills = tmp_path / "fills"
    node = run_to_end(
        tmp_path, run_config(catalog, WITNESS), environment={"FILLS": str(fills)}, modules={"witness": KEEP_FILLS}
    )
    cash = coins = Decimal(0)
    for line in fills.read_text().splitlines():
        _, side, quantity, price, commission, currency = line.split()
        sign = -1 if side == "1" else 1  # OrderSide.BUY
        assert currency == "USDT"
        cash += sign * Decimal(quantity) * Decimal(price) - Decimal(commission)
        coins -= sign * Decimal(quantity)
    assert coins == 0
    (profit,) = node.summary["profitAndLoss"]
    # Each fill's profit and each commission are rounded to the eighth decimal of a USDT.
    assert abs(Decimal(profit["realized"]) - cash) <= Decimal("0.00000002") * node.summary["fills"]


@pytest.mark.parametrize("speed", [300, 3_000])
def test_the_same_catalog_gives_the_same_fills_at_any_speed(tmp_path: Path, catalog: Path, speed: int) -> None:
    seen = []
    for number, pace in enumerate(("Maximum", speed)):
        folder = tmp_path / str(number)
        folder.mkdir()
        fills = folder / "fills"
        run_to_end(
            folder,
            run_config(catalog, WITNESS, speed=pace),
            environment={"FILLS": str(fills)},
            modules={"witness": KEEP_FILLS},
        )
        seen.append(fills.read_text().splitlines())
    assert len(seen[0]) > 10
    assert seen[0] == seen[1]


def test_health_metrics_and_status_are_served_while_it_trades(tmp_path: Path, long_catalog: Path) -> None:
    with node_process(tmp_path, run_config(long_catalog)) as node:
        node.wait_for('"message": "Trading"')
        for path, expected in (("/livez", "ok"), ("/readyz", "trading"), ("/api/status", '"state": "Trading"')):
            with urllib.request.urlopen(node.url(path), timeout=5) as answer:  # noqa: S310  # loopback
                assert expected in answer.read().decode()
        with urllib.request.urlopen(node.url("/metrics"), timeout=5) as answer:  # noqa: S310  # loopback
            metrics = answer.read().decode()
        assert 'trading_node_state{state="Trading"} 1.0' in metrics
        assert "trading_node_replay_events_total" in metrics
