"""Whether a node that trades grows: RSS over minutes of orders on the venue simulator, with books in PostgreSQL.

python -m tests.bench.memory [MINUTES]: our node and a bare Nautilus node trade side by side at the same rate. The first
two fifths warm up, until most of what a node keeps is full; the slope of the rest is what counts. What is left of ours
is known: Nautilus keeps the text of each client and venue order id for as long as the process lives, some 100 to 170
bytes an order, and the gate remembers the ids of the newest 20,000 orders, 120 bytes each, which takes a while to fill.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression

from tests.bench.live_nodes import LiveNode, bare_node, our_node
from tests.bench.table import Row, render
from tests.node.books.postgres_server import PostgresServer
from tests.venue.venue import Venue, VenueConfig

MINUTES = 10.0
ORDERS_PER_SECOND = 20
TURN_SECONDS = 5
MARKET_STEP_MS = 200
GOAL_MIB_PER_MINUTE = 0.5
MIB = 2**20


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in RAM."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Growth:
    """Sizes of one node while it trades."""

    def __init__(self) -> None:
        self.minutes: list[float] = []
        self.sizes: list[float] = []
        """MiB at these."""

    def note(self, minutes: float, node: LiveNode) -> None:
        self.minutes.append(minutes)
        self.sizes.append(resident_bytes(node.process.pid) / MIB)

    def slope(self, warm_up: float) -> float:
        """MiB a minute from a minute on."""
        warm = next(number for number, moment in enumerate(self.minutes) if moment >= warm_up)
        return linear_regression(self.minutes[warm:], self.sizes[warm:]).slope

    def __str__(self) -> str:
        return f"{self.sizes[-1]:.0f} MiB, at first {self.sizes[0]:.0f} MiB"


async def measure(minutes: float) -> tuple[Growth, Growth, int]:
    """Have both nodes trade for so long; return the growth of ours and of the bare one, and the orders of each."""
    ours, bare = Growth(), Growth()
    orders = 0
    with tempfile.TemporaryDirectory(prefix="trading-bench-memory-") as folder, PostgresServer() as server:
        async with (
            Venue(VenueConfig(market="random", step_ms=MARKET_STEP_MS, rate_limits=False)) as venue,
            our_node(venue, Path(folder) / "ours", server.create("books")) as our,
            bare_node(venue, Path(folder) / "bare") as other,
        ):
            begin = time.monotonic()
            while (passed := time.monotonic() - begin) < minutes * 60:
                count = ORDERS_PER_SECOND * TURN_SECONDS
                await asyncio.gather(*(node.turn(count, 1 / ORDERS_PER_SECOND) for node in (our, other)))
                orders += count
                ours.note(passed / 60, our)
                bare.note(passed / 60, other)
    return ours, bare, orders


def rows(minutes: float = MINUTES) -> Sequence[Row]:
    """Measure the growth."""
    ours, bare, orders = asyncio.run(measure(minutes))
    slope, other = (growth.slope(minutes * 2 / 5) for growth in (ours, bare))
    return [
        Row(
            f"RSS of a node over {minutes:g} minutes of trading, {orders} orders", str(ours),
            f"bare: {bare}, {other:+.2f} MiB/min", f"{slope:+.2f} MiB/min",
            f"<= {GOAL_MIB_PER_MINUTE} MiB/min", slope <= GOAL_MIB_PER_MINUTE,
        )
    ]  # fmt: skip


if __name__ == "__main__":
    print(render(rows(*map(float, sys.argv[1:]))))
