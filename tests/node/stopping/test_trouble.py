"""A venue that refuses, loses, delays or hangs while a node stops."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.node.stopping.desk import desk
from tests.venue.process import VenueAccount
from trading_api.exit_codes import ExitCode

FLATTEN = {"orders": "Cancel", "positions": "Flatten", "timeout": "40s"}
CANCEL = "DELETE /fapi/v1/order"
ORDER = "POST /fapi/v1/order"
ASK = "GET /fapi/*"


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([{"action": "reject", "endpoint": CANCEL, "count": 3}], id="cancels are refused"),
        pytest.param([{"action": "lose_request", "endpoint": CANCEL, "count": 2}], id="cancels are lost"),
        pytest.param([{"action": "lose_response", "endpoint": CANCEL, "count": 2}], id="their answers are lost"),
        pytest.param([{"action": "server_error", "endpoint": CANCEL, "count": 2}], id="cancels meet 5xx"),
        pytest.param([{"action": "ban", "endpoint": CANCEL, "retry_after_s": 4}], id="the address is banned"),
        pytest.param([{"action": "rate_limit", "endpoint": ASK, "retry_after_s": 3}], id="questions are too many"),
        pytest.param([{"action": "reject", "endpoint": ORDER, "count": 2}], id="closing orders are refused"),
        pytest.param([{"action": "partial_fill", "endpoint": ORDER, "fraction": "0.5"}], id="one fills in part"),
        pytest.param([{"action": "lose_request", "endpoint": ORDER}], id="a closing order is lost"),
        pytest.param([{"action": "lose_response", "endpoint": ORDER}], id="its answer is lost"),
        pytest.param([{"action": "server_error", "endpoint": ASK, "count": 4}], id="questions meet 5xx"),
        pytest.param([{"action": "silence", "stream": "user", "count": None}], id="the stream is mute"),
        pytest.param([{"action": "delay", "stream": "user", "delay_ms": 3000, "count": None}], id="events are late"),
    ],
)
def test_what_passes_is_waited_for(tmp_path: Path, simulator: VenueAccount, faults: list[dict[str, object]]) -> None:
    with desk(tmp_path, simulator, drain=FLATTEN, hold="0.04") as running:
        running.settle(2, 1)
        for fault in faults:
            simulator.add_fault(room="binance-futures", **fault)
        code, took = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert took < 40
        assert not running.open_orders()
        assert running.position() == 0
        assert running.drain["verified"] is True


def test_fills_that_come_while_it_stops_are_closed_too(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain=FLATTEN, hold="0.04") as running:
        running.settle(2, 1)
        simulator.add_fault(room="binance-futures", action="delay", stream="user", delay_ms=3000, count=None)
        ledger = running.ledger()
        resting = next(o for o in ledger["orders"] if o["status"] == "NEW" and o["request"]["side"] == "BUY")
        running.act("fill", order_id=resting["id"], quantity="0.02")
        code, _ = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert not running.open_orders()
        assert running.position() == 0


def test_a_broken_stream_does_not_hold_the_stop(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain=FLATTEN, hold="0.04") as running:
        running.settle(2, 1)
        simulator.call("POST", "/binance-futures/disconnect", {})
        code, _ = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert not running.open_orders()
        assert running.position() == 0


def test_what_the_venue_never_cancels_is_said(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain={"timeout": "12s"}, orders=1) as running:
        running.settle(1, 0)
        simulator.add_fault(room="binance-futures", action="reject", endpoint=CANCEL, count=None)
        code, took = running.stop()
        assert code == ExitCode.STOP_INCOMPLETE
        assert took < 12
        (left,) = running.open_orders()
        assert [order["clientOrderId"] for order in running.drain["leftOrders"]] == [left]
        assert running.drain["state"] == "Incomplete"
        assert running.node.termination is not None
        assert running.node.termination["reason"] == "StopIncomplete"
        assert left in running.node.termination["message"]


def test_a_venue_that_cannot_be_asked_is_asked_to_the_end_and_then_it_is_said(
    tmp_path: Path, simulator: VenueAccount
) -> None:
    with desk(tmp_path, simulator, drain={"timeout": "12s"}, orders=1) as running:
        running.settle(1, 0)
        simulator.add_fault(room="binance-futures", action="server_error", endpoint=ASK, count=None)
        code, took = running.stop()
        assert code == ExitCode.STOP_INCOMPLETE
        assert 7 < took < 12
        assert running.drain["verified"] is False
        assert "not verified" in running.drain["message"]
        assert not running.open_orders()


def test_a_position_that_the_venue_never_closes_is_said(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain={**FLATTEN, "timeout": "12s"}, orders=0, hold="0.04") as running:
        running.settle(0, 1)
        simulator.add_fault(room="binance-futures", action="reject", endpoint=ORDER, count=None)
        code, took = running.stop()
        assert code == ExitCode.STOP_INCOMPLETE
        assert took < 12
        assert running.position() == Decimal("0.04")
        assert running.drain["leftPositions"][0]["quantity"] == "0.040"


def test_a_strategy_that_cannot_end_by_itself_is_ended(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain={"timeout": "15s"}, manage_stop=True, hold="0.04") as running:
        running.settle(2, 1)
        simulator.add_fault(room="binance-futures", action="reject", endpoint=ORDER, count=None)
        code, took = running.stop()
        assert code == ExitCode.OK, running.node.stderr  # its position is kept: the policy asks for no more
        assert took < 15
        assert any("did not come to rest" in record["message"] for record in running.node.records)
        assert not running.open_orders()
        assert running.position() == Decimal("0.04")


def test_a_blocked_event_loop_is_ended_in_time(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain={"timeout": "6s"}, orders=1, then="block") as running:
        running.node.wait_for("blocked on purpose")
        code, took = running.stop()
        assert code == ExitCode.STOP_INCOMPLETE
        assert took < 7
        assert running.node.termination is not None
        assert running.node.termination["reason"] == "StopIncomplete"


def test_an_agreement_that_nobody_keeps_any_more_ends_the_node(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain={"timeout": "30s"}, then="unwatch") as running:
        assert running.node.wait() == ExitCode.CRASHED, running.node.stderr
        (said,) = running.node.stderr
        assert "Nobody keeps the agreement with BINANCE any more: RuntimeError: broken on purpose" in said
        assert not running.open_orders()
