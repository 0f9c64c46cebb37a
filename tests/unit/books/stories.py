"""Events as tests tell them: short makers with plain defaults, and strategies that make whole lives of orders."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from tests.examples import examples
from trading_node.book_events import (
    Amended,
    BookEvent,
    Filled,
    FillVoided,
    Noted,
    OrderEvent,
    Placed,
    Side,
    Transition,
    TransitionKind,
    operation_id,
)

light = examples(15)
TRADER = "DESK-A-001"
STRATEGY = "EMA-1"
INSTRUMENT = "BINANCE-FUTURES:PERPETUAL:BTC-USDT@LIN"
ACCOUNT = "BINANCE-desk-a"


def placed(order: str = "O-1", **changes: Any) -> Placed:
    values: dict[str, Any] = {
        "event_id": f"{order}/placed",
        "operation_id": operation_id(TRADER, order),
        "ts_event": 1,
        "ts_init": 1,
        "trader_id": TRADER,
        "strategy_id": STRATEGY,
        "venue": "BINANCE",
        "instrument_id": INSTRUMENT,
        "client_order_id": order,
        "side": Side.BUY,
        "order_type": "LIMIT",
        "time_in_force": "GTC",
        "quantity": Decimal(10),
        "price": Decimal(100),
    }
    return Placed(**{**values, **changes})


def moved(kind: TransitionKind, at: int, order: str = "O-1", **changes: Any) -> Transition:
    values: dict[str, Any] = {
        "event_id": f"{order}/{kind}/{at}",
        "operation_id": operation_id(TRADER, order),
        "ts_event": at,
        "ts_init": at,
        "kind": kind,
    }
    return Transition(**{**values, **changes})


def amended(at: int, quantity: str, price: str | None = None, order: str = "O-1", **changes: Any) -> Amended:
    values: dict[str, Any] = {
        "event_id": f"{order}/amended/{at}",
        "operation_id": operation_id(TRADER, order),
        "ts_event": at,
        "ts_init": at,
        "quantity": Decimal(quantity),
        "price": None if price is None else Decimal(price),
    }
    return Amended(**{**values, **changes})


def filled(trade: str, quantity: str, price: str, at: int = 5, order: str = "O-1", **changes: Any) -> Filled:
    values: dict[str, Any] = {
        "event_id": f"{order}/filled/{trade}",
        "operation_id": operation_id(TRADER, order),
        "ts_event": at,
        "ts_init": at,
        "trader_id": TRADER,
        "strategy_id": STRATEGY,
        "venue": "BINANCE",
        "account_id": ACCOUNT,
        "instrument_id": INSTRUMENT,
        "client_order_id": order,
        "trade_id": trade,
        "position_id": "P-1",
        "side": Side.BUY,
        "quantity": Decimal(quantity),
        "price": Decimal(price),
        "base_currency": "BTC",
        "quote_currency": "USDT",
        "settlement_currency": "USDT",
    }
    return Filled(**{**values, **changes})


def voided(fill: Filled, at: int = 9, **changes: Any) -> FillVoided:
    values: dict[str, Any] = {
        "event_id": f"{fill.event_id}/voided",
        "operation_id": fill.operation_id,
        "ts_event": at,
        "ts_init": at,
        "fill_id": fill.fill_id,
    }
    return FillVoided(**{**values, **changes})


def noted(name: str, at: int = 1, **details: Any) -> Noted:
    return Noted(event_id=name, operation_id="", ts_event=at, ts_init=at, topic="ACCOUNT", details=details)


quantities = st.integers(1, 10**6).map(lambda n: Decimal(n).scaleb(-3))
prices = st.integers(1, 10**9).map(lambda n: Decimal(n).scaleb(-4))
times = st.integers(1, 60)


@st.composite
def lives(draw: st.DrawFn, order: str = "O-1", fills: st.SearchStrategy[int] | None = None) -> list[OrderEvent]:
    """Any mixture of things that venues say of one order, sensible or not."""
    events: list[OrderEvent] = []
    if draw(st.integers(0, 9)):
        events.append(placed(order, quantity=draw(quantities), side=draw(st.sampled_from([Side.BUY, Side.SELL]))))
    for number, kind in enumerate(draw(st.lists(st.sampled_from(TransitionKind), max_size=6))):
        events.append(moved(kind, draw(times), order, event_id=f"{order}/{number}", reason=f"reason {number}"))
    for number in range(draw(st.integers(0, 2))):
        quantity, price = str(draw(quantities)), str(draw(prices))
        events.append(amended(draw(times), quantity, price, order, event_id=f"{order}/amended/{number}"))
    for number in range(draw(fills or st.integers(0, 4))):
        fill = filled(f"{order}.{number}", str(draw(quantities)), str(draw(prices)), draw(times), order)
        events.append(fill)
        if draw(st.integers(0, 7)) == 0:
            events.append(voided(fill, draw(times)))
        if draw(st.integers(0, 7)) == 0:  # learned a second time, from the venue's history
            events.append(
                replace(fill, event_id=f"{fill.event_id}/again", reconciliation=True, ts_event=fill.ts_event + 1)
            )
    return events


@st.composite
def histories(draw: st.DrawFn, orders: int = 4) -> list[BookEvent]:
    """Lives of several orders and some notes, mixed and repeated as a bad connection would."""
    events: list[BookEvent] = [noted("note-1", balance="12.5")]
    for number in range(draw(st.integers(1, orders))):
        events += draw(lives(f"O-{number}"))
    return draw(shuffled_with_repeats(events))


def shuffled_with_repeats[E](events: Sequence[E]) -> st.SearchStrategy[list[E]]:
    """Every event at least once, in any order, some of them again."""
    again = st.lists(st.sampled_from(list(events)), max_size=5) if events else st.just([])
    return again.flatmap(lambda extra: st.permutations([*events, *extra]))
