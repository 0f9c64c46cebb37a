"""Orders that protect a position: limits are there to keep them possible."""

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderStatus, TriggerType

from tests.node.gate.backtests import BUY, SELL, Script, backtest
from trading_api.risk import RiskLimits

FALLING = ["50000"] * 6 + ["47950"] * 20


def protect(trigger: str, price: str, **options: Any) -> Any:
    def step(script: Script) -> None:
        script.submit_order(
            script.order_factory.stop_limit(
                script.instrument.id,
                SELL,
                script.quantity("1"),
                script.price(price),
                script.price(trigger),
                reduce_only=True,
                **options,
            )
        )

    return step


@pytest.mark.parametrize("options", [{}, {"emulation_trigger": TriggerType.BID_ASK}])
def test_a_stop_loss_far_below_the_market_is_taken_and_fills_once_it_triggers(options: dict[str, Any]) -> None:
    steps = {1: lambda script: script.market(BUY, "1"), 3: protect("48000", "47900", **options)}
    with backtest(steps, limits=RiskLimits(price_tolerance="0.01"), prices=FALLING) as run:
        run.run()
        assert run.reasons() == []
        assert [order.status for order in run.orders()] == [OrderStatus.FILLED] * 2
        assert run.position() == Decimal(0)


def test_a_stop_loss_that_would_sell_far_below_its_trigger_is_refused() -> None:
    steps = {1: lambda script: script.market(BUY, "1"), 3: protect("48000", "47000")}
    with backtest(steps, limits=RiskLimits(price_tolerance="0.01"), prices=FALLING) as run:
        run.run()
        assert [str(each.deny) for each in run.denials] == ["PriceOffMarket BTCUSDT-PERP.BINANCE: 0.020833, limit 0.01"]


def test_after_a_days_loss_a_stop_loss_is_moved_although_a_take_profit_rests_beside_it() -> None:
    orders: dict[str, Any] = {}

    def protect_both(script: Script) -> None:
        factory, instrument = script.order_factory, script.instrument.id
        one = script.quantity("1")
        orders["profit"] = factory.limit(instrument, SELL, one, script.price("52000"), reduce_only=True)
        orders["stop"] = factory.stop_market(instrument, SELL, one, script.price("47000"), reduce_only=True)
        for order in orders.values():
            script.submit_order(order)

    def move(script: Script) -> None:
        script.modify_order(orders["stop"], trigger_price=script.price("47900"))
        script.modify_order(orders["profit"], price=script.price("51000"))

    steps = {
        1: lambda script: script.market(BUY, "1"),
        2: protect_both,
        8: lambda script: script.market(BUY, "0.1"),
        9: move,
    }
    prices = [*["50000"] * 6, *["48000"] * 8, *["47800"] * 20]
    with backtest(steps, limits=RiskLimits(max_daily_loss="900"), prices=prices) as run:
        run.run()
        assert run.reasons() == ["DailyLoss"]
        assert orders["stop"].status == OrderStatus.FILLED
        assert str(orders["profit"].price) == "51000.0"
        assert run.position() == Decimal(0)
