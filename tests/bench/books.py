"""The book writer at a thousand orders a second: lag, memory, what it costs the trading thread, and an outage.

python -m tests.bench.books [SECONDS [OUTAGE_SECONDS]]: against a PostgreSQL of its own. One order is four events:
placed, submitted, accepted, filled.
"""

import gc
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles

from tests.bench.table import Row, render
from tests.node.books.postgres_server import PostgresServer
from tests.unit.books.stories import TRADER, filled, moved, placed
from trading_node.book_events import BookEvent, TransitionKind
from trading_node.store.books import Books, BooksSettings

ORDERS_PER_SECOND = 1_000
EVENTS_PER_ORDER = 4
SECONDS = 60
OUTAGE_SECONDS = 60
GOAL_LAG_SECONDS = 0.250
GOAL_GROWTH_MIB = 16.0
WARM_UP_SECONDS = 5.0


class Lags:
    """Every event's lag, in place of the histogram that a node keeps."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.counts: list[int] = []
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        self.values.append(seconds)


def story(number: int) -> list[BookEvent]:
    order, now = f"O-{number}", time.time_ns()
    return [
        placed(order, ts_event=now, ts_init=now, tags=("bench",)),
        moved(TransitionKind.SUBMITTED, now + 1, order, account_id="BINANCE-desk"),
        moved(TransitionKind.ACCEPTED, now + 2, order, venue_order_id=f"V-{number}"),
        filled(str(number), "10", f"{50_000 + number % 100}", now + 3, order, position_id=f"P-{number % 20}"),
    ]


def trade(books: Books, orders: int, costs: list[float], first: int = 0) -> None:
    """Tell the books of so many orders at the rate; costs: seconds in `record` per order."""
    begin = time.perf_counter()
    for number in range(orders):
        events = story(first + number)
        before = time.perf_counter()
        for event in events:
            books.record(event)
        costs.append(time.perf_counter() - before)
        ahead = begin + (number + 1) / ORDERS_PER_SECOND - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)


def resident_mib() -> float:
    """Memory of this process that is in RAM."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that so many percent do not exceed."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def sustained(server: PostgresServer, folder: Path, seconds: int) -> list[Row]:
    """Trade at the rate for so long."""
    books = Books(BooksSettings(trader_id=TRADER, directory=folder, database=server.create("sustained")))
    if not books.wait_ready(30):
        raise RuntimeError(books.stats().last_error)
    costs: list[float] = []
    warm_up = int(WARM_UP_SECONDS * ORDERS_PER_SECOND)
    trade(books, warm_up, costs)
    books.wait_written(60)
    costs.clear()
    lags = Lags()
    books.writer.lag = lags  # type: ignore[assignment]
    gc.collect()
    memory, processor, begin = resident_mib(), time.process_time(), time.perf_counter()
    trade(books, seconds * ORDERS_PER_SECOND, costs, first=warm_up)
    rate = seconds * ORDERS_PER_SECOND / (time.perf_counter() - begin)
    caught_up = books.wait_written(60)
    used = (time.process_time() - processor) / (time.perf_counter() - begin)
    # What the measuring itself keeps is not the books': a lag and a cost are a float of 24 bytes and its place.
    growth = resident_mib() - memory - (len(lags.values) + len(costs)) * 32 / 2**20
    books.close()
    lag = percentile(lags.values, 99)
    return [
        Row(
            "book writer, lag of events p99", f"{lag * 1000:.0f} ms",
            f"p50 {percentile(lags.values, 50) * 1000:.0f} ms",
            f"{rate:.0f} orders/s", f"<= {GOAL_LAG_SECONDS * 1000:.0f} ms at {ORDERS_PER_SECOND} orders/s",
            caught_up and lag <= GOAL_LAG_SECONDS and rate >= 0.98 * ORDERS_PER_SECOND,
        ),
        Row(
            "book writer, RSS", f"+{growth:.1f} MiB in {seconds} s", f"{memory:.0f} MiB", f"{used:.0%} of a core",
            f"<= +{GOAL_GROWTH_MIB:.0f} MiB", growth <= GOAL_GROWTH_MIB,
        ),
        Row(
            "books, on the trading thread per order", f"{percentile(costs, 50) * 1e6:.0f} us",
            f"p99 {percentile(costs, 99) * 1e6:.0f} us", f"{EVENTS_PER_ORDER} events", "told", True,
        ),
    ]  # fmt: skip


def outage(server: PostgresServer, folder: Path, seconds: int) -> list[Row]:
    """Trade on while the database is away, then count."""
    database = server.create("outage")
    books = Books(BooksSettings(trader_id=TRADER, directory=folder, database=database))
    if not books.wait_ready(30):
        raise RuntimeError(books.stats().last_error)
    server.stop(signal.SIGQUIT)
    orders = seconds * ORDERS_PER_SECOND
    trade(books, orders, [])
    waiting = books.stats().queue_depth
    server.start()
    begin = time.perf_counter()
    books.wait_written(600)
    caught_up = time.perf_counter() - begin
    stats = books.stats()
    books.close()
    counted = "SELECT (SELECT count(*) FROM unified_events) * 1000000000 + (SELECT count(*) FROM unified_orders)"
    found = divmod(int(server.query("outage", counted)), 1_000_000_000)
    lost = orders * EVENTS_PER_ORDER - found[0]
    return [
        Row(
            f"books, database away for {seconds} s", f"{lost} lost", f"{waiting} events waited",
            f"caught up in {caught_up:.1f} s", "0 lost, 0 doubled",
            lost == 0 and found[1] == orders and stats.lost == stats.rejected == 0,
        )
    ]  # fmt: skip


def rows(seconds: int = SECONDS, outage_seconds: int = OUTAGE_SECONDS) -> list[Row]:
    """Measure all of it."""
    return [row for part in parts(seconds, outage_seconds) for row in part]


def parts(seconds: int, outage_seconds: int) -> Iterator[list[Row]]:
    with tempfile.TemporaryDirectory(prefix="trading-bench-books-") as folder, PostgresServer() as server:
        yield sustained(server, Path(folder) / "sustained", seconds)
        yield outage(server, Path(folder) / "outage", outage_seconds)


if __name__ == "__main__":
    print(render(rows(*map(int, sys.argv[1:]))))
