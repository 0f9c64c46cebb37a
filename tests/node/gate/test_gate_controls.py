"""Each control that Nautilus does not have: the order passes without the gate, and the gate refuses it with numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from nautilus_trader.model.enums import AccountType, OrderStatus

from tests.node.gate.backtests import BUY, SELL, SPOT, Script, Step, backtest
from trading_api.risk import InstrumentRisk, RiskLimits, StrategyRisk, VenueRisk

FALLING = ["50000"] * 5 + ["49000"] * 20


def market(side: Any, quantity: str) -> Step:
    return lambda script: script.market(side, quantity)


def limit(side: Any, quantity: str, price: str) -> Step:
    return lambda script: script.limit(side, quantity, price)


def repeated(step: Step, times: int) -> Step:
    def steps(script: Script) -> None:
        for _ in range(times):
            step(script)

    return steps


@dataclass(frozen=True)
class Control:
    """Limits, what strategies do, and what the gate says to the last order; all orders before that one pass."""

    says: str
    limits: RiskLimits
    steps: Mapping[float, Step]
    others: Mapping[float, Step] = field(default_factory=dict)
    """What a second strategy does."""
    options: Mapping[str, Any] = field(default_factory=dict)


CONTROLS = {
    "orders per second of the node": Control(
        "OrdersPerSecond: 4, limit 3",
        RiskLimits(max_orders_per_second=3),
        {1: repeated(market(BUY, "0.001"), 4)},
    ),
    "orders per minute of a strategy": Control(
        "OrdersPerMinute s0: 3, limit 2",
        RiskLimits(strategies=(StrategyRisk(name="s0", max_orders_per_minute=2),)),
        {1: market(BUY, "0.001"), 3: market(BUY, "0.001"), 9: market(BUY, "0.001")},
        {5: repeated(market(BUY, "0.001"), 5)},
    ),
    "orders per second to a venue": Control(
        "OrdersPerSecond BINANCE: 3, limit 2",
        RiskLimits(venues=(VenueRisk(name="BINANCE", max_orders_per_second=2),)),
        {2: repeated(market(BUY, "0.001"), 2)},
        {1.5: market(BUY, "0.001")},
    ),
    "least notional of an order": Control(
        "OrderNotionalTooSmall BTCUSDT-PERP.BINANCE: 50.0001, limit 100",
        RiskLimits(min_order_notional="100"),
        {1: market(BUY, "0.001")},
    ),
    "most quantity of an order": Control(
        "OrderQuantityTooLarge BTCUSDT-PERP.BINANCE: 2, limit 1",
        RiskLimits(instruments=(InstrumentRisk(id="BTCUSDT-PERP.BINANCE", max_order_quantity="1"),)),
        {1: market(BUY, "2")},
    ),
    "position in an instrument, of all strategies, with pending orders": Control(
        "PositionTooLarge BTCUSDT-PERP.BINANCE: 1.1, limit 1",
        RiskLimits(instruments=(InstrumentRisk(id="BTCUSDT-PERP.BINANCE", max_position="1"),)),
        {1: market(BUY, "0.4"), 4: limit(BUY, "0.3", "49000")},
        {2: limit(BUY, "0.4", "49500")},
    ),
    "notional of a position": Control(
        "PositionNotionalTooLarge BTCUSDT-PERP.BINANCE: 100000.1, limit 60000",
        RiskLimits(max_position_notional="60000"),
        {1: market(BUY, "1"), 2: market(BUY, "1")},
    ),
    "gross exposure of the node": Control(
        "GrossNotionalTooLarge: 55000.055, limit 50010",
        RiskLimits(max_gross_notional="50010"),
        {1: market(BUY, "0.5"), 3: market(BUY, "0.1")},
        {2: market(SELL, "0.5")},
    ),
    "net exposure of a strategy": Control(
        "NetNotionalTooLarge s0: 30000.03, limit 26000",
        RiskLimits(strategies=(StrategyRisk(name="s0", max_net_notional="26000"),)),
        {1: market(BUY, "0.5"), 2: market(BUY, "0.1")},
        {1: market(BUY, "2")},
    ),
    "price against the market's": Control(
        "PriceOffMarket BTCUSDT-PERP.BINANCE: 0.099998, limit 0.02",
        RiskLimits(price_tolerance="0.02"),
        {1: limit(BUY, "0.1", "55000")},
    ),
    "age of the market's price": Control(
        "StaleReferencePrice BTCUSDT-PERP.BINANCE: 8, limit 5",
        RiskLimits(max_reference_age_seconds=5),
        {10: market(BUY, "0.1")},
        options={"gap": (3, 15)},
    ),
    "a day's loss": Control(
        "DailyLoss: 1009.050018, limit 900",
        RiskLimits(max_daily_loss="900"),
        {1: market(BUY, "1"), 8: market(BUY, "0.1")},
        options={"prices": FALLING},
    ),
    "the same order twice": Control(
        "DuplicateOrder s0: 0, limit 1000",
        RiskLimits(duplicate_window_milliseconds=1000),
        {1: repeated(limit(BUY, "0.1", "49000"), 2)},
    ),
    "trading with oneself": Control(
        "SelfCrossing BTCUSDT-PERP.BINANCE: 49500, limit 49500",
        RiskLimits(),
        {2: limit(SELL, "0.1", "49500")},
        {1: limit(BUY, "0.1", "49500")},
    ),
    "share of the balance": Control(
        "BalanceTooSmall USDT: 35000.007, limit 29969.993994",
        RiskLimits(max_balance_use="0.6"),
        {1: market(BUY, "1"), 3: market(BUY, "0.7")},
        options={"instrument": SPOT, "account": AccountType.CASH, "balance": "100000 USDT, 1 BTC"},
    ),
}


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_holds_with_the_gate_alone(name: str, *, gated: bool) -> None:
    control = CONTROLS[name]
    with backtest(control.steps, control.others, gated=gated, limits=control.limits, **control.options) as run:
        run.run()
        denied = run.orders(OrderStatus.DENIED)
        said = [str(denial.deny) for denial in run.denials]
        assert said == ([control.says] if gated else [])
        assert len(denied) == (1 if gated else 0)
        if gated:
            (event,) = (event for event in denied[0].events if type(event).__name__ == "OrderDenied")
            assert event.reason == control.says


def modify_to(quantity: str) -> Callable[[Script], None]:
    def step(script: Script) -> None:
        (order,) = script.cache.orders_open()
        script.modify_order(order, quantity=script.quantity(quantity))

    return step


@pytest.mark.parametrize("gated", [False, True])
def test_a_modify_is_held_against_limits_and_rates(*, gated: bool) -> None:
    steps = {1: limit(BUY, "0.1", "49000"), 2: modify_to("5"), 4: modify_to("0.2")}
    limits = RiskLimits(max_order_notional="100000", max_orders_per_minute=2)
    with backtest(steps, {}, gated=gated, limits=limits) as run:
        run.run()
        (order,) = run.orders()
        assert str(order.quantity) == "0.200"
        amended = [event for event in order.events if type(event).__name__ == "OrderUpdated"]
        assert len(amended) == (1 if gated else 2)
        assert run.reasons() == (["OrderNotionalTooLarge"] if gated else [])
