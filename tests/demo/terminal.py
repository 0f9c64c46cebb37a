"""Painting one view over the other on a terminal."""

import shutil
import sys
import time
from collections.abc import Sequence

BETWEEN_LINES = 2.0
"""Seconds between two views where the output is no terminal."""


def fit(lines: Sequence[str], columns: int, rows: int) -> list[str]:
    """Return lines of which none is wrapped and none scrolls away: both could not be painted over.

    The last column stays free, as some terminals wrap when it is written; so does the last row, where the cursor is.
    """
    most = max(1, columns - 1)
    short = [line if len(line) <= most else f"{line[: most - 1]}…" for line in lines]
    return short[: max(1, rows - 1)]


class Painter:
    """Paints one view over the other on a terminal; elsewhere prints a view now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._height = 0
        self._printed = -BETWEEN_LINES

    def paint(self, lines: list[str], *, force: bool = False) -> None:
        """Show the lines."""
        if self._terminal:
            columns, rows = shutil.get_terminal_size()
            lines = fit(lines, columns, rows)
            # Up to the first line of the last view, and clear from there to the end.
            sys.stdout.write(f"\x1b[{self._height}F\x1b[J" if self._height else "")
            self._height = len(lines)
        elif not force and time.monotonic() - self._printed < BETWEEN_LINES:
            return
        self._printed = time.monotonic()
        print("\n".join(lines), flush=True)
