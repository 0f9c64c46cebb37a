"""Parameters for an adapter do not carry an order past the gate."""

from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import QueryAccount
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import AccountId

from tests.node.gate.backtests import BUY, Script, backtest


def limit(script: Script, params: dict[str, Any] | None, price: str = "49000") -> Any:
    order = script.order_factory.limit(script.instrument.id, BUY, script.quantity("1"), script.price(price))
    script.submit_order(order, params=params)
    return order


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"price_match": "OPPONENT_20"}, OrderStatus.DENIED),
        ({"attach_algo_ords": [{"slTriggerPx": "1"}]}, OrderStatus.DENIED),
        ({"td_mode": "cross"}, OrderStatus.ACCEPTED),
        ({}, OrderStatus.ACCEPTED),
        (None, OrderStatus.ACCEPTED),
    ],
)
def test_an_order_whose_price_or_number_a_parameter_changes_is_refused(
    params: dict[str, Any] | None, status: OrderStatus
) -> None:
    with backtest({1: lambda script: limit(script, params)}) as run:
        run.run()
        (order,) = run.orders()
        assert order.status == status
        if status == OrderStatus.DENIED:
            assert order.last_event.reason == f"UncheckedParameter {next(iter(params or {}))}"
            assert run.reasons() == ["UncheckedParameter"]


def test_a_list_is_refused_as_a_whole() -> None:
    def send(script: Script) -> None:
        make = script.order_factory.limit
        orders = [make(script.instrument.id, BUY, script.quantity("1"), script.price(price)) for price in ("1", "2")]
        script.submit_order_list(script.order_factory.create_list(orders), params={"take_profit": "3"})

    with backtest({1: send}) as run:
        run.run()
        assert [order.status for order in run.orders()] == [OrderStatus.DENIED] * 2


def test_a_modify_is_refused_and_the_order_goes_on() -> None:
    def modify(script: Script) -> None:
        (order,) = run.orders()
        script.modify_order(order, price=script.price("48000"), params={"px_vol": "0.5"})

    with backtest({1: lambda script: limit(script, None), 2: modify}) as run:
        run.run()
        (order,) = run.orders()
        assert (order.status, str(order.price)) == (OrderStatus.ACCEPTED, "49000.0")
        assert run.reasons() == ["UncheckedParameter"]


@pytest.mark.parametrize(("params", "asked"), [({"action": "Borrow", "coin": "BTC", "amount": 9}, 0), (None, 1)])
def test_no_question_about_an_account_borrows(
    params: dict[str, Any] | None, asked: int, caplog: pytest.LogCaptureFixture
) -> None:
    with backtest() as run:
        assert run.installed is not None
        forwarded: list[Any] = []
        run.installed._forward = forwarded.append
        command = QueryAccount(run.engine.kernel.trader_id, AccountId("BINANCE-001"), UUID4(), 0, params=params)
        run.installed.execute(command)
        assert len(forwarded) == asked
        assert ("by hand" in caplog.text) == (not asked)
