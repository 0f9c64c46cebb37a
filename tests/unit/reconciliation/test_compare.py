"""Each kind of difference by itself: what it is called, what repairs it, and what is left alone."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.reconciliation.model import INSTRUMENT, RULES, SECOND
from trading_node.reconciliation.compare import compare, may_be_told
from trading_node.reconciliation.difference import (
    NO_MEMORY,
    Adopt,
    ApplyFill,
    Change,
    ChangeOrder,
    Difference,
    Kind,
    Memory,
    Revive,
)
from trading_node.reconciliation.facts import (
    Opening,
    OwnOrder,
    OwnStatus,
    OwnView,
    VenueFill,
    VenueOrder,
    VenueStatus,
    VenueView,
)
from trading_node.reconciliation.questions import orders_of_strangers

NOW = 1_000 * SECOND
OURS = OwnOrder(
    client_order_id="O-1",
    instrument_id=INSTRUMENT,
    status=OwnStatus.OPEN,
    quantity=Decimal(5),
    price=Decimal(100),
    venue_order_id="V1",
    changed_ns=NOW - 100 * SECOND,
)
THEIRS = VenueOrder(
    instrument_id=INSTRUMENT,
    venue_order_id="V1",
    client_order_id="O-1",
    status=VenueStatus.OPEN,
    quantity=Decimal(5),
    price=Decimal(100),
)
TRADE = VenueFill(
    instrument_id=INSTRUMENT,
    venue_order_id="V1",
    trade_id="7",
    buy=True,
    quantity=Decimal(2),
    price=Decimal(100),
    ts_event=NOW,
)


def ours(
    *orders: OwnOrder, fills: tuple[VenueFill, ...] = (), position: int = 0, seen: tuple[int, ...] = ()
) -> OwnView:
    return OwnView(
        orders={order.client_order_id: order for order in orders},
        fills={fill.key for fill in fills},
        positions={INSTRUMENT: Decimal(position)} if position else {},
        seen={INSTRUMENT: frozenset(map(Decimal, seen))},
    )


def theirs(*open_orders: VenueOrder, position: int | None = None, **more: object) -> VenueView:
    positions = {} if position is None else {INSTRUMENT: Decimal(position)}
    return VenueView(asked_ns=NOW, open_orders=open_orders, positions=positions, **more)  # type: ignore[arg-type]


def found(own: OwnView, venue: VenueView, memory: Memory = NO_MEMORY) -> list[Difference]:
    return list(compare(own, venue, RULES, memory)[0])


def kinds(differences: list[Difference]) -> list[Kind]:
    return [difference.kind for difference in differences]


def change(difference: Difference) -> Change:
    assert isinstance(difference.repair, ChangeOrder)
    return difference.repair.change


def test_equal_sides_agree() -> None:
    assert found(ours(OURS), theirs(THEIRS)) == []


def test_a_fill_that_was_not_heard_is_taken_with_the_venues_own_trade() -> None:
    said = replace(THEIRS, filled=Decimal(2))
    (missing,) = found(ours(OURS), theirs(said, fills=(TRADE,), position=2))
    assert missing.kind is Kind.MISSING_FILL
    assert missing.repair == ApplyFill(client_order_id="O-1", fill=TRADE)


def test_a_trade_that_is_told_twice_counts_once() -> None:
    said = replace(THEIRS, filled=Decimal(2))
    differences = found(ours(OURS), theirs(said, fills=(TRADE, replace(TRADE)), position=2))
    assert kinds(differences) == [Kind.MISSING_FILL]


def test_both_sides_of_a_trade_with_oneself_are_two_fills() -> None:
    other = replace(OURS, client_order_id="O-2", venue_order_id="V2")
    fills = (TRADE, replace(TRADE, venue_order_id="V2", buy=False))
    said = (
        replace(THEIRS, filled=Decimal(2)),
        replace(THEIRS, client_order_id="O-2", venue_order_id="V2", filled=Decimal(2)),
    )
    differences = found(ours(OURS, other), theirs(*said, fills=fills))
    assert kinds(differences) == [Kind.MISSING_FILL, Kind.MISSING_FILL]


def test_what_is_filled_without_a_trade_is_never_made_up() -> None:
    (unlisted,) = found(ours(OURS), theirs(replace(THEIRS, filled=Decimal(2))))
    assert unlisted.kind is Kind.FILL_NOT_LISTED
    assert unlisted.repair is None


def test_an_order_is_not_closed_before_all_of_its_fills_are_there() -> None:
    said = replace(THEIRS, status=VenueStatus.CANCELED, filled=Decimal(2))
    view = theirs(answers={"O-1": said})
    assert kinds(found(ours(OURS), view)) == [Kind.FILL_NOT_LISTED]
    complete = replace(view, fills=(TRADE,), positions={INSTRUMENT: Decimal(2)})
    assert kinds(found(ours(OURS), complete)) == [Kind.MISSING_FILL, Kind.ORDER_CLOSED]


def test_a_fill_that_the_venue_does_not_count_is_raised_and_not_taken_back() -> None:
    held = replace(OURS, filled=Decimal(2))
    (unknown,) = found(ours(held, fills=(TRADE,), position=2), theirs(THEIRS, position=2))
    assert unknown.kind is Kind.UNKNOWN_FILL
    assert unknown.repair is None
    assert "unified_fills" in unknown.remedy


def test_a_fill_that_just_came_is_no_difference() -> None:
    held = replace(OURS, filled=Decimal(2), changed_ns=NOW - SECOND // 2)
    assert found(ours(held, fills=(TRADE,), position=2), theirs(THEIRS, position=2)) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (VenueStatus.CANCELED, Change.CANCELED),
        (VenueStatus.EXPIRED, Change.EXPIRED),
        (VenueStatus.REJECTED, Change.REJECTED),
    ],
)
def test_an_order_that_ended_at_the_venue_ends_here(status: VenueStatus, expected: Change) -> None:
    (closed,) = found(ours(OURS), theirs(answers={"O-1": replace(THEIRS, status=status)}))
    assert closed.kind is Kind.ORDER_CLOSED
    assert change(closed) is expected


def test_a_price_that_changed_is_taken_before_fills() -> None:
    said = replace(THEIRS, price=Decimal(90), quantity=Decimal(4), filled=Decimal(2))
    differences = found(ours(OURS), theirs(said, fills=(TRADE,), position=2))
    assert kinds(differences) == [Kind.ORDER_AMENDED, Kind.MISSING_FILL]


def test_a_price_that_the_venue_does_not_tell_is_no_difference() -> None:
    assert found(ours(OURS), theirs(replace(THEIRS, price=None))) == []


class TestInFlight:
    """Sent, and not answered."""

    SENT = replace(OURS, status=OwnStatus.SENT, venue_order_id="")

    def test_found_at_the_venue(self) -> None:
        (difference,) = found(ours(self.SENT), theirs(THEIRS))
        assert difference.kind is Kind.IN_FLIGHT_FOUND
        assert change(difference) is Change.ACCEPTED

    def test_found_filled(self) -> None:
        said = replace(THEIRS, status=VenueStatus.FILLED, filled=Decimal(5))
        trade = replace(TRADE, quantity=Decimal(5))
        view = theirs(answers={"O-1": said}, fills=(trade,), position=5)
        assert kinds(found(ours(self.SENT), view)) == [Kind.IN_FLIGHT_FOUND, Kind.MISSING_FILL]

    def test_sent_a_moment_ago_is_ordinary(self) -> None:
        young = replace(self.SENT, changed_ns=NOW - SECOND // 10)
        for view in (theirs(THEIRS), theirs(answers={"O-1": None})):
            (difference,) = found(ours(young), view)
            assert difference.kind is Kind.IN_FLIGHT_UNKNOWN
            assert difference.trivial
            assert difference.repair is None

    def test_not_found_once_decides_nothing(self) -> None:
        (difference,) = found(ours(self.SENT), theirs(answers={"O-1": None}))
        assert difference.kind is Kind.IN_FLIGHT_UNKNOWN
        assert difference.repair is None
        assert not difference.trivial

    def test_not_found_twice_within_the_receive_window_decides_nothing(self) -> None:
        young = replace(self.SENT, changed_ns=NOW - RULES.receive_window_ns + 1)
        memory = Memory(not_found={"O-1": NOW - SECOND}, gaps={})
        (difference,) = found(ours(young), theirs(answers={"O-1": None}), memory)
        assert difference.repair is None

    def test_not_found_again_after_the_receive_window_is_lost(self) -> None:
        _, memory = compare(ours(self.SENT), theirs(answers={"O-1": None}), RULES)
        assert memory.not_found == {"O-1": NOW}
        again = replace(theirs(answers={"O-1": None}), asked_ns=NOW + SECOND)
        (difference,) = found(ours(self.SENT), again, memory)
        assert difference.kind is Kind.IN_FLIGHT_LOST
        assert change(difference) is Change.REJECTED

    def test_an_answer_that_did_not_come_is_not_an_answer(self) -> None:
        memory = Memory(not_found={"O-1": NOW - SECOND}, gaps={})
        assert found(ours(self.SENT), theirs(), memory) == []


def test_an_accepted_order_that_the_venue_forgot_is_canceled_not_rejected() -> None:
    memory = Memory(not_found={"O-1": NOW - SECOND}, gaps={})
    (gone,) = found(ours(OURS), theirs(answers={"O-1": None}), memory)
    assert gone.kind is Kind.ORDER_GONE
    assert change(gone) is Change.CANCELED


@pytest.mark.parametrize(
    ("status", "expected"),
    [(OwnStatus.CANCELING, Change.CANCEL_REFUSED), (OwnStatus.CHANGING, Change.MODIFY_REFUSED)],
)
def test_a_request_without_an_answer_is_taken_for_refused(status: OwnStatus, expected: Change) -> None:
    asked = replace(OURS, status=status)
    (difference,) = found(ours(asked), theirs(THEIRS))
    assert difference.kind is Kind.CHANGE_UNANSWERED
    assert change(difference) is expected
    young = replace(asked, changed_ns=NOW - SECOND)
    assert found(ours(young), theirs(THEIRS)) == []


def test_a_modification_that_was_carried_out_is_taken() -> None:
    asked = replace(OURS, status=OwnStatus.CHANGING)
    (difference,) = found(ours(asked), theirs(replace(THEIRS, price=Decimal(90))))
    assert change(difference) is Change.AMENDED


def test_an_order_that_was_called_rejected_lives_again() -> None:
    refused = replace(OURS, status=OwnStatus.REFUSED, venue_order_id="")
    (difference,) = found(ours(refused), theirs(THEIRS))
    assert difference.kind is Kind.ORDER_OPEN
    assert difference.repair == Revive(client_order_id="O-1", order=THEIRS)


def test_a_rejection_that_both_have_is_no_difference() -> None:
    refused = replace(OURS, status=OwnStatus.REFUSED)
    assert found(ours(refused), theirs(answers={"O-1": replace(THEIRS, status=VenueStatus.REJECTED)})) == []


class TestOutside:
    """Placed by hand, or by another program."""

    WEB = replace(THEIRS, client_order_id="web-1", venue_order_id="V9")

    def test_an_open_order_is_adopted_and_not_canceled(self) -> None:
        differences = found(ours(), theirs(self.WEB))
        assert kinds(differences) == [Kind.EXTERNAL_ORDER, Kind.IN_FLIGHT_FOUND]
        assert differences[0].repair == Adopt(order=self.WEB)
        assert change(differences[1]) is Change.ACCEPTED

    def test_a_closed_one_comes_with_its_fills(self) -> None:
        said = replace(self.WEB, status=VenueStatus.CANCELED, filled=Decimal(2))
        fill = replace(TRADE, venue_order_id="V9")
        differences = found(ours(), theirs(strangers={"V9": said}, fills=(fill,), position=2))
        assert kinds(differences) == [
            Kind.EXTERNAL_ORDER, Kind.IN_FLIGHT_FOUND, Kind.MISSING_FILL, Kind.ORDER_CLOSED,
        ]  # fmt: skip

    def test_one_without_a_name_gets_the_same_one_each_time(self) -> None:
        nameless = replace(self.WEB, client_order_id="")
        assert found(ours(), theirs(nameless))[0].subject == "EXTERNAL-V9"

    def test_a_fill_of_an_order_that_nobody_knows_is_raised(self) -> None:
        fill = replace(TRADE, venue_order_id="V9")
        orphan = found(ours(), theirs(fills=(fill,)))[0]
        assert orphan.kind is Kind.MISSING_FILL
        assert orphan.repair is None


class TestNumbers:
    """Binance numbers the orders of each instrument apart; others name every order of theirs once."""

    @staticmethod
    def told_of(ours_in: str, fill_in: str) -> list[Difference]:
        own, said = replace(OURS, instrument_id=ours_in), replace(THEIRS, instrument_id=ours_in)
        return found(ours(own), theirs(said, fills=(replace(TRADE, instrument_id=fill_in),)))

    def test_an_order_of_the_same_number_in_another_instrument_is_another_one(self) -> None:
        orphan = self.told_of("BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE")[0]
        assert orphan.kind is Kind.MISSING_FILL
        assert orphan.repair is None
        assert isinstance(self.told_of("BTCUSDT-PERP.BINANCE", "BTCUSDT-PERP.BINANCE")[0].repair, ApplyFill)

    def test_a_leg_is_of_the_order_that_has_its_number(self) -> None:
        assert isinstance(self.told_of("SPREAD.SMART", "AAPL.NASDAQ")[0].repair, ApplyFill)

    def test_fills_of_a_stranger_s_order_of_the_same_number_are_asked_about(self) -> None:
        own = {"O-1": replace(OURS, instrument_id="BTCUSDT-PERP.BINANCE")}
        fill = replace(TRADE, instrument_id="ETHUSDT-PERP.BINANCE")
        assert orders_of_strangers(own, (), [fill]) == [fill]
        assert orders_of_strangers(own, (), [replace(fill, instrument_id="BTCUSDT-PERP.BINANCE")]) == []


class TestPositions:
    """Quantities of both sides."""

    def test_a_gap_is_serious_when_it_stays(self) -> None:
        differences, memory = compare(ours(), theirs(position=3), RULES)
        assert kinds(list(differences)) == [Kind.POSITION_MISMATCH]
        assert differences[0].trivial
        (again,) = found(ours(), theirs(position=3), memory)
        assert not again.trivial
        assert "sell 3" in again.remedy

    def test_fills_that_are_about_to_be_taken_explain_it(self) -> None:
        said = replace(THEIRS, filled=Decimal(2))
        assert Kind.POSITION_MISMATCH not in kinds(found(ours(OURS), theirs(said, fills=(TRADE,), position=2)))

    def test_one_that_moved_meanwhile_agrees_with_any_value_that_it_had(self) -> None:
        assert found(ours(position=4, seen=(2, 3, 4)), theirs(position=3)) == []
        assert kinds(found(ours(position=4, seen=(2, 4)), theirs(position=3))) == [Kind.POSITION_MISMATCH]

    def test_a_venue_that_keeps_none_is_not_compared(self) -> None:
        assert found(ours(position=4), replace(theirs(), positions=None)) == []


def test_the_stream_is_waited_for_unless_all_that_differs_was_placed_outside() -> None:
    outside = replace(THEIRS, client_order_id="web_1", venue_order_id="V9")
    filled = replace(outside, filled=Decimal(2))
    trade = replace(TRADE, venue_order_id="V9")
    nothing_of_ours = ours()
    taken_in = found(nothing_of_ours, theirs(filled, position=2, fills=(trade,)))
    assert kinds(taken_in)[0] is Kind.EXTERNAL_ORDER
    assert not may_be_told(nothing_of_ours, taken_in)
    with_one_of_ours = ours(OURS)
    assert may_be_told(with_one_of_ours, found(with_one_of_ours, theirs(outside, THEIRS)))
    assert not may_be_told(with_one_of_ours, found(with_one_of_ours, theirs(THEIRS)))
    closed = replace(OURS, status=OwnStatus.CANCELED)
    both = ours(closed)
    assert may_be_told(both, found(both, theirs(outside, THEIRS))), "ours that is open there may be told as closed yet"


def opening(quantity: int) -> Opening:
    order = replace(
        THEIRS,
        venue_order_id="OPENING-1",
        client_order_id="",
        status=VenueStatus.FILLED,
        quantity=Decimal(abs(quantity)),
        filled=Decimal(abs(quantity)),
        price=None,
    )
    fill = replace(
        TRADE, venue_order_id="OPENING-1", trade_id="OPENING-1", buy=quantity > 0, quantity=Decimal(abs(quantity))
    )
    return Opening(order=order, fill=fill)


def test_a_position_from_before_the_books_is_taken_in_when_it_was_found_twice() -> None:
    venue = theirs(position=-3, openings={INSTRUMENT: opening(-3)})
    first, memory = compare(ours(), venue, RULES)
    assert kinds(list(first)) == [Kind.POSITION_MISMATCH]
    second, memory = compare(ours(), venue, RULES, memory)
    assert kinds(list(second)) == [Kind.EXTERNAL_POSITION, Kind.IN_FLIGHT_FOUND, Kind.MISSING_FILL]
    assert second[0].subject == INSTRUMENT
    assert isinstance(second[0].repair, Adopt)
    assert isinstance(second[2].repair, ApplyFill)
    assert second[2].repair.fill.signed == -3
    assert not memory.gaps, "nothing is left to explain"


def test_it_is_not_taken_in_when_it_changed_meanwhile() -> None:
    memory = Memory(not_found={}, gaps={INSTRUMENT: Decimal(-4)})
    differences, memory = compare(ours(), theirs(position=-4, openings={INSTRUMENT: opening(-3)}), RULES, memory)
    assert kinds(list(differences)) == [Kind.POSITION_MISMATCH]
    assert memory.gaps


def test_a_position_in_what_is_not_loaded_says_what_to_load() -> None:
    (mismatch,) = found(ours(), theirs(position=1, not_loaded={INSTRUMENT}))
    assert "instruments in the run-config" in mismatch.remedy
    (mismatch,) = found(ours(), theirs(position=1))
    assert "run-config" not in mismatch.remedy
