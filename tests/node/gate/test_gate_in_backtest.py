"""The gate's book and answers inside a real engine: fills, modifies, lists, brackets, algorithms, hedging, cash."""

from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.enums import AccountType, OmsType, OrderStatus, TimeInForce, TriggerType
from nautilus_trader.model.events import OrderModifyRejected
from nautilus_trader.model.identifiers import ExecAlgorithmId

from tests.node.gate.backtests import BUY, SELL, SPOT, Run, Script, backtest
from trading_api.risk import InstrumentRisk, RiskLimits, StrategyRisk
from trading_node.risk.limits import compile_limits

ONE_COIN = (InstrumentRisk(id="BTCUSDT-PERP.BINANCE", max_position="1"),)


def book_equals_cache(run: Run) -> None:
    """What the gate counts is what Nautilus' cache holds."""
    assert run.gate is not None
    book, cache = run.gate.book, run.cache
    held: dict[str, Decimal] = {}
    for holding in book.holdings.values():
        instrument = holding.market.contract.instrument_id
        held[instrument] = held.get(instrument, Decimal(0)) + holding.position
    for instrument, quantity in held.items():
        positions = [each for each in cache.positions_open() if each.instrument_id.value == instrument]
        assert quantity == sum((each.signed_decimal_qty() for each in positions), Decimal(0))
    at_venue = cache.orders_open() + cache.orders_inflight()
    assert {order_id: each.remaining for order_id, each in book.pending.items()} == {
        order.client_order_id.value: order.leaves_qty.as_decimal() for order in at_venue
    }


def test_pending_orders_and_fills_are_followed() -> None:
    steps = {
        1: lambda s: s.market(BUY, "0.5"),
        2: lambda s: s.limit(BUY, "0.4", "49000"),
        3: lambda s: s.limit(BUY, "0.2", "49100"),
        4: lambda s: s.cancel_all_orders(s.instrument.id),
        6: lambda s: s.limit(BUY, "0.5", "49500"),
        7: lambda s: s.market(BUY, "0.001"),
    }
    with backtest(steps, limits=RiskLimits(instruments=ONE_COIN)) as run:
        run.run()
        assert run.reasons() == ["PositionTooLarge", "PositionTooLarge"]
        assert [str(each.deny.value) for each in run.denials] == ["1.100", "1.001"]
        book_equals_cache(run)


def test_a_modify_beyond_the_limit_is_rejected_and_the_order_goes_on() -> None:
    orders: dict[str, Any] = {}

    def modify(quantity: str, price: str) -> Any:
        return lambda s: s.modify_order(orders["it"], quantity=s.quantity(quantity), price=s.price(price))

    steps = {
        1: lambda s: orders.update(it=s.limit(BUY, "0.5", "49000")),
        2: modify("1.5", "49000"),
        4: modify("0.9", "49100"),
        6: lambda s: s.limit(BUY, "0.2", "49000"),
    }
    with backtest(steps, limits=RiskLimits(instruments=ONE_COIN)) as run:
        run.run()
        order = orders["it"]
        rejected = [event for event in order.events if isinstance(event, OrderModifyRejected)]
        assert [event.reason for event in rejected] == ["PositionTooLarge BTCUSDT-PERP.BINANCE: 1.5, limit 1"]
        assert (order.status, str(order.quantity), str(order.price)) == (OrderStatus.ACCEPTED, "0.900", "49100.0")
        assert run.reasons() == ["PositionTooLarge", "PositionTooLarge"]
        book_equals_cache(run)


def test_a_bracket_passes_and_a_refused_one_leaves_nothing() -> None:
    def bracket(quantity: str) -> Any:
        return lambda s: s.submit_order_list(
            s.order_factory.bracket(
                s.instrument.id,
                BUY,
                s.quantity(quantity),
                tp_price=s.price("50500"),
                sl_trigger_price=s.price("49500"),
                time_in_force=TimeInForce.GTC,
            )
        )

    with backtest({1: bracket("0.5"), 3: bracket("0.6")}, limits=RiskLimits(instruments=ONE_COIN)) as run:
        run.run()
        assert run.reasons() == ["PositionTooLarge", "ListDenied", "ListDenied"]
        assert len(run.orders(OrderStatus.DENIED)) == 3
        assert not run.orders(OrderStatus.INITIALIZED)
        assert run.position() == Decimal("0.5")
        book_equals_cache(run)


def test_a_bracket_whose_emulated_children_wait_is_refused_with_them() -> None:
    def bracket(script: Script) -> None:
        script.submit_order_list(
            script.order_factory.bracket(
                script.instrument.id,
                BUY,
                script.quantity("2"),
                tp_price=script.price("50500"),
                sl_trigger_price=script.price("49500"),
                emulation_trigger=TriggerType.BID_ASK,
            )
        )

    with backtest({1: bracket}, limits=RiskLimits(instruments=ONE_COIN)) as run:
        run.run()
        assert run.reasons()[0] == "PositionTooLarge"
        assert all(order.is_closed for order in run.orders())
        assert run.position() == 0


def test_children_of_an_algorithm_are_held_against_the_limits_of_their_strategy() -> None:
    def twap(script: Script) -> None:
        script.market(
            BUY,
            "1",
            exec_algorithm_id=ExecAlgorithmId("TWAP"),
            exec_algorithm_params={"horizon_secs": 10.0, "interval_secs": 1.0},
        )

    limits = RiskLimits(strategies=(StrategyRisk(name="s0", max_gross_notional="30000"),))
    with backtest({1: twap}, limits=limits) as run:
        run.run()
        assert run.position() == Decimal("0.5")
        assert set(run.reasons()) == {"GrossNotionalTooLarge"}


def test_limits_change_while_the_engine_runs() -> None:
    def tighten(run: Run) -> Any:
        def step(_: Script) -> None:
            assert run.gate is not None
            run.gate.set_limits(compile_limits(RiskLimits(max_order_notional="100")))

        return step

    steps: dict[float, Any] = {1: lambda s: s.market(BUY, "0.1"), 3: lambda s: s.market(BUY, "0.1")}
    with backtest(steps) as run:
        steps[2] = tighten(run)
        run.run()
        assert run.reasons() == ["OrderNotionalTooLarge"]
        assert run.position() == Decimal("0.1")


def test_rates_are_those_of_the_engines_clock() -> None:
    def burst(script: Script) -> None:
        for _ in range(4):
            script.market(BUY, "0.001")

    with backtest({1: burst, 1.5: burst, 2.01: burst}, limits=RiskLimits(max_orders_per_second=5)) as run:
        run.run()
        assert len(run.orders(OrderStatus.FILLED)) == 9
        assert run.reasons() == ["OrdersPerSecond"] * 3


def test_the_age_of_a_price_is_that_of_the_newest_quote() -> None:
    steps = {1: lambda s: s.market(BUY, "0.1"), 10: lambda s: s.market(BUY, "0.1"), 12: lambda s: s.market(SELL, "0.1")}
    with backtest(steps, limits=RiskLimits(max_reference_age_seconds=5), gap=(3, 15)) as run:
        run.run()
        assert run.reasons() == ["StaleReferencePrice"]
        assert run.position() == 0


def test_a_days_loss_stops_new_positions() -> None:
    steps = {1: lambda s: s.market(BUY, "1"), 8: lambda s: s.market(BUY, "0.1"), 9: lambda s: s.market(SELL, "1")}
    prices = ["50000"] * 5 + ["49000"] * 20
    with backtest(steps, limits=RiskLimits(max_daily_loss="900"), prices=prices) as run:
        run.run()
        assert run.reasons() == ["DailyLoss"]
        assert run.position() == 0
        assert run.gate is not None
        run.gate.book.valuation.refresh(0)
        account = run.cache.accounts()[0]
        lost = Decimal(1_000_000) - next(iter(account.balances_total().values())).as_decimal()
        assert -run.gate.book.valuation.node.profit == pytest.approx(lost)


def test_where_positions_are_kept_apart_a_close_is_one_of_its_position() -> None:
    steps: dict[float, Any] = {
        1: lambda s: s.market(BUY, "0.5"),
        3: lambda s: s.market(SELL, "0.3"),
        5: lambda s: s.close_all_positions(s.instrument.id),
    }
    with backtest(steps, oms=OmsType.HEDGING, limits=RiskLimits(max_gross_notional="40100")) as run:
        run.run()
        assert not run.reasons()
        assert not run.cache.positions_open()
        assert run.gate is not None
        assert all(holding.is_idle for holding in run.gate.book.holdings.values())
        book_equals_cache(run)


def test_a_cash_account_is_held_to_its_balance_by_the_gate_too() -> None:
    steps = {1: lambda s: s.market(BUY, "1"), 3: lambda s: s.market(BUY, "0.7"), 5: lambda s: s.market(SELL, "0.9")}
    limits = RiskLimits(max_balance_use="0.6")
    with backtest(steps, instrument=SPOT, account=AccountType.CASH, balance="100000 USDT, 1 BTC", limits=limits) as run:
        run.run()
        assert run.reasons() == ["BalanceTooSmall"]
        assert run.denials[0].deny.scope == "USDT"


def test_money_quantities_are_converted_before_they_are_limited() -> None:
    def buy_for(amount: str) -> Any:
        return lambda s: s.submit_order(
            s.order_factory.market(s.instrument.id, BUY, s.quantity(amount), quote_quantity=True)
        )

    limits = RiskLimits(instruments=(InstrumentRisk(id="BTCUSDT.BINANCE", max_order_quantity="0.5"),))
    steps = {1: buy_for("24000"), 2: buy_for("26000")}
    with backtest(steps, instrument=SPOT, account=AccountType.CASH, limits=limits) as run:
        run.run()
        assert run.reasons() == ["OrderQuantityTooLarge"]


def test_orders_from_before_the_gate_are_counted() -> None:
    steps: dict[float, Any] = {1: lambda s: s.market(BUY, "0.4"), 2: lambda s: s.limit(BUY, "0.5", "49000")}
    with backtest(steps, limits=RiskLimits(instruments=ONE_COIN)) as run:
        installed = run.installed
        assert installed is not None
        installed.uninstall()
        steps[4] = lambda _: installed.install()
        steps[5] = lambda s: s.limit(BUY, "0.2", "49000")
        run.run()
        assert run.reasons() == ["PositionTooLarge"]
        book_equals_cache(run)
