"""One row a figure: what was measured, against what, and the goal."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """A figure, its baseline, and the goal that compares them."""

    name: str
    measured: str
    baseline: str
    result: str
    goal: str
    met: bool


def spread(values: Sequence[float], unit: str, digits: int = 2) -> str:
    """Median with minimum and maximum, such as ``3.10 s (2.95-3.40, n=5)``."""
    low, high = min(values), max(values)
    return f"{median(values):.{digits}f} {unit} ({low:.{digits}f}-{high:.{digits}f}, n={len(values)})"


def render(rows: Sequence[Row]) -> str:
    """The table as text, one line a row."""
    cells = [("figure", "measured", "baseline", "result", "goal", "")]
    cells += [(r.name, r.measured, r.baseline, r.result, r.goal, "met" if r.met else "MISSED") for r in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(6)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
