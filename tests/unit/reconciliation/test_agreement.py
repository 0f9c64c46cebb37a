"""When a venue's gate may be open."""

from dataclasses import replace

from trading_node.reconciliation.agreement import Agreement, sentence
from trading_node.reconciliation.difference import Change, ChangeOrder, Difference, Kind

CANCEL = ChangeOrder(client_order_id="O-1", change=Change.CANCELED)
CLOSED = Difference(kind=Kind.ORDER_CLOSED, subject="O-1", message="", repair=CANCEL)
GAP = Difference(kind=Kind.POSITION_MISMATCH, subject="BTC", message="3 more", remedy="sell 3")
MOMENT = Difference(kind=Kind.IN_FLIGHT_UNKNOWN, subject="O-2", message="", trivial=True)
PAID = Difference(kind=Kind.BALANCE, subject="USDT", message="")


def agrees(agreement: Agreement) -> bool:
    return agreement.agreed


def agreed() -> Agreement:
    agreement = Agreement("BINANCE")
    agreement.on_look([], 1)
    agreement.on_look([], 2)
    assert agreement.settled
    return agreement


def test_two_looks_in_a_row_must_find_nothing() -> None:
    agreement = Agreement("BINANCE")
    assert not agrees(agreement)
    agreement.on_look([], 1)
    assert not agrees(agreement)
    agreement.on_look([CLOSED], 2)
    agreement.on_look([], 3)
    assert not agrees(agreement)
    agreement.on_look([], 4)
    assert agrees(agreement)
    assert agreement.stats.last_agreement_ns == 4


def test_a_difference_ends_it_also_when_it_can_be_repaired() -> None:
    agreement = agreed()
    agreement.on_look([CLOSED], 3)
    assert not agrees(agreement)


def test_ordinary_trading_and_balances_do_not() -> None:
    agreement = agreed()
    agreement.on_look([MOMENT, PAID], 3)
    assert agrees(agreement)
    assert agreement.stats.in_flight_unknown == 1
    assert agreement.stats.differences == {Kind.BALANCE: 1}
    assert agreement.stats.unresolved == ()


def test_what_is_not_decided_neither_ends_nor_makes_it() -> None:
    undecided = Difference(kind=Kind.POSITION_MISMATCH, subject="BTC", message="", trivial=True)
    agreement = agreed()
    agreement.on_look([undecided], 3)
    assert agrees(agreement)
    assert not agreement.settled
    other = Agreement("OKX")
    for now in range(5):
        other.on_look([undecided], now)
    assert not other.agreed


def test_a_venue_that_does_not_answer_twice_ends_it() -> None:
    agreement = agreed()
    agreement.on_failure("timeout", 3)
    assert agrees(agreement)
    agreement.on_failure("timeout", 4)
    assert not agrees(agreement)
    assert agreement.stats.unresolved[0].kind is Kind.VENUE_SILENT


def test_a_broken_stream_ends_it_at_once() -> None:
    agreement = agreed()
    agreement.doubt()
    agreement.on_look([], 3)
    assert not agrees(agreement)
    agreement.on_look([], 4)
    assert agrees(agreement)


def test_one_that_stands_counts_once_and_keeps_its_time() -> None:
    agreement = Agreement("BINANCE")
    for now in (1, 2, 3):
        agreement.on_look([GAP], now)
    assert agreement.stats.differences == {Kind.POSITION_MISMATCH: 1}
    (standing,) = agreement.stats.unresolved
    assert standing.since_ns == 1
    assert sentence([agreement.stats]) == "BINANCE: PositionMismatch BTC: 3 more. sell 3"
    agreement.on_look([], 4)
    assert agreement.stats.unresolved == ()


def test_looks_come_slower_while_nothing_changes() -> None:
    agreement = Agreement("BINANCE")
    pauses = []
    for now in range(8):
        agreement.on_look([GAP], now)
        pauses.append(agreement.pause_seconds())
    assert pauses == sorted(pauses)
    assert pauses[0] == 0.2
    assert pauses[-1] == 5.0


def test_after_repairs_the_next_look_comes_at_once_but_not_when_they_do_not_help() -> None:
    agreement = Agreement("BINANCE")
    agreement.on_look([CLOSED], 1)
    at_once = agreement.pause_seconds()
    assert at_once < 0.1
    agreement.on_look([CLOSED], 2)
    assert agreement.pause_seconds() > at_once, "the repair did not hold"
    agreement.on_look([], 3)
    agreement.on_look([CLOSED, GAP], 4)
    assert agreement.pause_seconds() > at_once, "a person is needed"


def test_a_venue_that_is_silent_after_repairs_is_left_in_peace() -> None:
    agreement = Agreement("BINANCE")
    agreement.on_look([CLOSED], 1)
    agreement.on_failure("timeout", 2)
    assert agreement.pause_seconds() >= 0.2


def test_what_needs_time_or_a_person_counts_once_as_raised_and_again_when_it_comes_back() -> None:
    agreement = Agreement("BINANCE")
    many = [replace(GAP, subject=f"{number}") for number in range(30)]
    for now in (1, 2):
        agreement.on_look([*many, CLOSED, MOMENT, PAID], now)
    agreement.on_failure("timeout", 3)
    agreement.on_look(many, 4)
    assert agreement.stats.raised == {Kind.POSITION_MISMATCH: 30, Kind.VENUE_SILENT: 1}
    agreement.on_look([], 5)
    agreement.on_look([GAP], 6)
    assert agreement.stats.raised[Kind.POSITION_MISMATCH] == 31
