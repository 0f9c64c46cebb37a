"""``trading-node run`` on real adapters, against the venue simulator: it trades, and both tell the same story."""

import json
import signal
import time
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.node.processes import SECONDS, NodeProcess, node_process
from tests.node.venues.desks import ROOMS, keys, on_paper, run_config, strategy, venue
from tests.venue.process import VenueAccount
from trading_api.exit_codes import ExitCode

EXCHANGE = ("--step-ms", "20")
FILLS = 6


def status(node: NodeProcess) -> dict[str, Any]:
    with urllib.request.urlopen(node.url("/api/status"), timeout=5) as answer:  # noqa: S310  # loopback
        document: dict[str, Any] = json.load(answer)
        return document


def wait_for_fills(node: NodeProcess, count: int) -> dict[str, Any]:
    """Wait until the node has so many fills, and return its status."""
    node.wait_for('"message": "Trading"')
    deadline = time.monotonic() + SECONDS
    while (now := status(node))["fills"] < count:
        assert time.monotonic() < deadline, f"{now['fills']} fills: {now['orders']}\n{node.told()}"
        assert node.process.poll() is None, node.stderr
        time.sleep(0.05)
    return now


@pytest.mark.parametrize("market", ROOMS)
def test_a_live_node_trades_and_the_ledger_agrees(tmp_path: Path, simulator: VenueAccount, market: str) -> None:
    secrets = keys(simulator, market)
    with node_process(tmp_path, run_config(venue(simulator, market), strategy(market)), environment=secrets) as node:
        seen = wait_for_fills(node, FILLS)
        assert seen["orders"]["rejected"] == seen["orders"]["denied"] == 0
        assert seen["state"] == "Trading"
        assert seen["reconciled"]
        (agreement,) = seen["reconciliation"]["venues"]
        assert agreement["agreed"]
        assert agreement["lastAgreementAt"] > seen["startedAt"]
        assert seen["reconciliation"]["openDifferences"] == []
        assert "replay" not in seen
        node.send(signal.SIGTERM)
        assert node.wait() == ExitCode.OK, node.stderr
    ledger = simulator.ledger(ROOMS[market])
    assert not ledger["imbalance"]
    at_venue = {str(fill["trade_id"]): fill for fill in ledger["fills"]}
    for fill in seen["recentFills"]:
        truth = at_venue[fill["tradeId"]]
        assert Decimal(truth["quantity"]) == Decimal(fill["quantity"])
        assert Decimal(truth["price"]) == Decimal(fill["price"])
        assert truth["side"].upper() == fill["side"]
    for line in node.stdout + node.stderr:
        assert not any(secret in line for secret in secrets.values()), line


@pytest.mark.parametrize("market", ROOMS)
def test_a_paper_node_fills_from_live_data_and_sends_nothing(
    tmp_path: Path, simulator: VenueAccount, market: str
) -> None:
    config = run_config(on_paper(venue(simulator, market), market), strategy(market))
    with node_process(tmp_path, config, environment=keys(simulator, market)) as node:
        seen = wait_for_fills(node, FILLS)
        assert seen["orders"]["rejected"] == seen["orders"]["denied"] == 0
        assert "reconciliation" not in seen, "a simulated account agrees by nature"
        node.send(signal.SIGTERM)
        assert node.wait() == ExitCode.OK, node.stderr
        assert node.summary["positions"]["open"] == 0
    ledger = simulator.ledger(ROOMS[market])
    assert ledger["orders"] == []


TALKER = """
import os, sys, threading
from nautilus_trader.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

class TalkerConfig(StrategyConfig, frozen=True):
    pass

class Talker(Strategy):
    # Says what it must not in every way that is past the log.
    def on_start(self):
        secret = os.environ["DESK_API_SECRET"]
        print("printed", secret)
        sys.stderr.write(f"complained {secret}\\n")
        os.write(2, f"written {secret}\\n".encode())
        thread = threading.Thread(target=self.fail, args=(secret,))
        thread.start()
        thread.join()

    def fail(self, secret):
        raise ValueError(f"failed {secret}")
"""


def test_what_a_strategy_prints_holds_no_key(tmp_path: Path, simulator: VenueAccount) -> None:
    talker = {"name": "talker", "path": "talker:Talker", "config_path": "talker:TalkerConfig", "config": {}}
    config, secrets = run_config(venue(simulator, "futures"), talker), keys(simulator, "futures")
    with node_process(tmp_path, config, environment=secrets, modules={"talker": TALKER}) as node:
        node.wait_for('"message": "Trading"')
        node.send(signal.SIGTERM)
        assert node.wait() == ExitCode.OK, node.stderr
    said = "\n".join([*node.stdout, *node.stderr])
    for word in ("printed", "complained", "written", "ValueError: failed"):
        assert f"{word} <api-secret>" in said
    assert not any(secret in said for secret in secrets.values())


def test_a_live_node_without_its_keys_says_which(tmp_path: Path, simulator: VenueAccount) -> None:
    with node_process(tmp_path, run_config(venue(simulator, "spot"), strategy("spot"))) as node:
        assert node.wait() == ExitCode.CONFIG_REFUSED
        assert node.termination is not None
        assert node.termination["reason"] == "CredentialsMissing"
        assert "DESK_API_KEY is not set" in node.termination["message"]
