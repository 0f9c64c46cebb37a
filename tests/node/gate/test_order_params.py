"""Parameters for an adapter do not carry an order past the gate."""

from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import QueryAccount
from nautilus_trader.model.enums import AccountType, OmsType, OrderStatus
from nautilus_trader.model.identifiers import AccountId

from tests.node.gate.backtests import BUY, PERPETUAL, SPOT, Script, backtest
from trading_node.nautilus_orders import read_contract
from trading_node.order_params import check_params


def limit(script: Script, params: dict[str, Any] | None, price: str = "49000") -> Any:
    order = script.order_factory.limit(script.instrument.id, BUY, script.quantity("1"), script.price(price))
    script.submit_order(order, params=params)
    return order


SPOT_CASH = {"instrument": SPOT, "account": AccountType.CASH}
SPOT_MARGIN = {"instrument": SPOT, "account": AccountType.MARGIN}


@pytest.mark.parametrize(
    ("params", "options", "status"),
    [
        ({"price_match": "OPPONENT_20"}, {}, OrderStatus.DENIED),
        ({"attach_algo_ords": [{"slTriggerPx": "1"}]}, {}, OrderStatus.DENIED),
        ({"close_position": True}, {}, OrderStatus.DENIED),
        ({"close_fraction": "1"}, {}, OrderStatus.DENIED),
        ({"outcome": "no"}, {}, OrderStatus.DENIED),
        ({"is_leverage": True}, SPOT_CASH, OrderStatus.DENIED),
        ({"td_mode": "cross"}, {}, OrderStatus.ACCEPTED),
        ({"td_mode": "isolated"}, {}, OrderStatus.ACCEPTED),
        ({"td_mode": "cross"}, SPOT_CASH, OrderStatus.DENIED),
        ({"td_mode": "spot_isolated"}, SPOT_CASH, OrderStatus.DENIED),
        ({"td_mode": "cash"}, SPOT_CASH, OrderStatus.ACCEPTED),
        ({"td_mode": "cross"}, SPOT_MARGIN, OrderStatus.ACCEPTED),
        ({"leverage": 5}, SPOT_CASH, OrderStatus.DENIED),
        ({"leverage": 5}, SPOT_MARGIN, OrderStatus.ACCEPTED),
        ({"leverage": 5}, {}, OrderStatus.ACCEPTED),
        ({}, {}, OrderStatus.ACCEPTED),
        (None, {}, OrderStatus.ACCEPTED),
    ],
)
def test_an_order_of_which_a_parameter_makes_another_is_refused(
    params: dict[str, Any] | None, options: dict[str, Any], status: OrderStatus
) -> None:
    with backtest({1: lambda script: limit(script, params, "40000")}, **options) as run:
        run.run()
        (order,) = run.orders()
        assert order.status == status
        if status == OrderStatus.DENIED:
            assert order.last_event.reason == f"UncheckedParameter {next(iter(params or {}))}"
            assert run.reasons() == ["UncheckedParameter"]


@pytest.mark.parametrize("margin", [False, True])
def test_on_okx_spot_borrows_as_its_own_setting_says_and_not_as_the_account_beside_derivatives(*, margin: bool) -> None:
    client: Any = SimpleNamespace(
        account_type=AccountType.MARGIN,
        account_id=AccountId("OKX-1"),
        oms_type=OmsType.NETTING,
        _config=SimpleNamespace(use_spot_margin=margin),
    )
    cache: Any = SimpleNamespace(account=lambda _: None)
    contract = read_contract(SPOT, client, cache)
    assert (contract.spot, contract.lends, contract.reduce_only_sells) == (True, margin, not margin)
    refusal = check_params({"td_mode": "isolated"}, contract)
    assert (refusal is None) is margin
    assert not read_contract(PERPETUAL, client, cache).spot


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
