"""Lists, modifies, the second question before signing, and what is told about refusals."""

import json
from decimal import Decimal
from types import SimpleNamespace

import pytest

from tests.unit.gate.orders import HEDGED, PERPETUAL, START, hold, open_gate, order, reason, set_price
from trading_api.risk import InstrumentRisk, RiskLimits, StrategyRisk, VenueRisk, limits_of_nothing
from trading_node.gate import REFUSALS_REMEMBERED, Denial, Gate
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.limits import compile_limits
from trading_node.risk.standing import Admission

ONE_COIN = [InstrumentRisk(id="BTC-PERP.X", max_position="1")]


def test_a_list_passes_as_a_whole_or_not_at_all() -> None:
    gate = open_gate(instruments=ONE_COIN, max_orders_per_second=3)
    small, large = order("BUY", "0.6", "90"), order("BUY", "0.6", "91")
    refusals = gate.submit_list([small, large], START)
    assert refusals is not None
    assert [each.reason for each in refusals] == [Reason.LIST_DENIED, Reason.POSITION_TOO_LARGE]
    assert refusals[0].scope == large.order_id
    assert not gate.book.pending
    assert gate.admitted == 0
    assert gate.submit_list([order("BUY", "0.6", "90"), order("BUY", "0.4", "91")], START) is None
    assert gate.admitted == 2
    assert reason(gate, order("SELL", "0.1", "120")) is None  # the list that was refused was not sent
    assert reason(gate, order("SELL", "0.1", "120")) == "OrdersPerSecond"


def test_a_list_that_was_refused_may_be_sent_again_made_smaller() -> None:
    gate = open_gate(instruments=ONE_COIN, duplicate_window_milliseconds=1000)
    assert gate.submit_list([order("BUY", "0.6", "90"), order("BUY", "0.6", "91")], START) is not None
    assert gate.submit_list([order("BUY", "0.6", "90"), order("BUY", "0.4", "91")], START) is None
    assert reason(gate, order("SELL", "0.1", "120")) is None
    assert reason(gate, order("SELL", "0.1", "120")) == "DuplicateOrder"


def test_a_modify_is_decided_as_the_order_that_it_makes() -> None:
    gate = open_gate(instruments=ONE_COIN)
    first = order("BUY", "0.6", "90")
    assert reason(gate, first) is None
    assert gate.modify(first._replace(quantity=Decimal(1)), START) is None
    assert gate.modify(first._replace(quantity=Decimal("1.1")), START) == Deny(
        Reason.POSITION_TOO_LARGE, "BTC-PERP.X", Decimal(1), Decimal("1.1")
    )
    assert gate.denials[Reason.POSITION_TOO_LARGE] == 1


def test_until_a_modify_is_answered_the_worse_of_both_counts() -> None:
    gate = open_gate(instruments=ONE_COIN)
    first = order("BUY", "1", "90")
    assert reason(gate, first) is None
    assert gate.modify(first._replace(quantity=Decimal("0.4"), price=Decimal(80)), START) is None
    assert reason(gate, order("BUY", "0.1", "90")) == "PositionTooLarge"
    assert reason(gate, order("SELL", "0.1", "90")) == "SelfCrossing"
    gate.book.answer_amend(first.order_id, Decimal("0.4"), Decimal(80))
    assert reason(gate, order("SELL", "0.1", "90")) is None
    assert reason(gate, order("BUY", "0.6", "80")) is None


def test_each_modify_that_was_asked_for_is_answered_once() -> None:
    gate = open_gate(instruments=ONE_COIN)
    first = order("BUY", "0.1", "90")
    assert reason(gate, first) is None
    gate.book.ask_amend(first.order_id)
    assert gate.modify(first._replace(quantity=Decimal("0.9")), START) is None
    gate.book.ask_amend(first.order_id)
    assert gate.modify(first._replace(quantity=Decimal(5)), START) is not None
    gate.book.answer_amend(first.order_id, Decimal("0.1"), Decimal(90))  # the refusal: the first is on its way
    assert reason(gate, order("BUY", "0.9", "90")) == "PositionTooLarge"
    gate.book.answer_amend(first.order_id, Decimal("0.1"), Decimal(90))  # the venue refused it
    assert reason(gate, order("BUY", "0.9", "90")) is None


def test_a_refused_modify_leaves_the_order_as_it_was() -> None:
    gate = open_gate(instruments=ONE_COIN)
    first = order("BUY", "1", "90")
    assert reason(gate, first) is None
    gate.set_admission(Admission.HALT)
    assert gate.modify(first._replace(price=Decimal(95)), START) == Deny(Reason.HALTED, "X")
    gate.set_admission(Admission.ACTIVE)
    assert reason(gate, order("SELL", "0.1", "92")) is None
    assert reason(gate, order("SELL", "0.1", "90")) == "SelfCrossing"


def test_what_passed_is_asked_again_before_it_is_signed() -> None:
    gate = open_gate()
    hold(gate, "1")
    opening, closing = order("BUY", "1", "90"), order("SELL", "1", "110")
    assert reason(gate, opening) is None
    assert reason(gate, closing) is None
    assert gate.permits(opening, START) is None
    gate.set_admission(Admission.REDUCE)
    assert gate.permits(opening, START) == Deny(Reason.REDUCE_ONLY, "X")
    assert gate.permits(closing, START) is None
    gate.set_admission(Admission.HALT, "X")
    assert gate.permits(closing, START) == Deny(Reason.HALTED, "X")
    assert gate.permits(closing._replace(cleanup=True), START) is None
    gate.set_reconciled(False)
    assert gate.permits(closing._replace(cleanup=True), START) == Deny(Reason.NOT_RECONCILED, "X")
    assert set(gate.book.pending) == {opening.order_id, closing.order_id}


def test_what_is_held_back_on_the_way_to_the_venue_is_told_and_counted_once_for_each_order_and_modify() -> None:
    told: list[Denial] = []
    gate = Gate(compile_limits(RiskLimits()), on_denial=told.append)
    gate.set_reconciled(True)
    first = order("BUY", "1", "90")
    assert reason(gate, first) is None
    gate.set_admission(Admission.HALT)
    halted = Deny(Reason.HALTED, "X")
    assert [gate.permits(first, START + n) for n in range(2)] == [halted] * 2
    assert told == [Denial(START, first, halted)]
    gate.set_admission(Admission.ACTIVE)
    gate.book.acknowledge(first.order_id, START)
    changed = first._replace(price=Decimal(80))
    for count in (1, 2):
        assert gate.modify(changed, START) is None
        gate.set_admission(Admission.HALT)
        assert [gate.permits(changed, START + n) for n in range(2)] == [halted] * 2
        assert told[1:] == [Denial(START, changed, halted, modify=True)] * count
        gate.set_admission(Admission.ACTIVE)
        gate.book.answer_amend(first.order_id, Decimal(1), Decimal(90))
    assert gate.denials[Reason.HALTED] == 3


def test_every_refusal_is_told_with_its_numbers_and_counted() -> None:
    told: list[Denial] = []
    gate = Gate(compile_limits(RiskLimits(max_orders_per_second=1)), on_denial=told.append)
    gate.set_reconciled(True)
    assert reason(gate, order("BUY", "1")) is None
    refused = order("BUY", "1")
    assert reason(gate, refused) == "OrdersPerSecond"
    assert told == [Denial(START, refused, Deny(Reason.ORDERS_PER_SECOND, "", 1, 2))]
    assert str(told[0].deny) == "OrdersPerSecond: 2, limit 1"
    assert dict(gate.denials) == {Reason.ORDERS_PER_SECOND: 1}


def test_a_modify_is_asked_again_as_what_the_order_would_become() -> None:
    gate = open_gate()
    hold(gate, "1")
    closing = order("SELL", "1", "110")
    assert reason(gate, closing) is None
    gate.book.acknowledge(closing.order_id, START)
    assert gate.modify(closing._replace(quantity=Decimal(3)), START) is None
    gate.set_admission(Admission.REDUCE)
    assert gate.permits(closing, START) == Deny(Reason.REDUCE_ONLY, "X")  # as the cache has it until the answer
    gate.book.answer_amend(closing.order_id, Decimal(1), Decimal(110))
    assert gate.modify(closing._replace(price=Decimal(105)), START) is None
    assert gate.permits(closing, START) is None


def test_an_order_that_was_held_for_ended_and_lives_can_be_modified() -> None:
    gate = open_gate()
    first = order("BUY", "1", "90")
    assert reason(gate, first) is None
    gate.book.finish(first.order_id)
    gate.book.adopt(first)
    assert gate.modify(first._replace(price=Decimal(91)), START) is None
    gate.book.finish(first.order_id)
    assert reason(gate, first) == "DuplicateId"


def test_a_modify_is_decided_for_the_position_that_the_order_was_sent_for() -> None:
    gate = open_gate(max_gross_notional="150")
    set_price(gate, HEDGED, "100", "100")
    hold(gate, "1", contract=HEDGED, position_id="P-1")
    closing = order("SELL", "1", "101", contract=HEDGED, position_id="P-1")
    assert reason(gate, closing) is None
    # The command of a modify names no position.
    assert gate.modify(closing._replace(price=Decimal(102), position_id=""), START) is None


def test_the_newest_refusals_are_found_by_their_text() -> None:
    gate = Gate(compile_limits(RiskLimits()))
    first = Deny(Reason.POSITION_TOO_LARGE, "X", Decimal(2), Decimal("3.50"))
    gate.remember(first)
    assert gate.refusal("PositionTooLarge X: 3.5, limit 2") is first
    assert first.details() == {"reason": "PositionTooLarge", "scope": "X", "limit": "2", "value": "3.5"}
    for number in range(REFUSALS_REMEMBERED):
        gate.remember(Deny(Reason.HALTED, str(number)))
    assert gate.refusal(str(first)) is None
    assert gate.refusal("Halted 0") == Deny(Reason.HALTED, "0")
    gate.set_reconciled(True)
    gate.set_admission(Admission.HALT)
    late = gate.permits(order("BUY", "1"), START)
    assert late is not None
    assert gate.refusal(str(late)) == late  # refused right before it was signed


@pytest.mark.parametrize(
    ("deny", "text"),
    [
        (Deny(Reason.HALTED, "X"), "Halted X"),
        (Deny(Reason.DAILY_LOSS, "", Decimal("50.00"), Decimal("1E+2")), "DailyLoss: 100, limit 50"),
        (Deny(Reason.SELF_CROSSING, "A.X", Decimal(99)), "SelfCrossing A.X: limit 99"),
    ],
)
def test_a_refusal_reads_as_one_line(deny: Deny, text: str) -> None:
    assert str(deny) == text


def test_limits_change_between_two_orders() -> None:
    gate = open_gate(max_order_notional="100")
    assert reason(gate, order("BUY", "2")) == "OrderNotionalTooLarge"
    gate.set_limits(compile_limits(RiskLimits(max_order_notional="1000")))
    assert reason(gate, order("BUY", "2")) is None
    gate.set_limits(compile_limits(RiskLimits(max_gross_notional="250")))
    assert reason(gate, order("BUY", "0.6")) == "GrossNotionalTooLarge"


def test_a_change_of_currency_counts_what_is_held_anew() -> None:
    gate = open_gate(max_gross_notional="1000")
    hold(gate, "1")
    assert reason(gate, order("BUY", "1")) is None
    gate.set_limits(compile_limits(RiskLimits(currency="EUR", equal_currencies=(), max_gross_notional="1000")))
    assert gate.submit(order("BUY", "1"), START) == Deny(Reason.NO_CONVERSION, "USDT")


def test_the_nodes_own_mark_is_drawn_anew_by_each_process() -> None:
    limits = compile_limits(RiskLimits())
    assert Gate(limits).cleanup_tag != Gate(limits).cleanup_tag


def test_a_partial_fill_moves_quantity_from_pending_to_held() -> None:
    gate = open_gate(instruments=ONE_COIN)
    first = order("BUY", "1", "90")
    assert reason(gate, first) is None
    gate.book.fill(first.order_id, Decimal("0.7"), START)
    hold(gate, "0.7")
    assert reason(gate, order("BUY", "0.1", "90")) == "PositionTooLarge"
    gate.book.finish(first.order_id)
    assert reason(gate, order("BUY", "0.3", "90")) is None


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"max_order_notional": 50000}, "string"),
        ({"max_order_notional": "-1"}, "without a sign"),
        ({"price_tolerance": "2"}, "share from 0 to 1"),
        ({"max_orders_per_second": 0}, "greater than or equal to 1"),
        ({"min_order_notional": "2", "max_order_notional": "1"}, "no order could pass both"),
        ({"strategies": [{"name": "a"}, {"name": "a"}]}, "write all limits of one in one entry"),
        ({"instruments": [{"id": "BTC"}]}, "joined by '.'"),
        ({"max_orders": 1}, "Extra inputs"),
    ],
)
def test_limits_that_make_no_sense_are_refused(document: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RiskLimits.model_validate_json(json.dumps(document), strict=True)


def test_limits_of_what_is_not_there_are_found() -> None:
    risk = RiskLimits(
        strategies=(StrategyRisk(name="ema"), StrategyRisk(name="emma")),
        venues=(VenueRisk(name="Y"),),
        instruments=(InstrumentRisk(id="A.X"), InstrumentRisk(id="A.Z")),
    )
    venue = SimpleNamespace(name="X", may_list=lambda instrument: instrument.endswith(".X"))
    trading = SimpleNamespace(strategies=[SimpleNamespace(name="ema")], venues=[venue])
    assert limits_of_nothing(risk, trading) == ["emma", "Y", "A.Z"]


def test_while_the_books_take_nothing_only_what_reduces_passes() -> None:
    well = [True]
    gate = Gate(compile_limits(RiskLimits()), recorded=lambda: well[0])
    gate.set_reconciled(True)
    set_price(gate, PERPETUAL, "99", "101")
    hold(gate, "1")
    opening = order("BUY", "1", "90")
    assert reason(gate, opening) is None
    well[0] = False
    assert gate.permits(opening, START) == Deny(Reason.NOT_RECORDED)
    assert reason(gate, order("BUY", "0.1", "90")) == "NotRecorded"
    assert reason(gate, order("SELL", "1.1", "110")) == "NotRecorded"
    assert gate.modify(opening._replace(quantity=Decimal(2)), START) == Deny(Reason.NOT_RECORDED)
    assert reason(gate, order("SELL", "0.4", "110")) is None
    assert reason(gate, order("SELL", "0.6", "110", cleanup=True)) is None
    gate.set_admission(Admission.HALT)
    assert reason(gate, order("BUY", "0.1", "90")) == "Halted"
    gate.set_admission(Admission.ACTIVE)
    well[0] = True
    assert reason(gate, order("BUY", "0.1", "90")) is None
    assert gate.standing.is_open


def test_what_a_stop_closes_nothing_opens_again() -> None:
    gate = open_gate()
    gate.stop_taking(Admission.HALT)
    gate.stop_taking(Admission.REDUCE)
    gate.set_admission(Admission.ACTIVE)
    assert reason(gate, order("BUY", "1")) == "Halted"
