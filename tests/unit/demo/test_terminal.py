"""A view that is painted over must not be wrapped and must not scroll."""

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.terminal import Painter, fit


@given(
    lines=st.lists(st.text(alphabet="ab ", max_size=200), max_size=60),
    columns=st.integers(min_value=2, max_value=200),
    rows=st.integers(min_value=2, max_value=60),
)
def test_no_line_is_wrapped_and_no_line_scrolls_away(lines: list[str], columns: int, rows: int) -> None:
    shown = fit(lines, columns, rows)
    assert all(len(line) < columns for line in shown)
    assert len(shown) == min(len(lines), rows - 1)


def test_what_is_cut_says_so_and_what_fits_stays() -> None:
    assert fit(["12345", "1234567"], 7, 10) == ["12345", "12345…"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_cursor_goes_back_exactly_over_what_was_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "6")
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    painter = Painter()
    painter.paint(["x" * 200] * 9)
    painter.paint(["y"])
    assert terminal.getvalue() == ("x" * 78 + "…\n") * 5 + "\x1b[5F\x1b[J" + "y\n"


def test_a_log_gets_a_view_now_and_then_and_the_last_one(capsys: pytest.CaptureFixture[str]) -> None:
    painter = Painter()
    painter.paint(["x" * 200])
    painter.paint(["too soon"])
    painter.paint(["last"], force=True)
    assert capsys.readouterr().out == "x" * 200 + "\nlast\n"
