"""What a stop leaves at the venue is what its policy says, by the venue's own word."""

import json
import signal
from decimal import Decimal
from pathlib import Path

import pytest

from tests.node.stopping.desk import desk
from tests.venue.process import VenueAccount
from trading_api.exit_codes import ExitCode

FLATTEN = {"orders": "Cancel", "positions": "Flatten", "timeout": "30s"}
KEEP = {"orders": "Keep", "positions": "Keep", "timeout": "30s"}


@pytest.mark.parametrize("market", ["futures", "okx", "spot"])
def test_flatten_leaves_nothing(tmp_path: Path, simulator: VenueAccount, market: str) -> None:
    with desk(tmp_path, simulator, market, drain=FLATTEN, orders=3, hold="0.03") as running:
        running.settle(3, 1)
        code, took = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert took < 10
        assert not running.open_orders()
        # Where coins are traded, commissions were paid in them: what they left of a step cannot be sold.
        assert abs(running.position()) <= (0 if market == "futures" else Decimal("0.0001"))
        assert running.drain["state"] == "Done"
        assert running.drain["verified"] is True


@pytest.mark.parametrize("hold", ["0.03", "-0.03"])
def test_cancel_leaves_the_position_and_what_others_placed(tmp_path: Path, simulator: VenueAccount, hold: str) -> None:
    with desk(tmp_path, simulator, hold=hold) as running:
        running.settle(2, 1)
        running.act("orders", side="BUY", quantity="0.01", price="20000", client_id="by-hand")
        code, _ = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert running.open_orders() == {"by-hand"}
        assert running.position() == Decimal(hold)
        assert running.drain["verified"] is True
        assert running.drain["openPositions"] == 1
        assert running.drain["leftPositions"][0]["quantity"] == f"{Decimal(hold):.3f}"


def test_keep_leaves_everything_and_says_what(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain=KEEP, hold="0.03") as running:
        running.settle(2, 1)
        code, took = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert took < 8
        kept = running.open_orders()
        assert kept == {order["clientOrderId"] for order in running.drain["leftOrders"]}
        assert len(kept) == 2
        assert running.position() == Decimal("0.03")
        assert running.drain["state"] == "Done"


def test_an_order_that_only_the_node_has_is_not_kept(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain=KEEP, orders=1, emulated=True) as running:
        running.settle(1, 0)
        running.node.wait_for("OrderEmulated")
        code, _ = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert len(running.open_orders()) == running.drain["openOrders"] == 1
        running.node.wait_for("OrderCanceled")


def test_on_a_shared_account_only_the_nodes_own_position_is_closed(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain=FLATTEN, orders=1, hold="0.03") as running:
        running.settle(1, 1)
        running.act("orders", side="BUY", quantity="0.05")
        code, _ = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert running.position() == Decimal("0.05")
        assert not running.open_orders()


def test_no_more_is_closed_than_the_venue_holds(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain=FLATTEN, orders=0, hold="0.03") as running:
        running.settle(0, 1)
        running.act("orders", side="SELL", quantity="0.02")
        code, _ = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert running.position() == 0


def test_a_strategy_that_manages_its_own_stop_is_waited_for(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, manage_stop=True, hold="0.03") as running:
        running.settle(2, 1)
        code, _ = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert not running.open_orders()
        assert running.position() == 0


def test_a_failure_of_a_strategy_does_not_leave_its_orders(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain=FLATTEN, hold="0.03", then="raise") as running:
        assert running.node.wait() == ExitCode.CRASHED, running.node.stderr
        assert running.node.termination is not None
        assert running.node.termination["reason"] == "StrategyFailed"
        assert not running.open_orders()
        assert running.position() == 0


def test_a_second_sigterm_changes_nothing(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain=FLATTEN, hold="0.03") as running:
        running.settle(2, 1)
        running.node.send(signal.SIGTERM)
        running.node.wait_for("Stopping: StopRequested")
        code, _ = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert not running.open_orders()
        assert running.position() == 0


def test_the_stop_is_in_the_log_as_a_person_reads_it(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain=KEEP, orders=1) as running:
        running.settle(1, 0)
        running.stop()
        said = json.loads(running.node.wait_for("stop of DESK-A-001: "))["message"]
        assert said.startswith("stop of DESK-A-001: 1 order kept: O-")
