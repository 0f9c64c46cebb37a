"""From the start of the process to agreement with the venue, with open orders there.

python -m tests.bench.start [ROUNDS]: the orders were placed by the account from outside, so that the node recognises
each. The baseline is a bare Nautilus node with its own reconciliation, in turns with ours.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path

from tests.bench.live_nodes import BARE, OURS, SYMBOL, LiveNode, bare_node, our_node
from tests.bench.pacer import READY
from tests.bench.table import Row, render, spread
from tests.venue.core.model import OrderKind, OrderRequest, Side
from tests.venue.venue import Venue, VenueConfig

ROUNDS = 5
OPEN_ORDERS = (0, 100)


async def _seconds(running: AbstractAsyncContextManager[LiveNode]) -> float:
    begin = time.perf_counter()
    async with running as node:
        await node.until_says(READY)
        return time.perf_counter() - begin


async def measure(orders: int, rounds: int) -> tuple[list[float], list[float]]:
    """Start both nodes in turns; return the seconds of ours and of the bare one."""
    ours, bare = [], []
    with tempfile.TemporaryDirectory(prefix="trading-bench-start-") as folder:
        async with Venue(VenueConfig(rate_limits=False)) as venue:
            for number in range(orders):
                for account in (OURS, BARE):
                    place(venue, account, number)
            for number in range(rounds):
                # A folder of its own: what the first start learned would be known to the second.
                root = Path(folder) / str(number)
                keep = {"orders": "Keep", "positions": "Keep", "timeout": "10s"}
                ours.append(await _seconds(our_node(venue, root / "ours", drain=keep)))
                bare.append(await _seconds(bare_node(venue, root / "bare")))
    return ours, bare


def place(venue: Venue, account: str, number: int) -> None:
    """Have an account place an order that rests far from the market."""
    venue.futures.place(
        OrderRequest(
            account=account, symbol=SYMBOL, side=Side.BUY, kind=OrderKind.LIMIT, quantity=Decimal("0.010"),
            price=Decimal(30_000 + number), client_id=f"outside-{number}",
        )
    )  # fmt: skip


def rows(rounds: int = ROUNDS) -> Sequence[Row]:
    """Measure with and without open orders."""
    found = []
    for orders in OPEN_ORDERS:
        ours, bare = asyncio.run(measure(orders, rounds))
        ratio = sorted(ours)[len(ours) // 2] / sorted(bare)[len(bare) // 2]
        name = f"start of the process -> reconciled, {orders} open orders"
        found.append(Row(name, spread(ours, "s"), spread(bare, "s"), f"{ratio:.2f} times", "told", True))
    return found


if __name__ == "__main__":
    print(render(rows(*map(int, sys.argv[1:]))))
