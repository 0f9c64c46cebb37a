"""How a paper account and the books go on after a kill: the account's word for fills, the books' for ends of orders."""

import itertools
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.books.stories import ACCOUNT, INSTRUMENT, STRATEGY, TRADER, amended, filled, moved, placed
from trading_node.book_events import BookEvent, Filled, FillVoided, OrderEvent, Placed, Side, Transition, TransitionKind
from trading_node.former_life import OrderHistory
from trading_node.orders import OrderStatus
from trading_node.positions import Position, fold_position
from trading_node.store.projection import fold_orders, order_events
from trading_node.venues.paper_agreement import Settlement, order_ids, owed, settle, take_in, terms_of
from trading_node.venues.paper_state import KeptPosition, PaperState

RUN = "R1"
POSITION = f"P-1@{RUN}"
LIVED = (TransitionKind.SUBMITTED, TransitionKind.ACCEPTED)


def resting(order: str, *linked: str) -> tuple[dict[str, Any], ...]:
    return ({"type": "OrderInitialized", "client_order_id": order, "linked_order_ids": list(linked) or None},)


def account(*orders: tuple[dict[str, Any], ...], positions: Iterable[KeptPosition] = ()) -> PaperState:
    return PaperState(
        run=RUN, account_type="Margin", oms_type="Netting", balances=("1 USDT",), orders=orders,
        positions=tuple(positions),
    )  # fmt: skip


def held(side: str, quantity: str, price: float = 100.0) -> KeptPosition:
    return KeptPosition(
        position_id="P-1", trader_id=TRADER, strategy_id=STRATEGY, instrument_id="BTCUSDT-PERP.BINANCE",
        account_id=ACCOUNT, opening_order_id="O-1", side=side, quantity=quantity, average_price=price,
        realized="0", opened_ns=1,
    )  # fmt: skip


def life(order: str, *more: OrderEvent, **changes: Any) -> OrderHistory:
    first = placed(order, **changes)
    events = (first, *(moved(kind, 2 + at, order) for at, kind in enumerate(LIVED)), *more)
    return OrderHistory(operation_id=first.operation_id, events=events)


def settled(state: PaperState, *orders: OrderHistory, late: Iterable[Filled] = ()) -> Settlement:
    numbers = itertools.count()
    return settle(
        state, venue="BINANCE", orders=orders, late=tuple(late), now_ns=99, new_id=lambda: f"new-{next(numbers)}"
    )


def after(settlement: Settlement, *orders: OrderHistory) -> dict[str, OrderStatus]:
    """What the books say of each order once they have been told."""
    told = order_events([*(event for history in orders for event in history.events), *settlement.events])
    found = [fold.order() for fold in fold_orders(told).values()]
    return {order.terms.client_order_id: order.status for order in found if order.terms}


def kinds(settlement: Settlement) -> list[str]:
    return [event.kind if isinstance(event, Transition) else type(event).__name__ for event in settlement.events]


def test_what_agrees_stays_as_it_is() -> None:
    state, order = account(resting("O-1")), life("O-1")
    found = settled(state, order)
    assert (found.events, found.state) == ((), state)
    assert list(found.terms) == ["O-1"]


def test_a_fill_that_was_not_kept_is_taken_back_and_its_order_rests_again() -> None:
    fill = filled("1", "10", "100", 9, "O-1")
    order = life("O-1", fill)
    found = settled(account(resting("O-1")), order, late=[fill])
    (voided,) = found.events
    assert isinstance(voided, FillVoided)
    assert (voided.fill_id, voided.reconciliation) == (fill.fill_id, True)
    assert after(found, order) == {"O-1": OrderStatus.ACCEPTED}
    assert order_ids(found.state) == ["O-1"]


def test_an_order_that_only_the_books_know_is_closed() -> None:
    fill = filled("2", "4", "100", 9, "O-2")
    market, part = life("O-2", fill), life("O-3", filled("3", "4", "100", 9, "O-3"))
    found = settled(account(), market, part, late=[fill])
    assert kinds(found) == ["FillVoided", "CANCELED", "CANCELED"]
    assert after(found, market, part) == {"O-2": OrderStatus.CANCELED, "O-3": OrderStatus.CANCELED}


@pytest.mark.parametrize("kind", [TransitionKind.CANCELED, TransitionKind.EXPIRED])
def test_an_order_that_the_books_say_has_ended_rests_no_more(kind: TransitionKind) -> None:
    """Nor do those that hang on it."""
    ended, linked, free = life("O-1", moved(kind, 9, "O-1")), life("O-2"), life("O-3")
    found = settled(account(resting("O-1", "O-2"), resting("O-2", "O-1"), resting("O-3")), ended, linked, free)
    assert order_ids(found.state) == ["O-3"]
    assert after(found, ended, linked, free) == {
        "O-1": OrderStatus(kind.value), "O-2": OrderStatus.CANCELED, "O-3": OrderStatus.ACCEPTED,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "answer"),
    [(TransitionKind.PENDING_CANCEL, "CANCEL_REJECTED"), (TransitionKind.PENDING_UPDATE, "MODIFY_REJECTED")],
)
def test_what_was_asked_for_and_not_done_is_answered(asked: TransitionKind, answer: str) -> None:
    order = life("O-1", moved(asked, 9, "O-1"))
    found = settled(account(resting("O-1")), order)
    assert kinds(found) == [answer]
    assert after(found, order) == {"O-1": OrderStatus.ACCEPTED}


def test_other_venues_and_unknown_orders_are_left_alone() -> None:
    elsewhere = life("O-2", venue="OKX")
    unplaced = OrderHistory(operation_id="X", events=(moved(TransitionKind.ACCEPTED, 3, "O-9", operation_id="X"),))
    found = settled(account(resting("O-1")), elsewhere, unplaced)
    assert found.events == ()
    assert order_ids(found.state) == ["O-1"]


def test_the_books_terms_come_with_their_changes() -> None:
    found = settled(account(resting("O-1")), life("O-1", amended(9, "7", "90")))
    assert (found.terms["O-1"].quantity, found.terms["O-1"].price) == (Decimal(7), Decimal(90))


def position(*fills: Filled) -> Position:
    made = fold_position(fills)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("kept", "booked", "difference"),
    [
        (held("BUY", "2"), "2", None),
        (held("BUY", "2"), "3", -1),
        (held("SELL", "2"), "3", -5),
        (held("BUY", "2"), None, 2),
        (None, "3", -3),
        (None, None, None),
    ],
)
def test_positions_are_set_to_the_accounts(
    kept: KeptPosition | None, booked: str | None, difference: int | None
) -> None:
    state = account(positions=[kept] if kept else [])
    others = [
        filled("7", "9", "100", position_id="P-1@R0"),
        filled("8", "9", "100", position_id=POSITION, venue="OKX", account_id="OKX-1"),
    ]
    mine = filled("1", booked or "1", "100", position_id=POSITION)
    known = [position(fill) for fill in ([mine] if booked else []) + others]
    found = owed(state, known, venue="BINANCE", run=RUN)
    if difference is None:
        assert found == ()
        return
    (lacking,) = found
    assert lacking.quantity == difference
    terms = terms_of(lacking.known or position(mine))
    numbers = itertools.count()
    facts = take_in(lacking, terms, trader_id=TRADER, venue="BINANCE", now_ns=50, new_id=lambda: f"new-{next(numbers)}")
    order, fill = facts
    assert isinstance(order, Placed)
    assert isinstance(fill, Filled)
    if lacking.known:
        assert position(mine, fill).quantity == (0 if kept is None else Decimal(kept.quantity) * Side(kept.side).sign)
    assert fill.instrument_id == INSTRUMENT
    (folded,) = [fold.order() for fold in fold_orders(order_events(list[BookEvent](facts))).values()]
    assert folded.status is OrderStatus.FILLED
