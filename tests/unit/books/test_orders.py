"""The order fold: convergence under any arrival, and the cases that venues make."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.books.stories import amended, filled, light, lives, moved, placed, shuffled_with_repeats, voided
from trading_node.book_events import Filled, FillVoided, OrderEvent, TransitionKind
from trading_node.orders import Order, OrderStatus, fold_order

KEY = "DESK-A-001/O-1"
K = TransitionKind


def fold(*events: OrderEvent) -> Order:
    return fold_order(KEY, events)


@light
@given(st.data())
def test_any_arrival_gives_the_same_order(data: st.DataObject) -> None:
    events = data.draw(lives())
    arrived = data.draw(shuffled_with_repeats(events))
    assert fold(*arrived) == fold(*events)


@light
@given(lives())
def test_fills_add_up(events: list[OrderEvent]) -> None:
    order = fold(*events)
    taken_back = {event.fill_id for event in events if isinstance(event, FillVoided)}
    fills = {event.fill_id: event.quantity for event in events if isinstance(event, Filled)}
    assert order.filled_quantity == sum(quantity for fill, quantity in fills.items() if fill not in taken_back)
    if order.quantity is not None and order.filled_quantity >= order.quantity:
        assert order.status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([], OrderStatus.INITIALIZED),
        ([moved(K.SUBMITTED, 2)], OrderStatus.SUBMITTED),
        ([moved(K.ACCEPTED, 3), moved(K.SUBMITTED, 2)], OrderStatus.ACCEPTED),
        ([moved(K.EMULATED, 2), moved(K.RELEASED, 3)], OrderStatus.RELEASED),
        ([moved(K.DENIED, 2)], OrderStatus.DENIED),
        ([moved(K.ACCEPTED, 2), filled("1", "4", "100")], OrderStatus.PARTIALLY_FILLED),
        ([filled("1", "4", "100"), filled("2", "6", "101")], OrderStatus.FILLED),
        ([filled("1", "4", "100"), moved(K.CANCELED, 6)], OrderStatus.CANCELED),
        # The cancel and the last fill cross on their way: the order is filled.
        ([moved(K.CANCELED, 4), filled("1", "10", "100", 5)], OrderStatus.FILLED),
        ([moved(K.ACCEPTED, 2), moved(K.PENDING_CANCEL, 3)], OrderStatus.PENDING_CANCEL),
        ([moved(K.ACCEPTED, 2), moved(K.PENDING_CANCEL, 3), moved(K.CANCEL_REJECTED, 4)], OrderStatus.ACCEPTED),
        # Simulated clocks stand still: an answer of the same nanosecond is still an answer.
        ([moved(K.PENDING_CANCEL, 3), moved(K.CANCEL_REJECTED, 3), moved(K.ACCEPTED, 2)], OrderStatus.ACCEPTED),
        ([moved(K.ACCEPTED, 2), moved(K.PENDING_UPDATE, 3)], OrderStatus.PENDING_UPDATE),
        ([moved(K.ACCEPTED, 2), moved(K.PENDING_UPDATE, 3), amended(4, "9")], OrderStatus.ACCEPTED),
        ([moved(K.ACCEPTED, 2), moved(K.PENDING_UPDATE, 3), moved(K.MODIFY_REJECTED, 4)], OrderStatus.ACCEPTED),
        # An answer to the update says nothing about the cancel.
        (
            [moved(K.PENDING_UPDATE, 2), moved(K.PENDING_CANCEL, 3), moved(K.MODIFY_REJECTED, 4)],
            OrderStatus.PENDING_CANCEL,
        ),
        # A timeout was called a rejection, then the order turned out to live, and to end as the venue says.
        ([moved(K.REJECTED, 3), moved(K.ACCEPTED, 4)], OrderStatus.ACCEPTED),
        ([moved(K.REJECTED, 3), filled("1", "1", "100", 4)], OrderStatus.PARTIALLY_FILLED),
        ([moved(K.REJECTED, 3), moved(K.ACCEPTED, 4), moved(K.CANCELED, 5)], OrderStatus.CANCELED),
        # A stop order that the venue took and then rejected when it triggered.
        ([moved(K.ACCEPTED, 3), moved(K.REJECTED, 4)], OrderStatus.REJECTED),
    ],
)
def test_status(events: list[OrderEvent], status: OrderStatus) -> None:
    assert fold(placed(), *events).status is status


def test_terms_follow_the_venues_time_and_not_the_arrival() -> None:
    order = fold(placed(), amended(8, "7", "99", ts_init=10), amended(6, "5", "98", ts_init=12))
    assert (order.quantity, order.price) == (Decimal(7), Decimal(99))


def test_an_amendment_keeps_what_it_does_not_name() -> None:
    order = fold(placed(trigger_price=Decimal(90)), amended(8, "7"))
    assert (order.quantity, order.price, order.trigger_price) == (Decimal(7), Decimal(100), Decimal(90))


def test_a_denial_keeps_its_reason_and_numbers() -> None:
    numbers = {"limit": "1000", "notional": "1200"}
    order = fold(placed(), moved(K.DENIED, 2, reason="notional above limit", details=numbers))
    assert (order.reason, order.details) == ("notional above limit", numbers)


def test_averages_and_commissions_are_exact() -> None:
    order = fold(
        placed(),
        filled("1", "0.1", "100.1", commission=Decimal("0.1"), commission_currency="USDT"),
        filled("2", "0.2", "100.2", commission=Decimal("0.2"), commission_currency="USDT"),
        filled("3", "0.3", "100.3", commission=Decimal("0.00001"), commission_currency="BNB"),
    )
    assert order.average_price == (Decimal("60.14") / Decimal("0.6")).quantize(Decimal("1e-18"))
    assert order.commissions == {"BNB": Decimal("0.00001"), "USDT": Decimal("0.3")}


def test_products_of_long_figures_lose_nothing() -> None:
    quantity, price = "12345678901234567890.123456789012345678", "98765432109876543210.987654321098765432"
    assert fold(filled("1", quantity, price)).average_price == Decimal(price)


def test_a_fill_taken_back_is_no_fill_whenever_that_is_learned() -> None:
    fill = filled("1", "10", "100")
    assert fold(placed(), fill, voided(fill)).status is OrderStatus.INITIALIZED
    assert fold(placed(), voided(fill), fill).filled_quantity == 0


def test_the_same_fill_learned_twice_counts_once() -> None:
    again = filled("1", "4", "100", event_id="from history", reconciliation=True)
    assert fold(placed(), filled("1", "4", "100"), again).filled_quantity == 4


def test_both_sides_of_a_trade_with_oneself_count() -> None:
    assert filled("1", "4", "100").fill_id != filled("1", "4", "100", side="SELL").fill_id


def test_first_hand_terms_outrank_reconciled_ones() -> None:
    guess = placed(event_id="guess", reconciliation=True, ts_init=0, strategy_id="EXTERNAL")
    terms = fold(guess, placed()).terms
    assert terms is not None
    assert terms.strategy_id == "EMA-1"


def test_the_newest_id_of_the_venue_counts() -> None:
    order = fold(
        moved(K.ACCEPTED, 2, venue_order_id="V-1"), amended(3, "5", venue_order_id="V-2"), moved(K.TRIGGERED, 4)
    )
    assert order.venue_order_id == "V-2"


def test_a_refusal_repeats_the_id_that_was_asked_with() -> None:
    """As when a cancellation meets a stop that has just fired, and has another id since."""
    asked = moved(TransitionKind.PENDING_CANCEL, 3, venue_order_id="ALGO-1")
    refused = moved(TransitionKind.CANCEL_REJECTED, 6, venue_order_id="ALGO-1")
    accepted = moved(TransitionKind.ACCEPTED, 2, venue_order_id="ALGO-1")
    fired = amended(4, "2", venue_order_id="V-9")
    assert fold(placed(), accepted, asked, fired, refused).venue_order_id == "V-9"
    assert fold(placed(), refused).venue_order_id == "ALGO-1"


def test_an_event_of_another_order_is_refused() -> None:
    with pytest.raises(ValueError, match=r"O-2.*not.*O-1"):
        fold(placed("O-2"))
