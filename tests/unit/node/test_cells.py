"""Single cells: exact numbers, and times in any of the usual forms."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.enums import AggressorSide

from trading_node.catalog.cells import Cell, CellError, Nanoseconds, parse_decimal, parse_side, parse_time, time_unit

MOMENT_NS = 1_767_605_400_123_456_789
"""2026-01-05 09:30:00.123456789 UTC."""


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("0.000311", "0.000311"),
        (0.00031099999999999997, "0.000311"),
        (39432.48, "39432.48"),
        (" 1.50 ", "1.50"),
        (3, "3"),
        ("1e-5", "0.00001"),
        (Decimal("1.10"), "1.10"),
    ],
)
def test_a_number_is_read_without_noise(cell: Cell, expected: str) -> None:
    assert parse_decimal(cell) == Decimal(expected)


@given(st.decimals(min_value=0, max_value=10**6, places=6))
def test_what_was_once_written_as_a_double_is_read_as_it_was_meant(number: Decimal) -> None:
    assert parse_decimal(float(number)) == number


@pytest.mark.parametrize("cell", ["", "abc", None, True, float("nan"), "Infinity", "1,5"])
def test_what_is_no_number_is_refused(cell: Cell) -> None:
    with pytest.raises(CellError, match="no number"):
        parse_decimal(cell)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (1_767_605_400, 1_767_605_400_000_000_000),
        ("1767605400.5", 1_767_605_400_500_000_000),
        (1_767_605_400_123, 1_767_605_400_123_000_000),
        (1_767_605_400_123_456, 1_767_605_400_123_456_000),
        (MOMENT_NS, MOMENT_NS),
        (Nanoseconds(5), 5),
        ("2026-01-05T09:30:00.123456789Z", MOMENT_NS),
        ("2026-01-05 09:30:00.123456789", MOMENT_NS),
        ("2026-01-05T10:30:00.123456789+01:00", MOMENT_NS),
        ("2026-01-05T09:30:00Z", 1_767_605_400_000_000_000),
        ("2026-01-05", 1_767_571_200_000_000_000),
        (datetime(2026, 1, 5, 9, 30, 0, 123456, tzinfo=UTC), 1_767_605_400_123_456_000),
        (datetime(2026, 1, 5, 9, 30), 1_767_605_400_000_000_000),  # noqa: DTZ001  # UTC is what is meant
    ],
)
def test_a_time_is_read_in_any_of_the_usual_forms(cell: Cell, expected: int) -> None:
    assert parse_time(cell, time_unit(cell)) == expected


@pytest.mark.parametrize("cell", ["", "soon", None, "2026-13-01", True])
def test_what_is_no_time_is_refused(cell: Cell) -> None:
    with pytest.raises(CellError, match="no time"):
        parse_time(cell, 1)


def test_times_before_1970_are_refused() -> None:
    with pytest.raises(CellError, match="before 1970"):
        parse_time("-5", 1)


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("buyer_maker", True, AggressorSide.SELLER),
        ("buyer_maker", "False", AggressorSide.BUYER),
        ("side", "BUY", AggressorSide.BUYER),
        ("side", "s", AggressorSide.SELLER),
    ],
)
def test_sides(column: str, cell: Cell, expected: AggressorSide) -> None:
    assert parse_side(column, cell) == expected


@pytest.mark.parametrize("column", ["buyer_maker", "side"])
def test_what_is_no_side_is_refused(column: str) -> None:
    with pytest.raises(CellError, match="maybe"):
        parse_side(column, "maybe")
