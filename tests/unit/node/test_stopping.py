"""What is told about a stop, and which orders it takes for its own."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from trading_api import wiring
from trading_api.exit_codes import ExitCode
from trading_api.policies import DrainPolicy, OrdersAtStop, PositionsAtStop
from trading_api.status import DrainState, NodeState
from trading_node.drain.facts import HeldPosition, Left, Place, Result, WorkingOrder
from trading_node.environment import Environment
from trading_node.errors import crashed
from trading_node.limits_file import LimitsInForce
from trading_node.own_order_ids import OwnOrderIds
from trading_node.snapshot import Snapshot
from trading_node.status import Life, build_status, status_document
from trading_node.stopping import after_seconds, drain_ended, stop_failure, stop_policy

ORDER = WorkingOrder(
    order_id="O-1", strategy="S-1", instrument="I.X", venue="X", buy=True, remaining=Decimal("0.10"), place=Place.VENUE
)
POSITION = HeldPosition(position_id="P", strategy="S-1", instrument="I.X", venue="X", quantity=Decimal("-0.5"))
FLATTEN = DrainPolicy(positions=PositionsAtStop.FLATTEN)
CLEAN = Result(verified=True, fulfilled=True)


def test_a_clean_stop_ends_for_the_reason_that_it_began_for() -> None:
    status = drain_ended(DrainPolicy(), CLEAN, traded=True)
    assert status.state is DrainState.DONE
    assert status.message == "no order and no position is left"
    assert stop_failure(status, None) is None
    cause = crashed("A strategy raised")
    assert stop_failure(status, cause) is cause


def test_what_is_left_outranks_why_it_stopped_and_is_named() -> None:
    left = Result(orders=(ORDER,), positions=(Left(position=POSITION, reducible=Decimal("0.5")),), verified=True)
    status = drain_ended(FLATTEN, left, traded=True)
    assert status.message == "1 order left: O-1 (BUY 0.10 I.X); 1 position left: -0.5 I.X of S-1"
    assert (status.open_orders, status.open_positions) == (1, 1)
    failure = stop_failure(status, crashed("A strategy raised."))
    assert failure is not None
    assert failure.exit_code is ExitCode.STOP_INCOMPLETE
    assert failure.message.endswith("It stopped because: A strategy raised")


def test_what_is_kept_and_dust_are_no_failures() -> None:
    kept = Result(orders=(ORDER,), positions=(Left(position=POSITION, dust=True),), verified=True, fulfilled=True)
    status = drain_ended(DrainPolicy(orders=OrdersAtStop.KEEP), kept, traded=True)
    assert status.message == "1 order kept: O-1 (BUY 0.10 I.X); 1 position kept: -0.5 I.X of S-1 (dust)"
    assert stop_failure(status, None) is None


def test_a_node_that_never_traded_fails_only_for_what_it_knows_to_be_left() -> None:
    unknown = Result()
    assert stop_failure(drain_ended(DrainPolicy(), unknown, traded=False), None) is None
    assert stop_failure(drain_ended(DrainPolicy(), unknown, traded=True), None) is not None
    former = replace(unknown, orders=(ORDER,))
    assert stop_failure(drain_ended(DrainPolicy(), former, traded=False), None) is not None


@pytest.mark.parametrize("seconds", [3.0, 28.0, 58.0, 1798.0])
def test_time_is_kept_for_what_comes_after(seconds: float) -> None:
    policy = stop_policy(FLATTEN, seconds)
    assert policy.flatten
    assert policy.seconds + after_seconds(seconds) == pytest.approx(seconds)
    assert 0.6 * seconds < policy.seconds < seconds


def test_the_report_of_a_large_stop_is_small_enough() -> None:
    name = "x" * 300
    order = replace(ORDER, order_id=name, strategy=name, instrument=name)
    position = Left(position=replace(POSITION, strategy=name, instrument=name), reducible=Decimal(1))
    drain = drain_ended(FLATTEN, Result(orders=(order,) * 900, positions=(position,) * 900), traded=True)
    life = Life(state=NodeState.FAILED, reason="StopIncomplete", message=name * 9)
    environment = Environment(pod_name="p" * 253, pod_uid="u" * 64, revision="r" * 64)
    status = build_status(environment, life, Snapshot(), started_ns=0, now_ns=1, drain=drain)
    document = status_document(status)
    assert len(json.dumps(document, separators=(",", ":")).encode()) <= wiring.STATUS_NODE_MAX_BYTES
    assert document["drain"]["openOrders"] == 900
    assert document["drain"]["leftOrders"]


@pytest.mark.parametrize("letter", ["é", "币", "\U0001f4b9"])
def test_a_report_in_any_writing_is_small_enough(letter: str) -> None:
    name = letter * 128
    order = replace(ORDER, order_id=name, strategy=name, instrument=name)
    drain = drain_ended(FLATTEN, Result(orders=(order,) * 9, positions=()), traded=True)
    limits = LimitsInForce(hash="0123456789", applied_ns=1, error=letter * 2000)
    life = Life(state=NodeState.FAILED, reason="StopIncomplete", message=letter * 2000)
    environment = Environment(pod_name="p" * 253, pod_uid="u" * 64, revision="r" * 64)
    status = build_status(environment, life, Snapshot(), started_ns=0, now_ns=1, limits=limits, drain=drain)
    document = status_document(status)
    assert len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()) <= wiring.STATUS_NODE_MAX_BYTES
    assert document["limits"]["error"]
    assert document["drain"]["message"]


def test_own_orders_are_known_by_their_ids() -> None:
    own = OwnOrderIds("001", ["NZCT", "a.b"])
    for order_id in ("O-20261124-003227-001-NZCT-12", "O-20261124-003227-001-NZCT-12-E3", "O20261124003227001NZCT7E1"):
        assert order_id in own
    assert "O-20261124-003227-001-a.b-1" in own
    for order_id in (
        "", "web_1", "O-20261124-003227-002-NZCT-12", "O-20261124-003227-001-NZCU-12", "O-20261124-003227-001-aXb-1",
        "xO-20261124-003227-001-NZCT-12", "O-20261124-003227-001-NZCT-12\n",
    ):  # fmt: skip
        assert order_id not in own
