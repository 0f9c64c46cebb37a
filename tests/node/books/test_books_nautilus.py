"""Nautilus' events in the books, against what Nautilus itself makes of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.events import AccountState
from nautilus_trader.model.identifiers import AccountId, ExecAlgorithmId, InstrumentId, StrategyId, TraderId, Venue
from nautilus_trader.model.objects import AccountBalance, Money, Quantity

from tests.node.gate.backtests import BUY, PERPETUAL, SELL, SPOT, Run, Script, Step, backtest
from tests.unit.books.agreement import differences, expected_tables, stored_tables
from tests.unit.books.database_suite import run as run_async
from trading_api.adapters import Adapter
from trading_api.risk import RiskLimits
from trading_node.book_events import BookEvent, Filled, Noted, Placed, Transition
from trading_node.nautilus_books import NautilusBooks
from trading_node.orders import Order, OrderStatus
from trading_node.positions import Position, fold_position, position_key
from trading_node.store.books import Books, BooksSettings
from trading_node.store.codec import UNTRANSLATED
from trading_node.store.engine import embedded_url, make_engine
from trading_node.store.projection import fold_orders, order_events
from trading_node.venue_symbols import to_engine

TRADER = "GATE-001"
PRICES = ["50000", "50100", "49900", "50250.5", "49800", "50000"] * 4


def trade(script: Script) -> None:
    script.market(BUY, "2")
    script.limit(SELL, "1", "90000")


def change(script: Script) -> None:
    (order,) = script.cache.orders_open()
    script.modify_order(order, quantity=script.quantity("0.5"), price=script.price("91000"))


def flip(script: Script) -> None:
    script.market(SELL, "3.5")


def cancel(script: Script) -> None:
    script.cancel_all_orders(script.instrument.id)


def slice_it(script: Script) -> None:
    order = script.order_factory.market(
        script.instrument.id, BUY, script.quantity("1.5"),
        exec_algorithm_id=ExecAlgorithmId("TWAP"),
        exec_algorithm_params={"horizon_secs": 3.0, "interval_secs": 1.0}, tags=["rebalance"],
    )  # fmt: skip
    script.submit_order(order)


def bracket(script: Script) -> None:
    bracket_of(script, "1")


def bracket_of(script: Script, quantity: str) -> None:
    orders = script.order_factory.bracket(
        script.instrument.id, BUY, script.quantity(quantity),
        sl_trigger_price=script.price("40000"), tp_price=script.price("60000"),
    )  # fmt: skip
    script.submit_order_list(orders)


def close(script: Script) -> None:
    script.close_all_positions(script.instrument.id)


STORY: dict[float, Step] = {1: trade, 2: change, 3: flip, 4: cancel, 5: slice_it, 10: bracket, 13: cancel, 14: close}


@contextmanager
def telling(story: dict[float, Step], **options: Any) -> Iterator[tuple[Run, list[BookEvent]]]:
    """A backtest that has run, and what the books were told of it."""
    told: list[BookEvent] = []
    with backtest(story, gated=False, prices=PRICES, seconds=len(PRICES), **options) as made:
        NautilusBooks(made.cache, told.append, trader_id=TRADER).follow(made.engine.kernel.msgbus)
        yield made.run(), told


def orders_in(told: Sequence[BookEvent]) -> dict[str, Order]:
    return {key: fold.order() for key, fold in fold_orders(order_events(told)).items()}


def positions_in(told: Sequence[BookEvent]) -> list[Position]:
    held: dict[Any, list[Filled]] = {}
    for event in told:
        if isinstance(event, Filled):
            held.setdefault(position_key(event), []).append(event)
    return [position for fills in held.values() if (position := fold_position(fills))]


@pytest.mark.parametrize("oms", [OmsType.NETTING, OmsType.HEDGING])
def test_orders_and_positions_equal_nautilus_own(oms: OmsType) -> None:
    with telling(STORY, oms=oms) as (made, told):
        theirs = {f"{TRADER}/{order.client_order_id}": order for order in made.cache.orders()}
        ours = orders_in(told)
        assert len(theirs) > 8
        assert ours.keys() == theirs.keys()
        for key, order in ours.items():
            assert order.status.value == theirs[key].status.name
            assert order.filled_quantity == theirs[key].filled_qty.as_decimal()
            assert order.quantity == theirs[key].quantity.as_decimal()
            assert float(order.average_price or 0) == pytest.approx(theirs[key].avg_px)
        assert not [event for event in told if isinstance(event, Noted) and event.topic == UNTRANSLATED]
        net = sum((position.signed_decimal_qty() for position in made.cache.positions()), Decimal(0))
        assert sum((position.quantity for position in positions_in(told)), Decimal(0)) == net


def test_profit_equals_nautilus_own() -> None:
    with telling({1: trade, 2: flip, 3: cancel, 5: close, 7: trade, 9: close}) as (made, told):
        (position,) = positions_in(told)
        profit = made.engine.portfolio.realized_pnl(PERPETUAL.id).as_decimal()
        assert profit != 0
        assert float(position.realized_profit) == pytest.approx(float(profit))
        assert not position.is_open


def test_what_an_order_tells() -> None:
    with telling(STORY) as (_, told):
        placed = [event for event in told if isinstance(event, Placed)]
        assert {event.instrument_id for event in placed} == {"BINANCE-FUTURES:PERPETUAL:BTC-USDT@LIN"}
        primary = next(event for event in placed if event.algorithm and event.tags == ("rebalance",))
        assert primary.parameters == {"horizon_secs": 3.0, "interval_secs": 1.0}
        children = [event for event in placed if event.spawn_operation_id == primary.operation_id != event.operation_id]
        assert sum(child.quantity for child in children) < primary.quantity
        assert children
        entry, stop, profit = (event for event in placed if event.order_list_id)
        assert {stop.parent_operation_id, profit.parent_operation_id} == {entry.operation_id}
        assert (stop.contingency, stop.linked_operation_ids) == ("OUO", (profit.operation_id,))
        assert (stop.order_type, stop.trigger_price, stop.reduce_only) == ("STOP_MARKET", Decimal(40000), True)
        assert (profit.order_type, profit.price, profit.time_in_force) == ("LIMIT", Decimal(60000), "GTC")
        denials = {event.topic for event in told if isinstance(event, Noted)}
        assert denials == {"AccountState", "PositionOpened", "PositionChanged", "PositionClosed"}


def test_spot_is_held_after_commissions() -> None:
    options = {"instrument": SPOT, "account": AccountType.CASH, "balance": "1000000 USDT, 10 BTC"}
    with telling({1: lambda script: script.market(BUY, "2")}, **options) as (made, told):
        (position,) = positions_in(told)
        (theirs,) = made.cache.positions()
        assert position.key.instrument_id == "BINANCE-SPOT:SPOT:BTC-USDT"
        assert position.quantity == theirs.signed_decimal_qty()


def test_an_event_that_cannot_be_translated_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NautilusBooks, "_filled", lambda *_: 1 / 0)
    with telling({1: trade}) as (_, told):
        (kept,) = [event for event in told if isinstance(event, Noted) and event.topic == UNTRANSLATED]
        assert "OrderFilled" in kept.details["event"]
        assert "ZeroDivisionError" in kept.details["why"]
        assert kept.operation_id in orders_in(told)


def test_an_event_of_no_order_that_cannot_be_translated_is_about_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NautilusBooks, "_position", lambda *_: 1 / 0)
    with telling({1: trade}) as (_, told):
        kept = [event for event in told if isinstance(event, Noted) and event.topic == UNTRANSLATED]
        assert kept
        assert {event.operation_id for event in kept} == {""}


def test_what_the_gate_refuses_has_its_numbers() -> None:
    """Of an order, of a list of them, and of a change."""
    told: list[BookEvent] = []

    def too_large(script: Script) -> None:
        script.market(BUY, "5")
        script.limit(BUY, "1", "40000")

    def change(script: Script) -> None:
        (order,) = script.cache.orders_open()
        script.modify_order(order, quantity=script.quantity("4"))

    limits = RiskLimits(
        currency="USDT", instruments=[{"id": "BTCUSDT-PERP.BINANCE", "max_order_quantity": "3", "max_position": "1"}]
    )
    story: dict[float, Step] = {1: too_large, 2: change, 3: bracket, 4: lambda script: bracket_of(script, "2")}
    with backtest(story, limits=limits, prices=PRICES) as made:
        assert made.gate is not None
        books = NautilusBooks(made.cache, told.append, trader_id=TRADER, refusal=made.gate.refusal)
        books.follow(made.engine.kernel.msgbus)
        made.run()
    orders = orders_in(told)
    denied = [order for order in orders.values() if order.status is OrderStatus.DENIED]
    assert len(denied) > 3
    for order in denied:
        assert str(order.details["reason"]) in order.reason
    scope = "BTCUSDT-PERP.BINANCE"
    large = {"reason": "OrderQuantityTooLarge", "scope": scope, "limit": "3", "value": "5"}
    assert large in [order.details for order in denied]
    assert {"ListDenied", "PositionTooLarge"} <= {str(order.details["reason"]) for order in denied}
    (changed,) = [event for event in told if isinstance(event, Transition) and event.kind == "MODIFY_REJECTED"]
    assert changed.details == {**large, "value": "4"}
    assert all(not event.details for event in told if isinstance(event, Transition) and event.kind == "ACCEPTED")


def test_simulated_trade_ids_are_known_by_their_order() -> None:
    """A replay gives the same trade ids in each run; the fills of two runs are different fills."""

    def fills_of_a_run(runs: dict[str, str]) -> set[tuple[str, str]]:
        told: list[BookEvent] = []
        with backtest({1: trade}, gated=False, prices=PRICES) as made:
            books = NautilusBooks(made.cache, told.append, trader_id=TRADER, runs=runs)
            books.follow(made.engine.kernel.msgbus)
            made.run()
        return {(event.trade_id, event.position_id) for event in told if isinstance(event, Filled)}

    ((plain, position),) = fills_of_a_run({"OKX": "R2"})
    ((named, position_of_run),) = fills_of_a_run({"BINANCE": "R1", "OKX": "R2"})
    assert named.endswith(f":{plain}")
    assert named.startswith("O-")
    assert position_of_run == f"{position}@R1"


@pytest.mark.parametrize("loaded", [True, False])
def test_instruments_are_called_by_what_connects_to_their_venue(loaded: bool) -> None:
    """Venues of Binance are named freely, and several of them may be in one node."""
    told: list[BookEvent] = []
    cache = Cache()
    name = InstrumentId(PERPETUAL.id.symbol, Venue("DESK_A"))
    if loaded:
        cache.add_instrument(type(PERPETUAL).from_dict({**type(PERPETUAL).to_dict(PERPETUAL), "id": name.value}))
    books = NautilusBooks(cache, told.append, trader_id=TRADER, adapters={"DESK_A": Adapter.BINANCE})
    factory = OrderFactory(TraderId(TRADER), StrategyId("S-1"), TestClock())
    books.on_event(factory.market(name, BUY, Quantity.from_str("1")).init_event)
    (placed,) = told
    assert isinstance(placed, Placed)
    assert (placed.instrument_id, placed.venue) == ("BINANCE-FUTURES:PERPETUAL:BTC-USDT@LIN", "DESK_A")
    assert to_engine(placed.instrument_id, placed.venue) == name.value


def test_a_run_ends_in_the_database(tmp_path: Path) -> None:
    books = Books(BooksSettings(trader_id=TRADER, directory=tmp_path))
    with telling(STORY) as (_, told):
        for event in told:
            books.record(event)
    assert books.close() == 0

    async def found() -> list[str]:
        engine = make_engine(embedded_url(tmp_path))
        try:
            return differences(expected_tables(told, TRADER), await stored_tables(engine))
        finally:
            await engine.dispose()

    assert run_async(found()) == []


def account_state(milliseconds: int, free: int, account: str = "BINANCE-1") -> AccountState:
    amount = Money(free, USDT)
    return AccountState(
        AccountId(account), AccountType.MARGIN, None, True, [AccountBalance(amount, Money(0, USDT), amount)], [], {},
        UUID4(), milliseconds * 1_000_000, milliseconds * 1_000_000,
    )  # fmt: skip


def test_an_account_is_noted_once_a_second_and_its_last_state_always() -> None:
    told: list[BookEvent] = []
    books = NautilusBooks(Cache(), told.append, trader_id=TRADER)
    for state in (
        account_state(5_000, 1),
        account_state(5_100, 2),
        account_state(5_200, 3),
        account_state(5_300, 9, "OKX-1"),
        account_state(6_000, 4),
        account_state(6_500, 5),
        account_state(7_100, 9, "OKX-1"),  # by then the other one's last is due
        account_state(7_200, 6),
        account_state(7_300, 7),
    ):
        books.on_event(state)

    def noted() -> list[tuple[str, int]]:
        notes = [event.details for event in told if isinstance(event, Noted)]
        return [(note["account"], round(float(note["balances"][0]["free"]))) for note in notes]

    assert noted() == [("BINANCE-1", 1), ("OKX-1", 9), ("BINANCE-1", 4), ("OKX-1", 9), ("BINANCE-1", 5)]
    books.on_event(account_state(9_000, 9, "OKX-1"))
    assert noted()[-2:] == [("OKX-1", 9), ("BINANCE-1", 7)]
    books.on_event(account_state(9_100, 8, "OKX-1"))
    books.leave(MessageBus(TraderId(TRADER), TestClock()))
    assert noted()[-1] == ("OKX-1", 8)


def test_a_state_of_an_account_that_is_told_again_is_not_noted_again() -> None:
    """Nautilus tells the last state anew with each order, under the same id."""
    told: list[BookEvent] = []
    books = NautilusBooks(Cache(), told.append, trader_id=TRADER)
    first, second = account_state(5_000, 1), account_state(5_500, 2)
    for state in (first, first, second, second, account_state(6_600, 9, "OKX-1"), second, second):
        books.on_event(state)
    assert [event.event_id for event in told if event.ts_init < 6_600_000_000] == [first.id.value, second.id.value]
    assert len(told) == 3
