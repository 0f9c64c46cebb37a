"""A stop closes what each strategy holds of a position that the venue keeps as one, and nothing that others hold."""

import time
from decimal import Decimal
from pathlib import Path

import pytest

from tests.node.processes import SECONDS, node_process
from tests.node.stopping.desk import HOLDER, SYMBOLS, Desk, desk, holder
from tests.node.venues.desks import ROOMS, keys, run_config, venue
from tests.venue.process import VenueAccount
from trading_api.exit_codes import ExitCode

FLATTEN = {"orders": "Cancel", "positions": "Flatten", "timeout": "30s"}


@pytest.mark.parametrize("holds", [("0.03", "0.02"), ("0.05", "-0.02")])
def test_two_strategies_that_share_a_position(tmp_path: Path, simulator: VenueAccount, holds: tuple[str, str]) -> None:
    strategies = [
        {**holder("futures", orders=0, hold=hold), "name": f"holder-{number}"} for number, hold in enumerate(holds)
    ]
    document = run_config(venue(simulator, "futures"), *strategies, drain=FLATTEN)
    with node_process(tmp_path, document, environment=keys(simulator, "futures"), modules={"holder": HOLDER}) as node:
        running = Desk(node, simulator, "futures")
        wait_for(running, Decimal(holds[0]) + Decimal(holds[1]), 2)
        code, _ = running.stop()
        assert code == ExitCode.OK, node.stderr
        assert running.position() == 0
        assert running.drain["openPositions"] == 0


def test_what_a_strategy_adds_to_a_position_that_was_opened_by_hand(tmp_path: Path, simulator: VenueAccount) -> None:
    simulator.act(ROOMS["futures"], "orders", symbol=SYMBOLS["futures"], side="BUY", quantity="0.05")
    with desk(tmp_path, simulator, drain=FLATTEN, orders=0, hold="0.03") as running:
        wait_for(running, Decimal("0.08"), 2)
        code, _ = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert running.position() == Decimal("0.05")


def wait_for(running: Desk, position: Decimal, fills: int) -> None:
    """Wait until the venue has the position, and the node has heard of all that makes it."""
    running.node.wait_for('"message": "Trading"')
    deadline = time.monotonic() + SECONDS
    while (running.position(), running.status["fills"]) != (position, fills):
        assert time.monotonic() < deadline, f"{running.status['fills']} fills\n{running.node.told()}"
        time.sleep(0.05)
