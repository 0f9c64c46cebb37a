"""What our node costs an order on its way to a real adapter's venue: submit to venue, and the trading thread's time.

python -m tests.bench.wire [TURNS [ORDERS]]: our node, with limits and books in PostgreSQL, and a bare Nautilus node are
processes on the venue simulator's Binance futures. They take turns, so that both see the same machine.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from tests.bench.live_nodes import LiveNode, Turn, bare_node, our_node
from tests.bench.table import Row, render, spread
from tests.node.books.postgres_server import PostgresServer
from tests.venue.venue import Venue, VenueConfig

TURNS = 12
ORDERS = 100
INTERVAL_SECONDS = 0.02
WARM_UP_ORDERS = 100
MARKET_STEP_MS = 500
GOAL_RATIO = 1.10


class Figures:
    """What turns of one node gave."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        """Milliseconds from the strategy's submit to the venue's matching engine."""
        self.thread: list[float] = []
        """Microseconds of the trading thread's processor time an order, one number a turn."""
        self.process: list[float] = []
        """The same of the whole process."""

    def take(self, turn: Turn, arrived_ns: dict[str, int]) -> None:
        self.delays += [(arrived_ns[order] - sent) / 1e6 for order, sent in turn.sent_ns.items()]
        self.thread.append(turn.thread_seconds / len(turn.sent_ns) * 1e6)
        self.process.append(turn.process_seconds / len(turn.sent_ns) * 1e6)

    def delay(self, percent: int) -> float:
        return quantiles(self.delays, n=100, method="inclusive")[percent - 1]


def arrivals(venue: Venue) -> dict[str, int]:
    """When each order was taken by the matching engine, by client order id."""
    return {order.client_id: order.created_ns for order in venue.futures.exchange.orders.values()}


async def measure(turns: int, orders: int) -> tuple[Figures, Figures]:
    """Let both nodes take turns; return the figures of ours and of the bare one."""
    figures = Figures(), Figures()
    with tempfile.TemporaryDirectory(prefix="trading-bench-wire-") as folder, PostgresServer() as server:
        async with (
            Venue(VenueConfig(market="random", step_ms=MARKET_STEP_MS, rate_limits=False)) as venue,
            our_node(venue, Path(folder) / "ours", server.create("books")) as ours,
            bare_node(venue, Path(folder) / "bare") as bare,
        ):
            nodes: tuple[LiveNode, LiveNode] = (ours, bare)
            for node in nodes:
                await node.turn(WARM_UP_ORDERS, INTERVAL_SECONDS)
            for number in range(turns):
                for node, each in list(zip(nodes, figures, strict=True))[:: 1 if number % 2 else -1]:
                    turn = await node.turn(orders, INTERVAL_SECONDS)
                    each.take(turn, arrivals(venue))
    return figures


def rows(turns: int = TURNS, orders: int = ORDERS) -> Sequence[Row]:
    """Measure, and compare."""
    ours, bare = asyncio.run(measure(turns, orders))
    ratio = median(ours.thread) / median(bare.thread)
    return [
        *(
            Row(
                f"submit -> venue p{percent}", f"{ours.delay(percent):.2f} ms", f"{bare.delay(percent):.2f} ms",
                f"{ours.delay(percent) / bare.delay(percent):.2f} times, {len(ours.delays)} orders each", "told", True,
            )
            for percent in (50, 99)
        ),
        Row(
            "gate and books on the real path: submit+accept+cancel, trading thread", spread(ours.thread, "us", 0),
            spread(bare.thread, "us", 0), f"{ratio:.3f} times", f"<= {GOAL_RATIO:.2f} times", ratio <= GOAL_RATIO,
        ),
        Row(
            "the same, whole process (writing the database too)", spread(ours.process, "us", 0),
            spread(bare.process, "us", 0), f"{median(ours.process) / median(bare.process):.2f} times", "told", True,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    print(render(rows(*map(int, sys.argv[1:]))))
