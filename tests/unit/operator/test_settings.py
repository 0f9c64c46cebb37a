"""Settings: what is read, what is refused, and that the chart sets what the operator reads."""

import re
from pathlib import Path

import pytest

from trading_api.deployment import CatalogDriver
from trading_operator.main import main
from trading_operator.settings import InvalidSettingsError, settings_from

CHART = Path(__file__).resolve().parents[3] / "charts" / "trading-operator"


def test_defaults_are_complete() -> None:
    found = settings_from({})
    assert (found.workers, found.metrics_port, found.resync_seconds) == (16, 8080, 600)
    assert found.render.gcs.driver is CatalogDriver.AUTO
    assert found.watch_namespaces == ()


def test_everything_can_be_set() -> None:
    found = settings_from(
        {
            "TRADING_OPERATOR_GCSFUSE_IMAGE": "gcsfuse:3",
            "TRADING_OPERATOR_GCS_ENDPOINT": "http://10.0.0.1:4443/storage/v1/",
            "TRADING_OPERATOR_GCS_ANONYMOUS": "true",
            "TRADING_OPERATOR_GCS_DRIVER": "Sidecar",
            "TRADING_OPERATOR_NODE_REPORT_INTERVAL_SECONDS": "5",
            "TRADING_OPERATOR_WATCH_NAMESPACES": "desk-a, desk-b",
            "TRADING_OPERATOR_LOG_LEVEL": "debug",
            "PATH": "/bin",
        }
    )
    assert found.render.gcs.anonymous
    assert found.render.gcs.driver is CatalogDriver.SIDECAR
    assert found.render.node_report_interval_seconds == 5
    assert found.watch_namespaces == ("desk-a", "desk-b")
    assert found.log_level == "DEBUG"


def test_every_fault_is_told_at_once_with_what_to_write() -> None:
    with pytest.raises(InvalidSettingsError) as refused:
        settings_from(
            {
                "TRADING_OPERATOR_WORKERS": "many",
                "TRADING_OPERATOR_GCS_ANONYMOUS": "yes",
                "TRADING_OPERATOR_GCS_ENDPOINT": "emulator",
                "TRADING_OPERATOR_GCS_DRIVER": "Magic",
                "TRADING_OPERATOR_WATCH_NAMESPACES": "desk-a, desk-*",
                "TRADING_OPERATOR_WORKER": "1",
            }
        )
    told = str(refused.value)
    assert "TRADING_OPERATOR_WORKERS='many': write a whole number from 1 to 256" in told
    assert "TRADING_OPERATOR_GCS_ANONYMOUS='yes': write true or false" in told
    assert "write a URL" in told
    assert "write one of Auto, GKE, Sidecar" in told
    assert "WATCH_NAMESPACES='desk-a, desk-*': write the names of namespaces, without patterns" in told
    assert "TRADING_OPERATOR_WORKER: no such setting" in told


def test_the_chart_sets_nothing_that_the_operator_does_not_know() -> None:
    template = (CHART / "templates" / "deployment.yaml").read_text(encoding="utf-8")
    names = re.findall(r'^\s+"([A-Z_]+)" ', template, flags=re.MULTILINE)
    assert len(names) >= 10
    settings_from({f"TRADING_OPERATOR_{name}": "" for name in names})


def test_the_program_prints_its_version_and_refuses_bad_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("trading-operator ")
    monkeypatch.setenv("TRADING_OPERATOR_WORKERS", "0")
    assert main(["run"]) == 2
    assert "TRADING_OPERATOR_WORKERS" in capsys.readouterr().err
