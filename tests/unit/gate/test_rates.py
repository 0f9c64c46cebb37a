"""How often orders are sent, also by a clock that is set while they are."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.gate.orders import PERPETUAL, SECOND, START, hold, open_gate, order, reason, set_price
from trading_api.risk import RiskLimits, StrategyRisk, VenueRisk
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.limits import compile_limits
from trading_node.risk.rates import SendLog

HOUR = 3600 * SECOND


def test_rates_hold_in_any_second_and_count_cancels_without_holding_them_back() -> None:
    gate = open_gate(max_orders_per_second=3)
    assert reason(gate, order("BUY", "1"), START) is None
    gate.send("ema", "X", START + SECOND // 2, 2)
    refusal = gate.submit(order("BUY", "1"), START + SECOND - 1)
    assert refusal == Deny(Reason.ORDERS_PER_SECOND, "", 3, 4)
    assert reason(gate, order("BUY", "1"), START + SECOND) is None
    assert reason(gate, order("BUY", "1"), START + SECOND) == "OrdersPerSecond"


def test_rates_of_a_strategy_and_of_a_venue_bind_that_one() -> None:
    gate = open_gate(
        strategies=[StrategyRisk(name="ema", max_orders_per_minute=1)],
        venues=[VenueRisk(name="X", max_orders_per_second=2)],
    )
    assert reason(gate, order("BUY", "1")) is None
    refusal = gate.submit(order("BUY", "1"), START)
    assert refusal == Deny(Reason.ORDERS_PER_MINUTE, "ema", 1, 2)
    assert reason(gate, order("BUY", "1", strategy="other")) is None
    refusal = gate.submit(order("BUY", "1", strategy="other"), START)
    assert refusal == Deny(Reason.ORDERS_PER_SECOND, "X", 2, 3)


def test_a_rate_that_is_set_while_running_counts_what_was_sent_before() -> None:
    gate = open_gate()
    for _ in range(5):
        assert reason(gate, order("BUY", "1")) is None
    gate.set_limits(compile_limits(RiskLimits(strategies=(StrategyRisk(name="ema", max_orders_per_minute=5),))))
    assert reason(gate, order("BUY", "1"), START + 59 * SECOND) == "OrdersPerMinute"
    assert reason(gate, order("BUY", "1"), START + 60 * SECOND) is None


def test_the_log_of_sends_keeps_a_minute() -> None:
    log = SendLog()
    for second in range(200):
        log.record("ema", "X", START + second * SECOND)
    assert len(log.node.times) == 60


def test_a_clock_that_steps_back_neither_freezes_nor_forgets() -> None:
    gate = open_gate(max_orders_per_second=2)
    hold(gate, "5")
    assert [reason(gate, order("BUY", "1", "90"), START + HOUR) for _ in range(3)] == [None, None, "OrdersPerSecond"]
    assert reason(gate, order("SELL", "1"), START) == "OrdersPerSecond"  # the same moment, an hour back
    assert reason(gate, order("SELL", "1"), START + SECOND - 1) == "OrdersPerSecond"
    assert [reason(gate, order("SELL", "1"), START + SECOND) for _ in range(3)] == [None, None, "OrdersPerSecond"]
    gate.send("ema", "X", START, 2)  # cancels count by the same time
    assert reason(gate, order("SELL", "0.5"), START + SECOND - 1) == "OrdersPerSecond"
    assert reason(gate, order("SELL", "0.5"), START + SECOND) is None


def test_a_clock_that_steps_forward_holds_nothing_back() -> None:
    gate = open_gate(max_orders_per_second=2)
    for at in (START, START + HOUR, START, START + HOUR):
        assert [reason(gate, order("BUY", "0.1", "90"), at + n * SECOND) for n in range(1, 4)] == [None] * 3


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3 * SECOND), st.sampled_from([0, 0, SECOND // 2, 90 * SECOND, HOUR])), max_size=60
    ),
    limit=st.integers(1, 4),
)
@examples(40)
def test_whenever_a_clock_steps_back_the_limit_is_that_of_real_time(steps: list[tuple[int, int]], limit: int) -> None:
    """Orders are tried after real pauses, with the clock set back in between."""
    gate = open_gate(max_orders_per_second=limit, self_crossing="Allow")
    real, wall, sent, tried = START, START, list[int](), 0
    for pause, back in steps:
        real, wall, tried = real + pause, wall + pause - back, tried + 1
        passed = gate.submit(order("BUY", "0.1", "90"), wall) is None
        within = sum(1 for time in sent if time > real - SECOND)
        if passed:
            assert within < limit
            sent.append(real)
        if not back and pause >= SECOND:
            assert passed


def test_neither_a_repetition_nor_a_day_follows_from_a_clock_that_steps_back() -> None:
    gate = open_gate(duplicate_window_milliseconds=1000)
    assert reason(gate, order("BUY", "1", "90"), START + HOUR) is None
    assert reason(gate, order("BUY", "1", "90"), START) is None
    assert reason(gate, order("BUY", "1", "90"), START) == "DuplicateOrder"
    midnight = (START // (24 * HOUR) + 1) * 24 * HOUR
    gate = open_gate(max_daily_loss="50")
    assert reason(gate, order("BUY", "0.1", "90"), midnight) is None
    hold(gate, "1")
    set_price(gate, PERPETUAL, "40", "40")
    for at in (midnight + SECOND, midnight - SECOND, midnight + SECOND):
        assert gate.submit(order("BUY", "0.1", "40"), at) == Deny(Reason.DAILY_LOSS, "", Decimal(50), Decimal(60))
