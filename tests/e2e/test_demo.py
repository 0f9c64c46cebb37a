"""`make demo` itself: one data set after another on one cluster, and what it says when its node cannot start."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.cluster import Cluster
from tests.cluster.gcs import Gcs
from tests.demo.manifest import EXAMPLE, ROOT
from tests.demo.show import BUCKET, NAMESPACE
from tests.e2e.kubectl import Kubectl, KubectlError
from tests.e2e.operator_install import OperatorInstall

Demo = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def demo(operator: OperatorInstall) -> Iterator[Demo]:
    """Run the demo's own command on the session's cluster, with a replay that is over in two seconds."""

    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "tests.demo", "up", "--seconds", "2", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)

    yield run
    kubectl = Kubectl(operator.environment, NAMESPACE)
    if kubectl.get("namespace", NAMESPACE) is not None:
        kubectl.run("delete", "td", "--all", "--timeout=90s", timeout=100)
        kubectl.run("delete", "namespace", NAMESPACE)


def _trades(folder: Path) -> Path:
    """Trades in whole numbers of another instrument, which go up and down."""
    file = folder / "trades.csv"
    rows = (f"{1_700_000_000 + n},{1800 + abs(n % 80 - 40)}.5,{n % 7 + 1}" for n in range(400))
    file.write_text("\n".join(["timestamp,price,quantity", *rows]) + "\n")
    return file


def test_one_data_set_after_another_is_traded_alone(demo: Demo, cluster: Cluster, tmp_path: Path) -> None:
    first = demo()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "synthetic, from the seeded generator" in first.stdout
    synthetic = set(Gcs.of(cluster).objects(BUCKET))

    second = demo("--data", _trades(tmp_path), "--instrument", "ETHUSDT.OKX")

    assert second.returncode == 0, second.stdout + second.stderr
    assert "your file trades.csv: 400 trades of ETHUSDT.OKX" in second.stdout
    assert "[##############################] 400 of 400 events" in second.stdout
    assert "The replay is over: 0 orders" not in second.stdout
    assert not synthetic & set(Gcs.of(cluster).objects(BUCKET))


def test_a_node_that_cannot_start_is_told_with_what_there_is_to_look_at(demo: Demo, tmp_path: Path) -> None:
    manifest: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    manifest["spec"]["strategies"][0]["path"] = "desk.missing:Strategy"
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(manifest))

    failed = demo("--manifest", tmp_path / "wrong.yaml")

    told = failed.stdout + failed.stderr
    assert failed.returncode == 1, told
    assert "make demo failed: paper-replay is in phase Failed and not in Completed or Trading: StrategyRefused" in told
    assert "Traceback" not in told
    assert "Degraded=True StrategyRefused: " in told
    assert "StrategyRefused tradingdeployment/paper-replay: " in told
    assert "End of the operator's log:\n  {" in told
    assert "the cluster was there before and stays; the demo's namespace is deleted" in told
    story = told.partition("with the logs of all containers: ")[2].split()[0]
    assert "=== namespace trading-system" in Path(story).read_text()


def test_an_api_server_that_does_not_answer_ends_as_words(operator: OperatorInstall) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"--server=http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(KubectlError, match=r"kubectl get pods --server=.*: no end after 2 s"):
            Kubectl(operator.environment, NAMESPACE).run("get", "pods", server, timeout=2)
