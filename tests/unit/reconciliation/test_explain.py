"""Which fills a position is made of."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.reconciliation.model import INSTRUMENT
from trading_node.reconciliation.facts import VenueFill
from trading_node.reconciliation.positions import explain


def fills(*signed: int) -> list[VenueFill]:
    return [
        VenueFill(
            instrument_id=INSTRUMENT,
            venue_order_id="V",
            trade_id=str(number),
            buy=amount > 0,
            quantity=abs(Decimal(amount)),
            price=Decimal(1),
            ts_event=number,
        )
        for number, amount in enumerate(signed)
    ]


def trades(found: tuple[VenueFill, ...] | None) -> list[str] | None:
    return None if found is None else [fill.trade_id for fill in found]


def test_the_newest_run_that_makes_it() -> None:
    assert trades(explain(Decimal(3), fills(5, -5, 1, 2))) == ["2", "3"]
    assert trades(explain(Decimal(-1), fills(5, -6))) == ["0", "1"]
    assert trades(explain(Decimal(0), fills(1))) == []


def test_what_does_not_reach_the_newest_explains_nothing() -> None:
    assert explain(Decimal(1), fills(1, 5)) is None
    assert explain(Decimal(1), []) is None


@given(st.lists(st.integers(-5, 5).filter(bool), min_size=1, max_size=12), st.data())
def test_what_explains_adds_up(amounts: list[int], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(amounts) - 1))
    gap = Decimal(sum(amounts[start:]))
    found = explain(gap, fills(*amounts))
    assert found is not None
    assert sum((fill.signed for fill in found), Decimal(0)) == gap
    assert list(found) == fills(*amounts)[len(amounts) - len(found) :]
