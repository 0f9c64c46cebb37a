"""Each limit: the last order that passes, the first that does not, and what the refusal says."""

from decimal import Decimal

import pytest

from tests.unit.gate.orders import (
    HEDGED,
    INVERSE,
    PERPETUAL,
    SECOND,
    SPOT,
    START,
    hold,
    open_gate,
    order,
    reason,
    set_price,
)
from trading_api.risk import InstrumentRisk, StrategyRisk, VenueRisk
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.standing import Admission

DAY = 86_400 * SECOND


def test_nothing_passes_before_the_node_agrees_with_the_venue() -> None:
    gate = open_gate()
    gate.set_reconciled(False)
    assert reason(gate, order("BUY", "1")) == "NotReconciled"
    gate.set_reconciled(True)
    gate.set_reconciled(False, "X")
    assert reason(gate, order("BUY", "1")) == "NotReconciled"
    gate.set_reconciled(False, "Y")
    gate.set_reconciled(True, "X")
    assert reason(gate, order("BUY", "1")) is None


def test_a_venues_halt_is_that_venues_alone_and_the_larger_one_wins() -> None:
    gate = open_gate()
    gate.set_admission(Admission.HALT, "Y")
    assert reason(gate, order("BUY", "1")) is None
    gate.set_admission(Admission.REDUCE)
    assert reason(gate, order("BUY", "1")) == "ReduceOnly"
    gate.set_admission(Admission.HALT, "X")
    assert reason(gate, order("BUY", "1")) == "Halted"
    gate.set_admission(Admission.ACTIVE, "X")
    gate.set_admission(Admission.ACTIVE)
    assert reason(gate, order("BUY", "1")) is None


def test_quantity_and_notional_of_an_order() -> None:
    gate = open_gate(
        min_order_notional="10",
        max_order_notional="1000",
        instruments=[InstrumentRisk(id="BTC-PERP.X", min_order_quantity="0.5", max_order_quantity="9")],
    )
    assert reason(gate, order("BUY", "9.1")) == "OrderQuantityTooLarge"
    assert reason(gate, order("BUY", "0.4")) == "OrderQuantityTooSmall"
    assert reason(gate, order("BUY", "9")) is None
    assert gate.submit(order("BUY", "8", "126"), START) == Deny(
        Reason.ORDER_NOTIONAL_TOO_LARGE, "BTC-PERP.X", Decimal(1000), Decimal(1008)
    )
    assert reason(gate, order("BUY", "0.5", "19.9")) == "OrderNotionalTooSmall"


def test_a_cheap_sell_is_worth_what_it_would_fetch() -> None:
    gate = open_gate(max_order_notional="100")
    assert reason(gate, order("SELL", "2", "1")) == "OrderNotionalTooLarge"


def test_an_inverse_contract_is_worth_its_face_value() -> None:
    gate = open_gate(max_order_notional="1000")
    set_price(gate, INVERSE, "49000", "51000")
    assert reason(gate, order("BUY", "10", contract=INVERSE)) is None
    assert reason(gate, order("BUY", "11", contract=INVERSE)) == "OrderNotionalTooLarge"


def test_amounts_in_another_currency_are_converted_or_refused() -> None:
    gate = open_gate(max_order_notional="1000")
    other = PERPETUAL.__class__("ETHBTC.X", "X", "BTC", "BTC", base="ETH")
    gate.book.markets.clear()
    unpriced = open_gate(max_order_notional="1000", currency="EUR", equal_currencies=[])
    assert unpriced.submit(order("BUY", "1"), START) == Deny(Reason.NO_CONVERSION, "USDT")
    gate = open_gate(max_order_notional="1000")
    set_price(gate, PERPETUAL, "50000", "50000")
    set_price(gate, other, "0.05", "0.05")
    assert reason(gate, order("BUY", "0.4", contract=other)) is None
    assert gate.submit(order("BUY", "0.41", contract=other), START) == Deny(
        Reason.ORDER_NOTIONAL_TOO_LARGE, "ETHBTC.X", Decimal(1000), Decimal("1025")
    )


def test_position_limits_count_pending_orders_on_their_side() -> None:
    gate = open_gate(instruments=[InstrumentRisk(id="BTC-PERP.X", max_position="5")])
    hold(gate, "2")
    assert reason(gate, order("BUY", "2", "90")) is None
    assert reason(gate, order("BUY", "1.5", "90", strategy="other")) == "PositionTooLarge"
    assert reason(gate, order("BUY", "1", "90", strategy="other")) is None
    assert reason(gate, order("SELL", "7", "110")) is None
    assert reason(gate, order("SELL", "0.1", "110")) == "PositionTooLarge"


def test_what_reduce_only_orders_leave_of_the_position_is_not_there_for_others_to_reduce() -> None:
    for limits in (
        {"instruments": [InstrumentRisk(id="BTC-PERP.X", max_position="1")]},
        {"max_position_notional": "100"},
        {"max_gross_notional": "100"},
        {"max_net_notional": "100"},
    ):
        gate = open_gate(**limits)
        hold(gate, "1")
        assert reason(gate, order("SELL", "1", "110", reduce_only=True)) is None
        refused = gate.submit(order("SELL", "1.5", "120"), START)  # after the other one it sells short
        assert refused is not None
        assert refused.value in {Decimal("1.5"), Decimal(150)}
        assert reason(gate, order("SELL", "1", "120")) is None
        gate = open_gate(**limits)
        hold(gate, "1")
        assert reason(gate, order("SELL", "1.5", "120")) is None
        refused = gate.submit(order("SELL", "1", "110", reduce_only=True), START)
        assert refused is not None
        assert refused.value in {Decimal("1.5"), Decimal(150)}
        assert reason(gate, order("SELL", "0.5", "110", reduce_only=True)) is None


def test_position_notional() -> None:
    gate = open_gate(max_position_notional="500")
    assert reason(gate, order("BUY", "5")) is None
    assert reason(gate, order("BUY", "0.1")) == "PositionNotionalTooLarge"
    assert reason(gate, order("SELL", "5")) is None


def test_gross_adds_instruments_and_net_sets_them_off() -> None:
    gate = open_gate(max_gross_notional="1000", max_net_notional="600", self_crossing="Allow")
    set_price(gate, SPOT, "99", "101")
    assert reason(gate, order("BUY", "6", "90")) is None
    assert gate.submit(order("BUY", "0.1", "90", contract=SPOT), START) == Deny(
        Reason.NET_NOTIONAL_TOO_LARGE, "", Decimal(600), Decimal(610)
    )
    hold(gate, "-4", contract=SPOT)
    assert gate.submit(order("SELL", "0.1", contract=SPOT), START) == Deny(
        Reason.GROSS_NOTIONAL_TOO_LARGE, "", Decimal(1000), Decimal(1010)
    )
    set_price(gate, PERPETUAL, "49", "51")
    assert reason(gate, order("SELL", "2", contract=SPOT)) is None


def test_gross_of_a_strategy_and_of_a_venue() -> None:
    gate = open_gate(
        strategies=[StrategyRisk(name="ema", max_gross_notional="200")],
        venues=[VenueRisk(name="X", max_gross_notional="500")],
    )
    assert reason(gate, order("BUY", "2.1", "90")) == "GrossNotionalTooLarge"
    assert reason(gate, order("BUY", "2", "90")) is None
    assert reason(gate, order("BUY", "3", "90", strategy="other")) is None
    assert gate.submit(order("BUY", "0.1", "90", strategy="third"), START) == Deny(
        Reason.GROSS_NOTIONAL_TOO_LARGE, "X", Decimal(500), Decimal(510)
    )


def test_an_exposure_that_cannot_be_valued_is_not_added_to() -> None:
    gate = open_gate(max_gross_notional="1000")
    gate.book.adopt(order("BUY", "1", contract=SPOT))
    assert gate.submit(order("BUY", "1"), START) == Deny(Reason.NO_REFERENCE_PRICE, "BTC.X")


def test_an_old_price_lets_only_reducing_orders_pass() -> None:
    gate = open_gate(max_reference_age_seconds=5, price_tolerance="0.01")
    hold(gate, "1")
    at = START + 5 * SECOND
    assert reason(gate, order("BUY", "1"), at) is None
    assert gate.submit(order("BUY", "1"), at + 1) == Deny(
        Reason.STALE_REFERENCE_PRICE, "BTC-PERP.X", Decimal(5), Decimal("5.000000001")
    )
    assert reason(gate, order("SELL", "1", "50"), at + 1) is None
    assert reason(gate, order("BUY", "1", contract=SPOT), at) == "NoReferencePrice"


def test_a_days_loss_leaves_only_reducing_until_midnight() -> None:
    gate = open_gate(max_daily_loss="50")
    hold(gate, "1")
    assert reason(gate, order("BUY", "0.1", "10")) is None
    set_price(gate, PERPETUAL, "50", "50")
    refusal = gate.submit(order("BUY", "0.1", "10"), START)
    assert refusal == Deny(Reason.DAILY_LOSS, "", Decimal(50), Decimal(50))
    assert reason(gate, order("SELL", "0.1", "60")) is None
    assert reason(gate, order("BUY", "0.1", "10"), START + DAY) is None


def test_an_inverse_loss_is_converted() -> None:
    gate = open_gate(max_daily_loss="100")
    set_price(gate, INVERSE, "100", "100")
    hold(gate, "1", contract=INVERSE)  # 100 dollars of face value, at 100
    assert reason(gate, order("BUY", "1", contract=INVERSE)) is None
    set_price(gate, INVERSE, "50", "50")
    refusal = gate.submit(order("BUY", "1", contract=INVERSE), START)
    # Bought for 1 coin, worth 2 coins to buy back: one coin lost, which is 50 dollars now.
    assert refusal is None
    set_price(gate, INVERSE, "25", "25")
    assert reason(gate, order("BUY", "1", contract=INVERSE)) is None
    assert gate.book.valuation.node.day_loss == Decimal(75)


def test_the_same_order_again_within_the_window() -> None:
    gate = open_gate(duplicate_window_milliseconds=100)
    first = order("BUY", "1", "90")
    assert reason(gate, first) is None
    again = START + 99_000_000
    assert gate.submit(order("BUY", "1", "90"), again) == Deny(Reason.DUPLICATE_ORDER, "ema", 100, 99)
    assert reason(gate, order("BUY", "1", "91"), again) is None
    assert reason(gate, order("BUY", "1", "90", strategy="other"), again) is None
    assert reason(gate, order("BUY", "1", "90"), START + 100_000_000) is None


def test_an_id_passes_once_for_ever() -> None:
    gate = open_gate()
    first = order("BUY", "1", "90")
    assert reason(gate, first) is None
    assert reason(gate, first) == "DuplicateId"
    gate.book.finish(first.order_id)
    assert reason(gate, first) == "DuplicateId"


@pytest.mark.parametrize(
    ("side", "price", "expected"),
    [("SELL", "90", "SelfCrossing"), ("SELL", "89", "SelfCrossing"), ("SELL", "91", None), ("SELL", None, None)],
)
def test_an_order_does_not_trade_with_our_own(side: str, price: str | None, expected: str | None) -> None:
    gate = open_gate()
    assert reason(gate, order("BUY", "1", "90", strategy="other")) is None
    assert reason(gate, order(side, "1", price)) == expected


def test_a_market_order_meets_our_own_where_ours_is_the_best() -> None:
    gate = open_gate()
    resting = order("BUY", "1", "99")
    assert reason(gate, resting) is None
    assert gate.submit(order("SELL", "1"), START) == Deny(Reason.SELF_CROSSING, "BTC-PERP.X", Decimal(99), Decimal(99))
    assert reason(gate, order("SELL", "1", "98", active=False, kind="STOP_LIMIT", trigger=Decimal(95))) is None
    gate.book.finish(resting.order_id)
    assert reason(gate, order("SELL", "1")) is None


def test_strictly_reducing_orders_are_exempt_from_size_and_exposure_but_not_from_rates() -> None:
    gate = open_gate(
        max_order_notional="10", max_gross_notional="10", max_position_notional="10", max_balance_use="0",
        max_orders_per_second=2,
    )  # fmt: skip
    hold(gate, "5")
    assert reason(gate, order("SELL", "3")) is None
    assert reason(gate, order("SELL", "3")) == "OrderNotionalTooLarge"
    assert reason(gate, order("SELL", "2")) is None
    assert reason(gate, order("SELL", "0.1")) == "OrdersPerSecond"


def test_reducing_is_asked_of_the_strategy_and_of_the_account() -> None:
    gate = open_gate()
    gate.set_admission(Admission.REDUCE)
    hold(gate, "3")
    hold(gate, "-2", strategy="other")
    assert reason(gate, order("BUY", "1", strategy="other")) == "ReduceOnly"
    assert reason(gate, order("SELL", "2")) == "ReduceOnly"
    assert reason(gate, order("SELL", "1")) is None


def test_cleanup_closes_two_strategies_that_hold_against_each_other() -> None:
    gate = open_gate()
    gate.set_admission(Admission.HALT)
    hold(gate, "3")
    hold(gate, "-3", strategy="other")
    assert reason(gate, order("SELL", "3", cleanup=True)) is None
    assert reason(gate, order("BUY", "3", strategy="other", cleanup=True)) is None
    assert reason(gate, order("SELL", "1", cleanup=True)) == "ReduceOnly"


def test_where_the_venue_keeps_positions_apart_only_an_order_for_a_position_reduces() -> None:
    gate = open_gate()
    set_price(gate, HEDGED, "99", "101")
    hold(gate, "3", contract=HEDGED, position_id="P-1")
    gate.set_admission(Admission.REDUCE)
    assert reason(gate, order("SELL", "1", contract=HEDGED)) == "ReduceOnly"
    assert reason(gate, order("SELL", "4", contract=HEDGED, position_id="P-1")) == "ReduceOnly"
    assert reason(gate, order("SELL", "3", contract=HEDGED, position_id="P-1")) is None
    assert reason(gate, order("SELL", "3", contract=HEDGED, position_id="P-2")) == "ReduceOnly"


def test_where_the_venue_keeps_positions_apart_pending_orders_do_not_offset_each_other() -> None:
    gate = open_gate(max_gross_notional="150")
    set_price(gate, HEDGED, "100", "100")
    assert reason(gate, order("BUY", "1", "100", contract=HEDGED)) is None
    assert reason(gate, order("SELL", "1", "101", contract=HEDGED)) == "GrossNotionalTooLarge"
    assert reason(gate, order("SELL", "0.5", "101", contract=HEDGED)) is None
    assert gate.book.valuation.node.gross <= 150
    gate = open_gate(max_balance_use="1")
    set_price(gate, HEDGED, "100", "100")
    gate.book.free_balance = gate.book.total_balance = lambda *_: Decimal(250)
    for pending in order("BUY", "1", "100", contract=HEDGED), order("SELL", "1", "101", contract=HEDGED):
        assert reason(gate, pending) is None
        gate.book.acknowledge(pending.order_id, START)
    assert reason(gate, order("BUY", "1", "99", contract=HEDGED)) == "BalanceTooSmall"


def test_reduce_only_orders_make_no_position_and_use_up_what_may_be_reduced() -> None:
    gate = open_gate(instruments=[InstrumentRisk(id="BTC-PERP.X", max_position="1")])
    hold(gate, "1")
    assert reason(gate, order("SELL", "1", "110", reduce_only=True)) is None
    assert reason(gate, order("SELL", "1", "95", reduce_only=True)) is None
    gate.set_admission(Admission.REDUCE)
    assert reason(gate, order("SELL", "1")) == "ReduceOnly"
