"""Whether a node that trades grows: RSS over minutes of orders on the venue simulator, with books in PostgreSQL.

python -m tests.bench.memory [MINUTES]: the first two fifths warm up, until what a node keeps is full; the slope
of the rest is what counts.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression

from tests.bench.live_nodes import our_node
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


async def measure(minutes: float) -> tuple[list[float], list[float], int]:
    """Trade for so long; return minutes, MiB at each, and how many orders were sent."""
    moments: list[float] = []
    sizes: list[float] = []
    orders = 0
    with tempfile.TemporaryDirectory(prefix="trading-bench-memory-") as folder, PostgresServer() as server:
        config = VenueConfig(market="random", step_ms=MARKET_STEP_MS, rate_limits=False)
        async with Venue(config) as venue, our_node(venue, Path(folder) / "ours", server.create("books")) as node:
            begin = time.monotonic()
            while (passed := time.monotonic() - begin) < minutes * 60:
                await node.turn(ORDERS_PER_SECOND * TURN_SECONDS, 1 / ORDERS_PER_SECOND)
                orders += ORDERS_PER_SECOND * TURN_SECONDS
                moments.append(passed / 60)
                sizes.append(resident_bytes(node.process.pid) / MIB)
    return moments, sizes, orders


def rows(minutes: float = MINUTES) -> Sequence[Row]:
    """Measure the growth."""
    moments, sizes, orders = asyncio.run(measure(minutes))
    warm = next(n for n, moment in enumerate(moments) if moment >= minutes * 2 / 5)
    slope = linear_regression(moments[warm:], sizes[warm:]).slope
    return [
        Row(
            f"RSS of a node over {minutes:g} minutes of trading", f"{sizes[-1]:.0f} MiB, at first {sizes[0]:.0f} MiB",
            f"{orders} orders", f"{slope:+.2f} MiB/min", f"<= {GOAL_MIB_PER_MINUTE} MiB/min",
            slope <= GOAL_MIB_PER_MINUTE,
        )
    ]  # fmt: skip


if __name__ == "__main__":
    print(render(rows(*map(float, sys.argv[1:]))))
