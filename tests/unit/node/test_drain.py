"""What a stop does next, in cases and in random histories of a venue that goes wrong."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.node.drained_world import VENUE, Trouble, World
from trading_node.drain.decisions import CLEANUP_PATIENCE_SECONDS, KEEP_SECONDS, Drain
from trading_node.drain.facts import (
    AskOrder,
    AskVenue,
    Cancel,
    CancelStray,
    GiveUpOrder,
    HeldPosition,
    Place,
    Policy,
    Reduce,
    Seen,
    Terms,
    VenueView,
    WorkingOrder,
)

CANCEL = Policy(cancel=True, flatten=False, seconds=60)
FLATTEN = Policy(cancel=True, flatten=True, seconds=60)
KEEP = Policy(cancel=False, flatten=False, seconds=60)
STEP = Terms(step=Decimal("0.1"), minimum=Decimal("0.2"))


def order(order_id: str = "o", **fields: Any) -> WorkingOrder:
    defaults: dict[str, Any] = {
        "strategy": "a", "instrument": "I", "venue": VENUE, "buy": True, "remaining": Decimal(1), "place": Place.VENUE,
    }  # fmt: skip
    return WorkingOrder(order_id=order_id, **defaults | fields)


def position(quantity: str, strategy: str = "a", instrument: str = "I") -> HeldPosition:
    return HeldPosition(
        position_id=f"{instrument}-{strategy}",
        strategy=strategy,
        instrument=instrument,
        venue=VENUE,
        quantity=Decimal(quantity),
    )


def view(asked: float, *orders: str, **positions: str) -> VenueView:
    quantities = {instrument: Decimal(quantity) for instrument, quantity in positions.items()}
    return VenueView(asked=asked, orders=frozenset(orders), positions=quantities)


def seen(now: float, *, answer: VenueView | None = None, changed: float = 0.0, **fields: Any) -> Seen:
    defaults: dict[str, Any] = {
        "venues": frozenset({VENUE}),
        "terms": {"I": STEP},
        "views": {} if answer is None else {VENUE: answer},
        "changed": {VENUE: changed},
    }
    return Seen(now=now, **defaults | fields)


# Orders


def test_nothing_is_believed_before_the_venue_has_said_so() -> None:
    drain = Drain(CANCEL)
    assert drain.next(seen(1.0)) == [AskVenue(VENUE)]
    assert not drain.result(seen(1.0)).fulfilled
    assert drain.next(seen(1.2, answer=view(1.0))) is None


def test_an_answer_from_before_the_last_event_is_none() -> None:
    drain = Drain(CANCEL)
    assert drain.next(seen(2.0, answer=view(1.2), changed=1.0)) == [AskVenue(VENUE)]


def test_a_cancel_that_is_not_confirmed_is_sent_again() -> None:
    drain = Drain(CANCEL)
    assert drain.next(seen(0.0, orders=[order()])) == [Cancel("o")]
    assert drain.next(seen(0.5, orders=[order()], asking=frozenset({VENUE}))) == []
    assert drain.next(seen(1.0, orders=[order()], asking=frozenset({VENUE}))) == [Cancel("o")]


def test_many_orders_are_cancelled_in_turns() -> None:
    drain = Drain(CANCEL)
    orders = [order(str(number)) for number in range(25)]
    sent = [drain.next(seen(now, orders=orders)) or [] for now in (0.0, 1.1, 2.2)]
    assert {action.order_id for actions in sent for action in actions if isinstance(action, Cancel)} == {
        each.order_id for each in orders
    }
    assert max(map(len, sent)) == 10


def test_an_order_that_the_venue_does_not_list_is_asked_for_and_then_given_up() -> None:
    drain = Drain(CANCEL)
    drain.next(seen(0.0, orders=[order()]))
    missing = seen(2.5, orders=[order()], answer=view(1.5), changed=0.0)
    assert AskOrder("o") in (drain.next(missing) or [])
    said_twice = replace(missing, now=4.0, orders=[order(missed=2)])
    assert GiveUpOrder("o") in (drain.next(said_twice) or [])


def test_a_young_order_is_not_missed() -> None:
    drain = Drain(CANCEL)
    young = order(touched=1.0, place=Place.SENT)
    assert AskOrder("o") not in (drain.next(seen(2.0, orders=[young], answer=view(1.6), changed=1.0)) or [])


def test_an_order_of_ours_that_only_the_venue_knows_is_cancelled() -> None:
    drain = Drain(CANCEL)
    assert drain.next(seen(2.0, answer=view(1.0, "lost"))) == [CancelStray("lost", VENUE)]
    assert drain.result(seen(2.0, answer=view(1.0, "lost"))).strays == ("lost",)


def test_kept_orders_stay_and_what_lives_in_the_node_alone_does_not() -> None:
    drain = Drain(KEEP)
    orders = [order("rests"), order("emulated", place=Place.NODE)]
    assert drain.next(seen(0.0, orders=orders)) == [Cancel("emulated")]
    after = seen(2.0, orders=orders[:1], answer=view(1.0, "rests"))
    assert drain.next(after) is None
    assert drain.result(after).fulfilled
    assert drain.result(after).verified


def test_where_all_is_kept_a_silent_venue_costs_little_and_is_no_failure() -> None:
    drain = Drain(KEEP)
    assert drain.next(seen(KEEP_SECONDS, orders=[order()])) is None
    result = drain.result(seen(KEEP_SECONDS, orders=[order()]))
    assert result.fulfilled
    assert not result.verified


def test_a_silent_venue_is_asked_until_the_end_and_then_it_is_said() -> None:
    drain = Drain(CANCEL)
    asked = [now / 4 for now in range(239) if drain.next(seen(now / 4))]
    assert asked[-1] > 50
    assert drain.next(seen(60.0)) is None
    assert not drain.result(seen(60.0)).fulfilled


# Positions


def test_positions_wait_for_the_orders_of_their_instrument() -> None:
    drain = Drain(FLATTEN)
    held = [position("1"), position("2", instrument="J")]
    terms = {"I": STEP, "J": STEP}
    now = seen(2.0, orders=[order()], positions=held, terms=terms, answer=view(1.0, "o", I="1", J="2"))
    assert Reduce("J-a", "a", False, Decimal(2), True) in (drain.next(now) or [])
    late = replace(now, now=31.0)
    assert Reduce("I-a", "a", False, Decimal(1), True) in (drain.next(late) or [])


def test_what_a_stuck_order_may_take_is_left_to_it() -> None:
    drain = Drain(FLATTEN)
    stuck = order(buy=False, remaining=Decimal("0.7"))
    now = seen(31.0, orders=[stuck], positions=[position("1")], answer=view(1.0, "o", I="1"))
    assert Reduce("I-a", "a", False, Decimal("0.3"), True) in (drain.next(now) or [])


def test_no_more_is_closed_than_the_venue_holds_and_what_is_more_is_told() -> None:
    drain = Drain(FLATTEN)
    now = seen(2.0, positions=[position("-3")], answer=view(1.0, I="-1"))
    assert drain.next(now) == [Reduce("I-a", "a", True, Decimal(1), True)]
    shared = seen(2.0, positions=[position("1")], answer=view(1.0, I="5"))
    assert Drain(FLATTEN).next(shared) == [Reduce("I-a", "a", False, Decimal(1), True)]
    assert Drain(FLATTEN).result(shared).unexplained == (("I", Decimal(4)),)


def test_what_strategies_hold_against_each_other_is_no_exposure() -> None:
    drain = Drain(FLATTEN)
    held = [position("3", "a"), position("-1", "b")]
    assert drain.next(seen(2.0, positions=held, answer=view(1.0, I="2"))) == [
        Reduce("I-a", "a", False, Decimal(2), True)
    ]
    flat = seen(4.0, positions=[position("1", "a"), position("-1", "b")], answer=view(3.0), changed=2.0)
    assert drain.next(flat) is None
    assert drain.result(flat).fulfilled


def test_dust_is_told_and_is_no_failure() -> None:
    small = seen(2.0, positions=[position("0.15")], answer=view(1.0, I="0.15"))
    assert Drain(FLATTEN).next(small) is None
    result = Drain(FLATTEN).result(small)
    assert [left.dust for left in result.positions] == [True]
    assert result.fulfilled


def test_an_order_too_small_in_money_is_dust() -> None:
    terms = Terms(step=Decimal("0.1"), minimum_notional=Decimal(10), worth=Decimal(20))
    small = seen(2.0, positions=[position("0.4")], terms={"I": terms}, answer=view(1.0, I="0.4"))
    assert Drain(FLATTEN).next(small) is None
    larger = replace(small, positions=[position("0.5")], views={VENUE: view(1.0, I="0.5")})
    assert Drain(FLATTEN).next(larger) == [Reduce("I-a", "a", False, Decimal("0.5"), True)]


def test_large_positions_are_closed_in_parts() -> None:
    terms = replace(STEP, maximum=Decimal("0.75"))
    now = seen(2.0, positions=[position("2")], terms={"I": terms}, answer=view(1.0, I="2"))
    assert Drain(FLATTEN).next(now) == [Reduce("I-a", "a", False, Decimal("0.7"), True)]


def test_a_cash_account_sells_what_it_has() -> None:
    terms = replace(STEP, reduce_only=False, owned=Decimal("0.9"))
    answer = VenueView(asked=1.0, orders=frozenset(), positions=None)
    now = seen(2.0, positions=[position("1")], terms={"I": terms}, answer=answer)
    assert Drain(FLATTEN).next(now) == [Reduce("I-a", "a", False, Decimal("0.9"), False)]


def test_an_unknown_instrument_is_a_failure_that_is_told() -> None:
    unknown = seen(60.0, positions=[position("1")], terms={}, answer=view(59.0, I="1"))
    assert not Drain(FLATTEN).result(unknown).fulfilled


def test_a_closing_order_that_hangs_is_cancelled() -> None:
    drain = Drain(FLATTEN)
    hanging = order("cleanup", cleanup=True, buy=False)
    now = seen(2.0, orders=[hanging], positions=[position("1")], answer=view(1.0, "cleanup", I="1"))
    assert Cancel("cleanup") not in (drain.next(now) or [])
    assert Cancel("cleanup") in (drain.next(replace(now, now=2.0 + CLEANUP_PATIENCE_SECONDS)) or [])


# Random histories

quantities = st.integers(1, 30).map(lambda tenths: Decimal(tenths) / 10)
instruments = st.sampled_from(["I", "J"])
owners = st.sampled_from(["a", "b"])
chances = st.sampled_from([0.0, 0.2, 0.5])


@st.composite
def worlds(draw: st.DrawFn, seconds: float = 60.0) -> World:
    cancel = draw(st.booleans())
    policy = Policy(cancel=cancel, flatten=cancel and draw(st.booleans()), seconds=seconds)
    orders = [
        order(
            f"o{number}",
            strategy=draw(owners),
            instrument=draw(instruments),
            buy=draw(st.booleans()),
            remaining=draw(quantities),
            place=draw(st.sampled_from(Place)),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    held = [
        position(str(draw(quantities) * draw(st.sampled_from([1, -1]))), strategy, instrument)
        for strategy in ("a", "b")
        for instrument in ("I", "J")
        if draw(st.booleans())
    ]
    trouble = Trouble(
        lost=draw(chances), refused=draw(chances), silent=draw(chances), late=draw(chances), filled=draw(chances)
    )
    return World(draw(st.integers(0, 10**6)), policy, orders, held, trouble)


@settings(max_examples=20, deadline=None)
@given(worlds())
def test_once_the_trouble_is_over_a_stop_leaves_what_its_policy_says(world: World) -> None:
    result = world.run()
    assert result.fulfilled
    assert result.verified or world.policy.keeps_all
    if world.policy.cancel:
        assert not world.there
        assert not world.known
    if world.policy.flatten:
        assert not any(world.truth.values())


@settings(max_examples=15, deadline=None)
@given(worlds(seconds=10.0))
def test_in_trouble_to_the_end_it_ends_in_time_and_claims_nothing_untrue(world: World) -> None:
    result = world.run()
    if result.fulfilled and world.policy.cancel:
        assert not world.there
    if result.fulfilled and world.policy.flatten:
        assert not any(world.truth.values())
