"""``trading-node config check``: what a start would refuse is found without starting."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.node.venues.venues import VARIABLES, venue
from trading_api.adapters import Adapter
from trading_api.exit_codes import ExitCode
from trading_node.cli import main

EMA = {
    "name": "ema",
    "path": "trading_node.examples.ema_cross:EmaCross",
    "config_path": "trading_node.examples.ema_cross:EmaCrossConfig",
    "config": {"instrument_id": "BTCUSDT.BINANCE", "trade_size": "0.01"},
}


def write(folder: Path, adapter: Adapter = Adapter.BINANCE, **fields: Any) -> str:
    document = venue(adapter, **fields).model_dump(mode="json", by_alias=False, exclude_none=True)
    section = {"mode": "Live", "trader_id": "DESK-A-001", "strategies": [EMA], "venues": [document]}
    file = folder / "live.json"
    file.write_text(json.dumps({"trading_node": section, "database": {"directory": "books"}}))
    return str(file)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


def test_what_would_connect_is_ok(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", write(tmp_path)]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok  ") for line in lines)
    parts = {line.removeprefix("ok").strip() for line in lines}
    assert {"market data of BINANCE", "orders of BINANCE", "strategy ema", "address of the database"} <= parts


def test_every_part_that_is_refused_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_API_SECRET", "an-hmac-secret")
    file = write(tmp_path, binance={"account_type": "Spot"})
    monkeypatch.setitem(EMA, "path", "nowhere.at_all:EmaCross")
    write(tmp_path, binance={"account_type": "Spot"})
    assert main(["config", "check", file]) == ExitCode.CONFIG_REFUSED
    said = capsys.readouterr()
    refused = [line for line in said.out.splitlines() if line.startswith("refused")]
    assert len(refused) == 2
    assert "orders of BINANCE" in refused[0]
    assert "Ed25519 keys only" in refused[0]
    assert "strategy ema" in refused[1]
    assert "2 part(s)" in said.err
    assert "an-hmac-secret" not in said.out + said.err


@pytest.mark.parametrize("url", ["mysql://desk@db/books", "postgresql://desk:h0rse@db/books?channel_binding=require"])
def test_a_database_that_no_start_could_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("BOOKS", url)
    file = Path(write(tmp_path))
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "database": {"directory": "books", "url_env": "BOOKS"}}))
    assert main(["config", "check", str(file)]) == ExitCode.CONFIG_REFUSED
    said = capsys.readouterr()
    assert "refused  address of the database: The books' database cannot be used" in said.out
    assert "Correct the environment variable BOOKS" in said.out
    assert "h0rse" not in said.out + said.err


def test_nothing_is_imported_for_the_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EMA, "path", "nowhere.at_all:EmaCross")
    assert main(["config", "check", "--only-file", write(tmp_path)]) == ExitCode.OK


def test_order_ids_that_okx_would_refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EMA, "order_id_tag", "EMACROSS")
    assert main(["config", "check", write(tmp_path, Adapter.OKX)]) == ExitCode.OK
    file = Path(write(tmp_path, Adapter.OKX))
    file.write_text(file.read_text().replace("DESK-A-001", "DESK-A-0001"))
    assert main(["config", "check", str(file)]) == ExitCode.CONFIG_REFUSED
    assert "may have 11 characters together" in capsys.readouterr().out
