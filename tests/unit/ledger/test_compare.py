"""The verdict of the ledger test on differences made by hand: each must be found, and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.ledger.compare import Kind, differences
from tests.ledger.rows import BookRows, EventRow, FillRow, OrderRow, State, VenueRows

BTC = "BTCUSDT"


def order(client_id: str, state: State = State.FILLED, filled: str = "1", **terms: Any) -> OrderRow:
    values: dict[str, Any] = {
        "client_id": client_id, "venue_id": f"v-{client_id}", "symbol": BTC, "side": "BUY",
        "quantity": Decimal(1), "price": Decimal(100), "filled": Decimal(filled), "state": state, "owner": "Trader-001",
    }  # fmt: skip
    return OrderRow(**values | terms)


def fill(trade: str, client_id: str, quantity: str = "1") -> FillRow:
    return FillRow(
        trade_id=trade, client_id=client_id, symbol=BTC, side="BUY", quantity=Decimal(quantity),
        price=Decimal(100), fee=Decimal("0.05"), fee_asset="USDT",
    )  # fmt: skip


def event(client_id: str, kind: str, trade: str = "") -> EventRow:
    return EventRow(event_id=f"{client_id}-{kind}-{trade}", client_id=client_id, kind=kind, trade_id=trade)


ORDERS = (
    order("a"),
    order("b", State.CANCELED, "0.5"),
    order("c", State.OPEN, "0"),
    order("outside1", State.OPEN, "0", owner="EXTERNAL"),
)
FILLS = (fill("1", "a"), fill("2", "b", "0.5"))
WORTH = Decimal("-150.1")
VENUE = VenueRows(
    orders=tuple(replace(each, owner="") for each in ORDERS),
    fills=FILLS,
    positions={BTC: Decimal("1.5")},
    worth={BTC: WORTH},
)
BOOKS = BookRows(
    # An order that the node denied is nothing that the venue could know.
    orders=(*ORDERS, order("d", State.REFUSED, "0", venue_id="")),
    fills=FILLS,
    events=(
        *(event(client_id, "PLACED") for client_id in ("a", "b", "c", "outside1", "d")),
        event("a", "FILLED", "1"),
        event("b", "FILLED", "2"),
        event("b", "CANCELED"),
        event("d", "DENIED"),
        event("", "AccountState"),
    ),
    positions={BTC: Decimal("1.5"), "ETHUSDT": Decimal(0)},
    worth={BTC: WORTH},
)


def test_equal_ledgers_have_no_differences() -> None:
    assert differences(BOOKS, VENUE) == []


def changed_order(index: int, **terms: Any) -> Callable[[], tuple[BookRows, VenueRows]]:
    orders = list(BOOKS.orders)
    orders[index] = replace(orders[index], **terms)
    return lambda: (replace(BOOKS, orders=tuple(orders)), VENUE)


def books(**parts: Any) -> Callable[[], tuple[BookRows, VenueRows]]:
    return lambda: (replace(BOOKS, **parts), VENUE)


def venue(**parts: Any) -> Callable[[], tuple[BookRows, VenueRows]]:
    return lambda: (BOOKS, replace(VENUE, **parts))


@pytest.mark.parametrize(
    ("make", "kinds"),
    [
        pytest.param(books(orders=BOOKS.orders[1:]), {Kind.LOST_ORDER, Kind.EVENTS}, id="an order is lost"),
        pytest.param(
            venue(orders=VENUE.orders[:2] + VENUE.orders[3:]), {Kind.PHANTOM_ORDER}, id="an order never reached it"
        ),
        pytest.param(
            books(orders=(*BOOKS.orders, order("e", State.IN_FLIGHT, "0"))),
            {Kind.PHANTOM_ORDER, Kind.EVENTS},
            id="an order stays in flight for ever",
        ),
        pytest.param(changed_order(0, state=State.OPEN), {Kind.ORDER_STATE}, id="still open in the books"),
        pytest.param(changed_order(2, state=State.REFUSED), {Kind.ORDER_STATE, Kind.EVENTS}, id="taken for rejected"),
        pytest.param(changed_order(1, filled=Decimal("0.4")), {Kind.ORDER_STATE}, id="filled quantity"),
        pytest.param(changed_order(2, price=Decimal(99)), {Kind.ORDER_TERMS}, id="an amendment is missed"),
        pytest.param(changed_order(2, quantity=Decimal(2)), {Kind.ORDER_TERMS}, id="quantity"),
        pytest.param(changed_order(2, venue_id=""), {Kind.ORDER_TERMS}, id="the venue's id is missing"),
        pytest.param(changed_order(0, owner="EXTERNAL"), {Kind.OWNER}, id="an order of ours taken for foreign"),
        pytest.param(changed_order(3, owner="Trader-001"), {Kind.OWNER}, id="a foreign order taken for ours"),
        pytest.param(venue(orders=(*VENUE.orders, VENUE.orders[0])), {Kind.SENT_TWICE}, id="sent twice"),
        pytest.param(books(fills=FILLS[:1]), {Kind.LOST_FILL, Kind.EVENTS}, id="a fill is lost"),
        pytest.param(books(fills=(*FILLS, FILLS[0])), {Kind.DOUBLED_FILL}, id="a fill is doubled"),
        pytest.param(
            books(fills=(*FILLS, fill("1x", "a"))), {Kind.PHANTOM_FILL, Kind.EVENTS}, id="a fill under another id"
        ),
        pytest.param(books(fills=(fill("1", "a", "2"), FILLS[1])), {Kind.FILL_TERMS}, id="a fill's quantity"),
        pytest.param(books(positions={BTC: Decimal(1)}), {Kind.POSITION}, id="position"),
        pytest.param(books(positions={**BOOKS.positions, "ETHUSDT": Decimal(1)}), {Kind.POSITION}, id="from nowhere"),
        pytest.param(books(worth={BTC: WORTH + Decimal("0.00001")}), {Kind.PROFIT}, id="profit"),
        pytest.param(books(events=(*BOOKS.events, BOOKS.events[0])), {Kind.EVENTS}, id="an event twice"),
        pytest.param(
            books(events=tuple(e for e in BOOKS.events if e.kind != "CANCELED")), {Kind.EVENTS}, id="no reason to end"
        ),
        pytest.param(
            books(events=(*BOOKS.events, event("z", "PLACED"))), {Kind.EVENTS}, id="placed, and not in the table"
        ),
        pytest.param(
            books(fills=(*FILLS, fill("9", "z"))), {Kind.PHANTOM_FILL, Kind.EVENTS}, id="a fill of no order"
        ),
        pytest.param(books(unwritten=3), {Kind.UNWRITTEN}, id="left in the journal"),
        pytest.param(books(rejected=1), {Kind.UNWRITTEN}, id="refused by the database"),
    ],
)  # fmt: skip
def test_each_difference_is_found(make: Callable[[], tuple[BookRows, VenueRows]], kinds: set[Kind]) -> None:
    assert {difference.kind for difference in differences(*make())} == kinds


def test_voided_fill_is_no_fill() -> None:
    voided = (*BOOKS.events, event("a", "FILLED", "guess"), event("a", "FILL_VOIDED", "guess"))
    assert differences(replace(BOOKS, events=voided), VENUE) == []


def test_the_terms_of_a_closed_order_that_was_amended_do_not_matter() -> None:
    def found(state: State) -> list[Kind]:
        filled = "1" if state is State.FILLED else "0"
        theirs = order(
            "a", state, filled, owner="", amended=True, price=Decimal(101), quantity=Decimal(1 if filled == "1" else 2)
        )
        venue = VenueRows(orders=(theirs,), fills=(), positions={})
        ours = BookRows(
            orders=(order("a", state, filled),), fills=(), events=(event("a", "PLACED"),), positions={}, worth={}
        )
        return [difference.kind for difference in differences(ours, venue)]

    assert found(State.FILLED) == []
    assert found(State.CANCELED) == [Kind.EVENTS]  # the log does not say why it ended, and that is all
    assert found(State.OPEN) == [Kind.ORDER_TERMS, Kind.ORDER_TERMS]


def test_what_the_node_held_itself_and_cancelled_is_no_phantom() -> None:
    def found(*kinds: str, **terms: Any) -> list[Kind]:
        held = replace(order("e", State.CANCELED, "0", venue_id=""), **terms)
        told = (event("e", "PLACED"), event("e", "CANCELED"), *(event("e", kind) for kind in kinds))
        ours = replace(BOOKS, orders=(*BOOKS.orders, held), events=(*BOOKS.events, *told))
        return [difference.kind for difference in differences(ours, VENUE)]

    assert found("EMULATED") == []
    assert found() == [Kind.PHANTOM_ORDER]
    assert found("EMULATED", venue_id="v-e") == [Kind.PHANTOM_ORDER]
    assert found("EMULATED", state=State.IN_FLIGHT) == [Kind.PHANTOM_ORDER]


def test_what_somebody_else_placed_and_cancelled_need_not_be_known() -> None:
    gone = order("outside2", State.CANCELED, "0", owner="")
    assert differences(BOOKS, replace(VENUE, orders=(*VENUE.orders, gone))) == []
    for known_by in (replace(gone, state=State.OPEN), replace(gone, filled=Decimal("0.5"))):
        found = differences(BOOKS, replace(VENUE, orders=(*VENUE.orders, known_by)))
        assert [difference.kind for difference in found] == [Kind.LOST_ORDER]


@pytest.mark.parametrize("state", State)
def test_what_the_venue_took_out_is_canceled_or_expired_in_the_books(state: State) -> None:
    theirs = VenueRows(orders=(order("a", State.TAKEN_OUT, "0", owner=""),), fills=(), positions={})
    told = (event("a", "PLACED"), event("a", "EXPIRED"))
    ours = BookRows(orders=(order("a", state, "0"),), fills=(), events=told, positions={}, worth={})
    agreed = state in (State.CANCELED, State.EXPIRED, State.TAKEN_OUT)
    assert [difference.kind for difference in differences(ours, theirs)] == ([] if agreed else [Kind.ORDER_STATE])


def test_open_orders_matter_where_the_stop_was_to_cancel_them() -> None:
    kinds = [difference.kind for difference in differences(BOOKS, VENUE, none_open=True)]
    assert kinds == [Kind.LEFT_OPEN]  # what the outside hand placed is none of the node's


def test_rounding_of_averages_is_allowed_and_no_more() -> None:
    def found(by: str) -> list[Kind]:
        worth = {BTC: WORTH + Decimal(by)}
        return [difference.kind for difference in differences(replace(BOOKS, worth=worth), VENUE)]

    assert found("0.000000002") == []
    assert found("0.000000004") == [Kind.PROFIT]


def test_a_difference_says_what_it_is_about() -> None:
    lost = replace(BOOKS, orders=BOOKS.orders[1:])
    assert "lost order: a (v-a) BUY 1 BTCUSDT at 100, filled, 1 filled: the venue has it, the books do not" in map(
        str, differences(lost, VENUE)
    )
