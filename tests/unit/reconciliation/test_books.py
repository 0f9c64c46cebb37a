"""The books against what the node trades by."""

from decimal import Decimal

from tests.unit.reconciliation.model import INSTRUMENT
from tests.unit.reconciliation.test_agreement import agreed
from tests.unit.reconciliation.test_compare import OURS
from trading_node.reconciliation.books import BooksNow, compare_books, standing
from trading_node.reconciliation.difference import Kind

EQUAL = BooksNow(orders={"O-1": Decimal(0)}, positions={INSTRUMENT: Decimal(2)})
HELD = {INSTRUMENT: Decimal(2)}


def test_equal_books() -> None:
    assert compare_books({"O-1": OURS}, HELD, EQUAL) == {}


def test_each_difference_has_its_words() -> None:
    missing = compare_books({"O-1": OURS}, {}, BooksNow(orders={}, positions=HELD))
    assert {key: each.message for key, each in missing.items()} == {
        "O-1": "open here with 0 filled, not open in the books",
        INSTRUMENT: "0 held here, 2 in the books",
    }
    other = compare_books({}, HELD, BooksNow(orders={"O-1": Decimal(1)}, positions=HELD))
    assert other["O-1"].message == "open in the books, not open here"
    assert compare_books({}, {INSTRUMENT: Decimal(3)}, EQUAL, spot={INSTRUMENT}).keys() == {"O-1"}


def test_only_what_stays_counts() -> None:
    first = compare_books({"O-1": OURS}, HELD, BooksNow(orders={}, positions=HELD))
    assert standing({}, first) == ()
    assert [each.subject for each in standing(first, first)] == ["O-1"]
    later = compare_books({}, HELD, BooksNow(orders={"O-1": Decimal(1)}, positions=HELD))
    assert standing(first, later) == ()


def test_it_is_told_and_leaves_the_gate_as_it_is() -> None:
    agreement = agreed()
    found = standing(*[compare_books({"O-1": OURS}, HELD, BooksNow(orders={}, positions=HELD))] * 2)
    agreement.on_books(found, 3)
    agreement.on_look([], 4)
    assert agreement.agreed
    assert [each.kind for each in agreement.stats.unresolved] == [Kind.BOOKS]
    assert agreement.stats.differences == {Kind.BOOKS: 1}
    agreement.on_books((), 5)
    assert agreement.stats.unresolved == ()
