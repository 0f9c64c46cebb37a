"""The command line: quick, and every error in one line with its remedy."""

import json
from pathlib import Path

import pytest

from trading_api.exit_codes import ExitCode
from trading_node.cli import load_config, main
from trading_node.errors import NodeError


def test_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["walk"]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "invalid choice: 'walk'" in error
    assert "trading-node --help" in error


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert "CATALOG_UNREADABLE" in capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert "nautilus_trader 1." in capsys.readouterr().out


def test_a_config_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADING_TERMINATION_MESSAGE_PATH", str(tmp_path / "last-words"))
    assert main(["run", "--config", str(tmp_path / "nowhere.json")]) == ExitCode.CONFIG_REFUSED
    assert "nowhere.json cannot be read: No such file or directory" in capsys.readouterr().err
    assert json.loads((tmp_path / "last-words").read_text())["reason"] == "ConfigRefused"


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "is not JSON"), ("[]", "write an object"), ('{"trading_nod": {}}', "did you mean trading_node")],
)
def test_a_config_that_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "paper.json"
    file.write_text(text)
    with pytest.raises(NodeError) as error:
        load_config(file)
    assert error.value.exit_code is ExitCode.CONFIG_REFUSED
    assert words in str(error.value)


def test_a_catalog_is_made_and_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "ticks")
    assert main(["catalog", "generate", "--minutes", "1", "--out", out]) == 0
    assert "SYNTHETIC" in capsys.readouterr().out
    assert main(["catalog", "info", out]) == 0
    assert "trade_tick of BTCUSDT.BINANCE" in capsys.readouterr().out
    assert main(["catalog", "info", str(tmp_path)]) == ExitCode.CATALOG_UNREADABLE


def test_the_documented_example_is_a_run_config() -> None:
    example = Path(__file__).parents[3] / "docs" / "examples" / "paper.json"
    assert load_config(example).config.trading_node.strategies
