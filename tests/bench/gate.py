"""What the gate costs an order: submit, accept and cancel in a Nautilus backtest with it and without it.

python -m tests.bench.gate
"""

import gc
import time
from collections.abc import Sequence
from statistics import median

from tests.bench.table import Row, render, spread
from tests.node.gate.backtests import BUY, Script, backtest
from trading_api.risk import InstrumentRisk, RiskLimits, StrategyRisk, VenueRisk

ORDERS = 3_000
ORDERS_A_STEP = 10
STEP_SECONDS = 0.1
SECONDS = 40
ROUNDS = 7
GOAL_MICROSECONDS = 10.0
GOAL_RATIO = 1.10

EVERY_LIMIT = RiskLimits(
    max_orders_per_second=10_000,
    max_orders_per_minute=100_000,
    min_order_notional="1",
    max_order_notional="1000000",
    max_position_notional="1000000",
    max_gross_notional="1000000",
    max_net_notional="1000000",
    price_tolerance="0.5",
    max_reference_age_seconds=3_600,
    max_balance_use="1",
    max_daily_loss="1000000",
    duplicate_window_milliseconds=1,
    strategies=(StrategyRisk(name="s0", max_orders_per_second=10_000, max_gross_notional="1000000"),),
    venues=(VenueRisk(name="BINANCE", max_orders_per_second=10_000),),
    instruments=(InstrumentRisk(id="BTCUSDT-PERP.BINANCE", max_order_quantity="1000", max_position="1000"),),
)
"""All checks at work, none of them reached."""


def _submit_and_cancel(script: Script) -> None:
    """Send a few orders that rest, no two alike, and cancel each."""
    for number in range(ORDERS_A_STEP):
        price = script.price(f"{49_000 + number}")
        order = script.order_factory.limit(script.instrument.id, BUY, script.quantity("0.010"), price)
        script.submit_order(order)
        script.cancel_order(order)


def microseconds_per_order(limits: RiskLimits | None) -> float:
    """Run one backtest and return its time per order; None: without the gate."""
    steps = {1 + step * STEP_SECONDS: _submit_and_cancel for step in range(ORDERS // ORDERS_A_STEP)}
    with backtest(steps, limits=limits, gated=limits is not None, seconds=SECONDS) as run:
        gc.collect()
        gc.disable()
        begin = time.process_time()
        run.run()
        spent = time.process_time() - begin
        gc.enable()
        canceled = sum(order.is_canceled for order in run.orders())
        if canceled != ORDERS or run.denials:
            raise RuntimeError(f"{canceled} of {ORDERS} orders were canceled, {len(run.denials)} denied")
    return spent / ORDERS * 1e6


def rows(rounds: int = ROUNDS) -> Sequence[Row]:
    """Measure, one round after the other with and without the gate, so that both see the same machine."""
    bare, plain, full = [], [], []
    for _ in range(rounds):
        bare.append(microseconds_per_order(None))
        plain.append(microseconds_per_order(RiskLimits()))
        full.append(microseconds_per_order(EVERY_LIMIT))
    return [
        _ratio("gate, no limits: submit+accept+cancel", plain, bare),
        _ratio("gate, every limit: submit+accept+cancel", full, bare),
        _alone("gate alone, no limits", plain, bare),
        _alone("gate alone, every limit", full, bare),
    ]


def _ratio(name: str, gated: Sequence[float], bare: Sequence[float]) -> Row:
    ratio = median(gated) / median(bare)
    goal = f"<= {GOAL_RATIO:.2f} times"
    return Row(name, spread(gated, "us", 1), spread(bare, "us", 1), f"{ratio:.3f} times", goal, ratio <= GOAL_RATIO)


def _alone(name: str, gated: Sequence[float], bare: Sequence[float]) -> Row:
    costs = [with_gate - without for with_gate, without in zip(gated, bare, strict=True)]
    cost = median(costs)
    return Row(
        name,
        spread(costs, "us", 1),
        "0 us",
        f"{cost:.1f} us",
        f"<= {GOAL_MICROSECONDS:.0f} us",
        cost <= GOAL_MICROSECONDS,
    )


if __name__ == "__main__":
    print(render(rows()))
