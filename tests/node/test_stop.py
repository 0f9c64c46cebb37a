"""SIGTERM in every phase of a node's life ends it in time, with the exit code that says what happened."""

import signal
import time
from pathlib import Path

import pytest

from tests.node.processes import EMA_CROSS, node_process, run_config

PROMPT_SECONDS = 5.0
SLOW_IMPORT = """
import sys, time
print("importing", flush=True)
time.sleep(600)
"""
STOPPED_WHILE_IMPORTED = """
import os, pathlib, signal, sys

print("stopped at", len(sys.modules), flush=True)
os.kill(os.getpid(), signal.SIGTERM)
sys.path.remove(str(pathlib.Path(__file__).parent))
del sys.modules["pydantic"]
import pydantic
"""
"""Takes the place of the first large package that the node needs."""
HANGING_MOUNT = """
import pathlib, time

is_dir = pathlib.Path.is_dir


def hang(path, **options):
    # As on a mount that has lost its server: the call does not return.
    if path.name == "hanging":
        print("hanging", flush=True)
        time.sleep(600)
    return is_dir(path, **options)


pathlib.Path.is_dir = hang
"""
HOLDS_A_POSITION = """
from trading_node.examples.ema_cross import EmaCross, EmaCrossConfig


class Holder(EmaCross):
    def on_stop(self):
        pass
"""
WITHOUT_KUBERNETES_API = {
    "TRADING_DEPLOYMENT_NAME": "btc",
    "TRADING_NAMESPACE": "desk",
    "TRADING_POD_NAME": "btc-node-0",
    "TRADING_POD_UID": "uid",
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    "KUBERNETES_SERVICE_PORT": "1",
}


def test_while_it_is_being_imported_itself(tmp_path: Path, catalog: Path) -> None:
    """The first process of a container would lose the signal; this one, without more ado, would end by it."""
    with node_process(tmp_path, run_config(catalog), modules={"pydantic": STOPPED_WHILE_IMPORTED}) as node:
        assert node.wait() == 0, node.stderr
        assert "nothing to stop" in node.told()


def test_while_a_strategy_is_imported(tmp_path: Path, catalog: Path) -> None:
    strategy = {**EMA_CROSS, "path": "slow:Strategy"}
    with node_process(tmp_path, run_config(catalog, strategy), modules={"slow": SLOW_IMPORT}) as node:
        node.wait_for("importing")
        asked = node.send(signal.SIGTERM)
        assert node.wait() == 0
        assert time.monotonic() - asked < PROMPT_SECONDS


def test_while_a_catalogs_mount_hangs(tmp_path: Path, catalog: Path) -> None:
    with node_process(tmp_path, run_config(tmp_path / "hanging"), modules={"sitecustomize": HANGING_MOUNT}) as node:
        node.wait_for("hanging")
        asked = node.send(signal.SIGTERM)
        assert node.wait() == 0
        assert time.monotonic() - asked < PROMPT_SECONDS
        assert '"state": "Stopped"' in node.stdout[-1]


@pytest.mark.parametrize("speed", [1, 60, "Maximum"])
def test_while_it_trades(tmp_path: Path, long_catalog: Path, speed: object) -> None:
    with node_process(tmp_path, run_config(long_catalog, speed=speed)) as node:
        node.wait_for('"message": "Trading"')
        asked = node.send(signal.SIGTERM)
        assert node.wait() == 0, node.stderr
        assert time.monotonic() - asked < PROMPT_SECONDS
        assert node.summary["state"] == "Stopped"
        assert node.summary["positions"]["open"] == 0
        assert node.termination is None


def test_a_second_sigterm_changes_nothing(tmp_path: Path, long_catalog: Path) -> None:
    with node_process(tmp_path, run_config(long_catalog)) as node:
        node.wait_for('"message": "Trading"')
        node.send(signal.SIGTERM)
        node.send(signal.SIGTERM)
        assert node.wait() == 0
        assert node.summary["state"] == "Stopped"


def test_what_a_strategy_leaves_open_is_said(tmp_path: Path, long_catalog: Path) -> None:
    strategy = {**EMA_CROSS, "path": "holder:Holder", "config_path": "holder:EmaCrossConfig"}
    with node_process(tmp_path, run_config(long_catalog, strategy), modules={"holder": HOLDS_A_POSITION}) as node:
        node.wait_for("PositionOpened")
        node.send(signal.SIGTERM)
        assert node.wait() == 0
        # It sells everything again and again: the stop may come in between.
        said = next(r["message"] for r in node.records if r["message"].startswith("stop of DESK-A-001: "))
        assert ("1 position kept: " in said) == (node.summary["positions"]["open"] == 1), said


def test_in_kubernetes_it_idles_after_the_replay_and_ends_on_sigterm(tmp_path: Path, catalog: Path) -> None:
    with node_process(tmp_path, run_config(catalog), environment=WITHOUT_KUBERNETES_API) as node:
        node.wait_for("Completed: All")
        time.sleep(0.5)
        assert node.process.poll() is None
        asked = node.send(signal.SIGTERM)
        assert node.wait() == 0, node.stderr
        # The API server cannot be reached: the last report is given up within its own budget.
        assert time.monotonic() - asked < PROMPT_SECONDS + 5
        assert node.summary["state"] == "Completed"
