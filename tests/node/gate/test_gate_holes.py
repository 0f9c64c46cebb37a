"""The ways past Nautilus' own RiskEngine: each is shown to be open without the gate, and closed with it."""

from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderStatus, TimeInForce, TradingState, TriggerType
from nautilus_trader.model.identifiers import ExecAlgorithmId

from tests.node.gate.backtests import BUY, PERPETUAL, SELL, Run, Script, Step, backtest
from trading_api.risk import RiskLimits
from trading_node.risk.standing import Admission

MOVING = ["50000"] * 5 + ["49900"] * 20


def buy_one(script: Script) -> None:
    script.market(BUY, "1")


def sell_two(script: Script) -> None:
    script.market(SELL, "2")


def restrict(run: Run, state: TradingState, admission: Admission) -> Step:
    """Restrict trading the way that there is: by the gate, or by Nautilus' own state without one."""

    def step(_: Script) -> None:
        if run.gate is None:
            run.engine.kernel.risk_engine.set_trading_state(state)
        else:
            run.gate.set_admission(admission)

    return step


class Late(dict[float, Step]):
    """Steps that are filled in once the run exists, and read when it starts."""


@pytest.mark.parametrize("gated", [False, True])
def test_a_notional_limit_holds_on_a_margin_account(*, gated: bool) -> None:
    with backtest(
        {1: buy_one},
        gated=gated,
        max_notional={PERPETUAL.id.value: 1_000},
        limits=RiskLimits(max_order_notional="1000"),
    ) as run:
        run.run()
        assert run.position() == (0 if gated else 1)
        assert run.reasons() == (["OrderNotionalTooLarge"] if gated else [])


@pytest.mark.parametrize("gated", [False, True])
def test_reducing_opens_nothing_from_flat(*, gated: bool) -> None:
    steps = Late()
    with backtest(steps, gated=gated) as run:
        steps.update({1: restrict(run, TradingState.REDUCING, Admission.REDUCE), 2: buy_one})
        run.run()
        assert run.position() == (0 if gated else 1)


@pytest.mark.parametrize("gated", [False, True])
def test_reducing_turns_no_position(*, gated: bool) -> None:
    steps = Late()
    with backtest(steps, gated=gated) as run:
        steps.update({1: buy_one, 2: restrict(run, TradingState.REDUCING, Admission.REDUCE), 3: sell_two})
        run.run()
        assert run.position() == (1 if gated else -1)


def test_reducing_counts_what_is_pending_so_that_two_orders_turn_nothing() -> None:
    steps = Late()
    with backtest(steps, prices=["50000"] * 6 + ["50200"] * 20) as run:
        steps.update({1: buy_one, 2: restrict(run, TradingState.REDUCING, Admission.REDUCE)})
        steps[2.5] = lambda script: script.limit(SELL, "0.6", "50100")
        steps[3] = lambda script: script.limit(SELL, "0.6", "50100")
        steps[4] = lambda script: script.limit(SELL, "0.4", "50100")
        run.run()
        assert run.reasons() == ["ReduceOnly"]
        assert run.position() == 0


@pytest.mark.parametrize("gated", [False, True])
def test_a_halt_lets_the_position_be_closed_by_the_node(*, gated: bool) -> None:
    steps = Late()
    with backtest(steps, gated=gated) as run:
        tags = [run.gate.cleanup_tag] if run.gate is not None else ["cleanup"]
        steps.update({1: buy_one, 2: restrict(run, TradingState.HALTED, Admission.HALT)})
        steps[3] = lambda script: script.market(SELL, "1", reduce_only=True, tags=tags)
        run.run()
        assert run.position() == (0 if gated else 1)


def test_a_halt_takes_no_order_that_is_not_the_nodes_own_and_none_that_opens() -> None:
    steps = Late()
    with backtest(steps) as run:
        assert run.gate is not None
        tags = [run.gate.cleanup_tag]
        steps.update({1: buy_one, 2: restrict(run, TradingState.HALTED, Admission.HALT)})
        steps[3] = lambda script: script.market(SELL, "1", reduce_only=True, tags=["cleanup"])
        steps[4] = lambda script: script.market(SELL, "2", tags=tags)
        steps[5] = lambda script: script.market(BUY, "1", tags=tags)
        run.run()
        assert run.reasons() == ["Halted", "ReduceOnly", "ReduceOnly"]
        assert run.position() == 1


@pytest.mark.parametrize("gated", [False, True])
def test_an_emulated_order_does_not_fill_while_halted(*, gated: bool) -> None:
    steps = Late()
    with backtest(steps, gated=gated, prices=MOVING) as run:
        steps[1] = lambda script: script.limit(BUY, "1", "49950", emulation_trigger=TriggerType.BID_ASK)
        steps[2] = restrict(run, TradingState.HALTED, Admission.HALT)
        run.run()
        (order,) = run.orders()
        assert order.status == (OrderStatus.DENIED if gated else OrderStatus.FILLED)
        assert run.position() == (0 if gated else 1)


@pytest.mark.parametrize("gated", [False, True])
def test_a_bad_order_of_a_list_leaves_no_sibling_behind(*, gated: bool) -> None:
    def entry_with_bad_stop(script: Script) -> None:
        good = script.order_factory.limit(script.instrument.id, BUY, script.quantity("1"), script.price("49000"))
        bad = script.order_factory.limit(
            script.instrument.id,
            BUY,
            script.quantity("1"),
            script.price("48000"),
            time_in_force=TimeInForce.GTD,
            expire_time=script.clock.utc_now().replace(year=2001),
        )
        script.submit_order_list(script.order_factory.create_list([good, bad]))

    with backtest({1: entry_with_bad_stop}, gated=gated) as run:
        run.run()
        good, bad = run.orders()
        assert bad.status == OrderStatus.DENIED
        assert good.status == (OrderStatus.DENIED if gated else OrderStatus.INITIALIZED)
        told = [(str(denial.deny), denial.order.order_id) for denial in run.denials]
        assert told == ([(f"ListDenied {bad.client_order_id}", good.client_order_id.value)] if gated else [])


def start_algorithm(script: Script) -> None:
    script.market(
        BUY,
        "1",
        exec_algorithm_id=ExecAlgorithmId("TWAP"),
        exec_algorithm_params={"horizon_secs": 10.0, "interval_secs": 1.0},
    )


@pytest.mark.parametrize("gated", [False, True])
def test_an_algorithm_that_runs_on_opens_no_position_after_the_exit(*, gated: bool) -> None:
    steps = Late()
    with backtest(steps, gated=gated) as run:
        tags = [run.gate.cleanup_tag] if run.gate is not None else None

        def leave(script: Script) -> None:
            if run.gate is not None:
                run.gate.set_admission(Admission.HALT)
            script.cancel_all_orders(script.instrument.id)
            script.close_all_positions(script.instrument.id, tags=tags)

        steps.update({1: start_algorithm, 4.5: leave})
        run.run()
        assert (run.position() == Decimal(0)) is gated
        children = [order for order in run.orders(OrderStatus.DENIED) if order.exec_spawn_id is not None]
        assert bool(children) is gated


@pytest.mark.parametrize("gated", [False, True])
def test_a_market_exit_ends_flat_although_an_algorithm_runs_on(*, gated: bool) -> None:
    """Nautilus' own exit cancels orders and closes positions; the algorithm's schedule it leaves as it is."""
    steps = Late()
    with backtest(steps, gated=gated) as run:

        def leave(script: Script) -> None:
            assert run.position() > 0
            if run.gate is not None:
                run.gate.stop_taking(Admission.REDUCE)  # as a node that stops does
            script.market_exit()

        steps.update({1: start_algorithm, 4.5: leave})
        run.run()
        assert (run.position() == Decimal(0)) is gated
        assert set(run.reasons()) == ({"ReduceOnly"} if gated else set())


@pytest.mark.parametrize("gated", [False, True])
def test_an_exit_that_a_halt_refuses_is_finished_by_the_node(*, gated: bool) -> None:
    """A strategy that is to close what it holds tries in vain, and its stop ends well all the same: the node closes."""
    steps, later, seen = Late(), Late(), list[int]()
    with backtest(steps, later, gated=gated, manage_stop=True, seconds=40) as run:

        def clean_up(_: Script) -> None:
            stopped = run.scripts[0]
            assert stopped.is_stopped
            assert run.position() == 1
            seen.append(len(run.orders(OrderStatus.DENIED)))
            if run.gate is not None:  # as the node's drain does
                stopped.market(SELL, "1", reduce_only=True, tags=[run.gate.cleanup_tag])

        steps.update({1: buy_one, 2: restrict(run, TradingState.HALTED, Admission.HALT)})
        steps[3] = lambda script: script.stop()
        later[30] = clean_up
        run.run()
        assert seen[0] > 0
        assert run.position() == (0 if gated else 1)
