"""What a person gets wrong, and what breaks: one line with the remedy, a termination message, the right exit code."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.node.processes import EMA_CROSS, SECONDS, NodeProcess, node_process, run_config
from trading_api.exit_codes import ExitCode

RAISES = """
import asyncio
from datetime import timedelta
from nautilus_trader.trading.strategy import Strategy
from trading_node.examples.ema_cross import EmaCross, EmaCrossConfig


class InStart(EmaCross):
    def on_start(self):
        raise ValueError("not today")


class InHandler(EmaCross):
    def on_trade_tick(self, tick):
        raise ValueError("not today")


class InOrderHandler(EmaCross):
    def on_order_filled(self, event):
        raise ValueError("not today")


class InTimer(EmaCross):
    def on_start(self):
        super().on_start()
        self.clock.set_timer("t", timedelta(milliseconds=50), callback=self.on_timer)

    def on_timer(self, event):
        raise ValueError("not today")


class InStop(EmaCross):
    def on_stop(self):
        raise ValueError("not today")


class InConstructor(EmaCross):
    def __init__(self, config):
        raise ValueError("not today")


class KeepsItsConfig(EmaCross):
    def __init__(self, config):
        Strategy.__init__(self)


class KeepsToItself(EmaCross):
    def __init__(self, config):
        pass


class InStartAllTasks(EmaCross):
    def on_start(self):
        super().on_start()
        for task in asyncio.all_tasks():
            task.cancel()


class InHandlerAllTasks(EmaCross):
    def on_trade_tick(self, tick):
        for task in asyncio.all_tasks():
            task.cancel()


class StopsTheLoop(EmaCross):
    def on_trade_tick(self, tick):
        asyncio.get_running_loop().stop()


class AsksForShutdown(EmaCross):
    def on_trade_tick(self, tick):
        self.shutdown_system("not today")


class TimeBars(EmaCross):
    def on_start(self):
        from nautilus_trader.model.data import BarType
        self.subscribe_bars(BarType.from_str("BTCUSDT.BINANCE-1-MINUTE-LAST-INTERNAL"))


class Unheard(EmaCross):
    def on_start(self):
        self.subscribe_quote_ticks(self.config.instrument_id)
"""


def raising(name: str) -> dict[str, Any]:
    return {**EMA_CROSS, "path": f"raises:{name}", "config_path": "raises:EmaCrossConfig"}


def fails(
    folder: Path, config: dict[str, Any] | str, *, panics: bool = False, raises: str = "ValueError"
) -> NodeProcess:
    """Run a node that is to fail; hold what every failure has in common against it."""
    with node_process(folder, config, modules={"raises": RAISES.replace("ValueError", raises)}) as node:
        code = node.wait()
    last = node.stderr[-1]
    assert last.startswith("trading-node: error: ")
    assert node.termination is not None
    assert node.termination["message"] in last
    assert node.termination["remedy"] in last
    assert code == ExitCode(code) != 0
    if not panics:
        assert len(node.stderr) == 1, node.stderr
    return node


def test_a_strategy_that_leaves_while_it_is_made_is_refused(tmp_path: Path, catalog: Path) -> None:
    node = fails(tmp_path, run_config(catalog, raising("InConstructor")), raises="SystemExit")
    assert node.process.returncode == ExitCode.STRATEGY_REFUSED
    assert "SystemExit: not today" in node.stderr[0]


@pytest.mark.parametrize("name", ["KeepsItsConfig", "KeepsToItself"])
def test_a_strategy_that_hands_its_config_to_nobody_is_refused(tmp_path: Path, catalog: Path, name: str) -> None:
    node = fails(tmp_path, run_config(catalog, raising(name)))
    assert node.process.returncode == ExitCode.STRATEGY_REFUSED
    assert "super().__init__(config)" in node.stderr[0]


def test_a_config_with_several_faults_is_refused_with_all_of_them(tmp_path: Path, catalog: Path) -> None:
    config = run_config(catalog, mode="Simulated", trader_id="?")
    node = fails(tmp_path, config)
    assert node.process.returncode == ExitCode.CONFIG_REFUSED
    assert node.termination is not None
    assert node.termination["reason"] == "ConfigRefused"
    assert "trading_node.mode" in node.stderr[0]
    assert "trading_node.trader_id" in node.stderr[0]


def test_a_config_that_is_no_json_is_refused(tmp_path: Path) -> None:
    assert fails(tmp_path, "{").process.returncode == ExitCode.CONFIG_REFUSED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": "nowhere.at_all:X"}, "there is no module nowhere"),
        ({"path": "trading_node.examples.ema_cross:EmaCros"}, "Did you mean trading_node.examples.ema_cross:EmaCross"),
        ({"path": "trading_node.errors:NodeError"}, "is no subclass of Strategy"),
        ({"config": {**EMA_CROSS["config"], "fats": 3}}, "Did you mean fast instead of fats"),  # type: ignore[dict-item]
        ({"config": {"instrument_id": "BTCUSDT.BINANCE"}}, "trade_size"),
        ({"config": {**EMA_CROSS["config"], "fast": 30}}, "fast (30) must be less than slow (20)"),  # type: ignore[dict-item]
        ({"config": {**EMA_CROSS["config"], "order_id_tag": "X"}}, "Set order_id_tag beside config"),  # type: ignore[dict-item]
        ({"path": "raises:InConstructor"}, "ValueError: not today"),
    ],
)
def test_a_strategy_that_cannot_be_made_is_refused(
    tmp_path: Path, catalog: Path, change: dict[str, Any], words: str
) -> None:
    node = fails(tmp_path, run_config(catalog, {**EMA_CROSS, **change}))
    assert node.process.returncode == ExitCode.STRATEGY_REFUSED
    assert node.termination is not None
    assert node.termination["reason"] == "StrategyRefused"
    assert words in node.stderr[0]


@pytest.mark.parametrize("raises", ["ValueError", "SystemExit"])
@pytest.mark.parametrize("name", ["InStart", "InHandler", "InOrderHandler", "InTimer", "InStop"])
def test_a_strategy_that_raises_ends_the_node_in_order(tmp_path: Path, catalog: Path, name: str, raises: str) -> None:
    config = run_config(catalog, raising(name), speed=60 if name == "InTimer" else "Maximum")
    node = fails(tmp_path, config, raises=raises)
    assert node.process.returncode == ExitCode.CRASHED
    assert node.termination is not None
    assert node.termination["reason"] == "StrategyFailed"
    assert "not today" in node.stderr[0]
    assert node.summary["state"] == "Failed"
    assert any("STOPPED" in record["message"] for record in node.records if record["logger"] == "nautilus.TradingNode")


@pytest.mark.parametrize(
    ("name", "raises"),
    [
        ("InStart", "asyncio.CancelledError"),
        ("InHandler", "asyncio.CancelledError"),
        ("InHandler", "BaseException"),  # as a panic in Rust is
        ("InOrderHandler", "asyncio.CancelledError"),
        ("InOrderHandler", "BaseException"),
        ("InStop", "asyncio.CancelledError"),
    ],
)
def test_a_strategy_that_raises_what_is_no_error_ends_the_node_in_order(
    tmp_path: Path, catalog: Path, name: str, raises: str
) -> None:
    node = fails(tmp_path, run_config(catalog, raising(name)), raises=raises)
    assert node.process.returncode == ExitCode.CRASHED
    assert node.termination is not None
    assert node.termination["reason"] == "StrategyFailed"
    assert raises.removeprefix("asyncio.") in node.stderr[0]
    assert node.summary["state"] == "Failed"
    assert any("STOPPED" in record["message"] for record in node.records if record["logger"] == "nautilus.TradingNode")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("InStartAllTasks", "cancelled the node's own task"),
        ("InHandlerAllTasks", "cancelled the node's own task"),
        ("StopsTheLoop", "Event loop stopped"),
    ],
)
def test_a_strategy_that_takes_the_event_loop_for_its_own_ends_the_node_in_order(
    tmp_path: Path, catalog: Path, name: str, words: str
) -> None:
    node = fails(tmp_path, run_config(catalog, raising(name)))
    assert node.process.returncode == ExitCode.CRASHED
    assert node.termination is not None
    assert node.termination["reason"] == "StrategyFailed"
    assert words in node.stderr[0]
    assert node.summary["state"] == "Failed"
    assert any("STOPPED" in record["message"] for record in node.records if record["logger"] == "nautilus.TradingNode")


def test_a_strategy_may_end_the_node(tmp_path: Path, catalog: Path) -> None:
    node = fails(tmp_path, run_config(catalog, raising("AsksForShutdown")))
    assert node.process.returncode == ExitCode.CRASHED
    assert node.termination is not None
    assert node.termination["reason"] == "ShutdownRequested"


def test_time_bars_are_refused_in_an_accelerated_replay(tmp_path: Path, catalog: Path) -> None:
    node = fails(tmp_path, run_config(catalog, raising("TimeBars")))
    assert node.process.returncode == ExitCode.CONFIG_REFUSED
    assert node.termination is not None
    assert node.termination["reason"] == "TimeBarsNeedRealTime"


def _missing(catalog: Path, folder: Path) -> Path:
    return folder / "nowhere"


def _empty(catalog: Path, folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def _truncated(catalog: Path, folder: Path) -> Path:
    shutil.copytree(catalog, folder / "truncated")
    (file,) = (folder / "truncated" / "data" / "trade_tick").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-100])
    return folder / "truncated"


def _damaged(catalog: Path, folder: Path) -> Path:
    shutil.copytree(catalog, folder / "damaged")
    (file,) = (folder / "damaged" / "data" / "trade_tick").rglob("*.parquet")
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[100:middle] = bytes(middle - 100)
    file.write_bytes(content)
    return folder / "damaged"


def _without_instruments(catalog: Path, folder: Path) -> Path:
    shutil.copytree(catalog, folder / "bare")
    shutil.rmtree(folder / "bare" / "data" / "currency_pair")
    return folder / "bare"


@pytest.mark.parametrize("make", [_missing, _empty, _truncated, _damaged, _without_instruments])
def test_a_catalog_that_cannot_be_replayed_is_named(tmp_path: Path, catalog: Path, make: Any) -> None:
    path = make(catalog, tmp_path)
    node = fails(tmp_path, run_config(path), panics=make is _damaged)
    assert node.process.returncode == ExitCode.CATALOG_UNREADABLE
    assert node.termination is not None
    assert node.termination["reason"] == "CatalogUnreadable"


def test_a_venue_that_the_catalog_lacks_is_named(tmp_path: Path, catalog: Path) -> None:
    config = run_config(catalog)
    config["trading_node"]["venues"][0]["name"] = "KRAKEN"
    node = fails(tmp_path, config)
    assert node.process.returncode == ExitCode.CATALOG_UNREADABLE
    assert "Name the venue BINANCE" in node.stderr[0]


def test_subscribing_to_nothing_that_is_there_is_said(tmp_path: Path, catalog: Path) -> None:
    node = fails(tmp_path, run_config(catalog, raising("Unheard")))
    assert node.process.returncode == ExitCode.CATALOG_UNREADABLE
    assert "QuoteTick of BTCUSDT.BINANCE" in node.stderr[0]
    assert "trade_tick of BTCUSDT.BINANCE" in node.stderr[0]


def test_a_port_in_use_is_said(tmp_path: Path, catalog: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        node = fails(tmp_path, run_config(catalog, http={"port": port}))
    assert node.process.returncode == ExitCode.NOT_TRADING
    assert node.termination is not None
    assert node.termination["reason"] == "PortInUse"


@pytest.mark.parametrize("text", [False, True])
def test_a_full_disk_under_the_log_changes_nothing_about_the_end(tmp_path: Path, catalog: Path, *, text: bool) -> None:
    config = run_config(catalog)
    config["logging"]["format"] = "text" if text else "json"
    file = tmp_path / "paper.json"
    file.write_text(json.dumps(config))
    command = [sys.executable, "-m", "trading_node.cli", "run", "--config", str(file)]
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123  # a device
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=SECONDS, check=False)
        assert ended.returncode == ExitCode.OK, ended.stderr
        assert ended.stderr.count(b"\n") == 1
        assert b"log lines are lost" in ended.stderr
        refused = [*command[:-1], str(tmp_path / "none.json")]
        assert subprocess.run(refused, stderr=full, timeout=SECONDS, check=False).returncode == ExitCode.CONFIG_REFUSED
