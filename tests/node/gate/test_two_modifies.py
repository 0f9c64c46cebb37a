"""A modify that is on its way counts until the venue has answered it, whatever becomes of other ones meanwhile."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from nautilus_trader.model.identifiers import ExecAlgorithmId
from nautilus_trader.model.objects import Price
from nautilus_trader.model.orders import Order

from tests.node.gate.backtests import BUY, PERPETUAL, Script, backtest
from trading_api.risk import InstrumentRisk, RiskLimits

ONE_COIN = RiskLimits(instruments=[InstrumentRisk(id=PERPETUAL.id.value, max_position="1")])


def beyond_the_limit(script: Script, order: Order) -> None:
    script.modify_order(order, quantity=script.quantity("5"))


def of_no_such_precision(script: Script, order: Order) -> None:
    script.modify_order(order, price=Price.from_str("49000.123456"))


@pytest.mark.parametrize("refused", [beyond_the_limit, of_no_such_precision])
def test_a_refused_modify_is_no_answer_to_the_one_before(refused: Callable[[Script, Order], None]) -> None:
    """The gate refuses the one, Nautilus' RiskEngine the other, before any of them reaches the gate."""
    orders: dict[str, Order] = {}

    def enlarge(script: Script) -> None:
        script.modify_order(orders["first"], quantity=script.quantity("0.9"))
        refused(script, orders["first"])
        orders["second"] = script.limit(BUY, "0.9", "49000")

    steps = {1: lambda script: orders.update(first=script.limit(BUY, "0.1", "49000")), 2: enlarge}
    with backtest(steps, limits=ONE_COIN, prices=["50000"] * 5 + ["48000"]) as run:
        run.run()
        assert orders["first"].quantity == Decimal("0.9")
        assert run.reasons()[-1:] == ["PositionTooLarge"]
        assert run.position() == Decimal("0.9")


@pytest.mark.parametrize("gated", [False, True])
def test_a_modify_of_what_an_algorithm_holds_back_loses_none_of_it(*, gated: bool) -> None:
    """The venue knows no such order; the last part of it is sent under its own id."""
    orders: dict[str, Order] = {}

    def begin(script: Script) -> None:
        orders["it"] = script.market(
            BUY,
            "0.9",
            exec_algorithm_id=ExecAlgorithmId("TWAP"),
            exec_algorithm_params={"horizon_secs": 6, "interval_secs": 2},
        )

    steps = {1: begin, 2: lambda script: script.modify_order(orders["it"], quantity=script.quantity("0.5"))}
    with backtest(steps, gated=gated) as run:
        run.run()
        assert run.reasons() == []
        assert run.position() == Decimal("0.9")


def test_a_modify_is_decided_with_what_the_one_before_it_asked_for() -> None:
    orders: dict[str, Order] = {}

    def enlarge_and_raise(script: Script) -> None:
        script.modify_order(orders["it"], quantity=script.quantity("0.8"))
        script.modify_order(orders["it"], price=script.price("49000"))

    steps = {1: lambda script: orders.update(it=script.limit(BUY, "0.1", "30000")), 2: enlarge_and_raise}
    with backtest(steps, limits=RiskLimits(max_order_notional="25000")) as run:
        run.run()
        assert run.reasons() == ["OrderNotionalTooLarge"]
        assert orders["it"].quantity * orders["it"].price <= 25_000
