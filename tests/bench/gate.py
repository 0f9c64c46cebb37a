"""What the gate costs an order, alone and in a kernel: submit, accept and cancel in a Nautilus backtest.

python -m tests.bench.gate: kinds take turns, so that all see the same machine. An order's time in a kernel is the lower
quartile over steps of ten orders, of the trading thread's processor time: what other processes do to the machine's
caches only ever adds. On the real path, with a venue's adapter, it is measured by `tests.bench.wire`.
"""

import gc
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

from tests.bench.live_nodes import TYPICAL_LIMITS
from tests.bench.table import Row, render
from tests.node.gate.backtests import BUY, Run, Script, backtest
from tests.unit.gate.orders import PERPETUAL, SECOND, START, hold, set_price
from trading_api.risk import InstrumentRisk, RiskLimits, StrategyRisk, VenueRisk
from trading_node.gate import Gate
from trading_node.nautilus_books import NautilusBooks
from trading_node.risk.limits import compile_limits
from trading_node.risk.orders import OrderIntent
from trading_node.store.books import Books, BooksSettings

ORDERS = 2_000
ORDERS_A_STEP = 10
STEP_SECONDS = 0.1
SECONDS = 30
ROUNDS = 5
ALONE_ORDERS = 2_000
ALONE_ROUNDS = 15
GOAL_MICROSECONDS = 10.0
TRADER = "GATE-001"

EVERY_LIMIT = RiskLimits(
    max_orders_per_second=10_000,
    max_orders_per_minute=100_000,
    min_order_notional="1",
    max_order_notional="1000000",
    max_position_notional="1000000",
    max_gross_notional="1000000",
    max_net_notional="1000000",
    price_tolerance="0.5",
    max_reference_age_seconds=3_600,
    max_balance_use="1",
    max_daily_loss="1000000",
    duplicate_window_milliseconds=1,
    strategies=(StrategyRisk(name="s0", max_orders_per_second=10_000, max_gross_notional="1000000"),),
    venues=(VenueRisk(name="BINANCE", max_orders_per_second=10_000),),
    instruments=(InstrumentRisk(id="BTCUSDT-PERP.BINANCE", max_order_quantity="1000", max_position="1000"),),
)
"""All checks at work, none of them reached."""
TYPICAL = TYPICAL_LIMITS.model_copy(update={"max_orders_per_second": 10_000, "price_tolerance": "0.5"})
"""For orders by the thousand far from the market."""
KINDS: dict[str, tuple[RiskLimits | None, bool]] = {
    "bare": (None, False),
    "gate, no limits": (RiskLimits(), False),
    "gate, typical limits": (TYPICAL, False),
    "gate, every limit": (EVERY_LIMIT, False),
    "gate, typical limits, and books": (TYPICAL, True),
}
"""Limits, and whether books are kept."""


class Steps:
    """Sends a few orders that rest, no two alike, and cancels each; notes when each step began."""

    def __init__(self) -> None:
        self.began: list[float] = []

    def __call__(self, script: Script) -> None:
        self.began.append(time.thread_time())
        for number in range(ORDERS_A_STEP):
            price = script.price(f"{49_000 + number}")
            order = script.order_factory.limit(script.instrument.id, BUY, script.quantity("0.010"), price)
            script.submit_order(order)
            script.cancel_order(order)

    def microseconds_per_order(self) -> list[float]:
        return [(after - before) / ORDERS_A_STEP * 1e6 for before, after in pairwise(self.began)]


@contextmanager
def _books(run: Run, *, kept: bool) -> Iterator[None]:
    """Keep books of a run, in a journal: the writer and its database are on another thread."""
    if not kept:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="trading-bench-gate-") as folder:
        books = Books(BooksSettings(trader_id=TRADER, directory=Path(folder)))
        translator = NautilusBooks(run.cache, books.record, trader_id=TRADER)
        translator.follow(run.engine.kernel.msgbus)
        try:
            yield
        finally:
            books.close(60)


def in_kernel(kind: str) -> list[float]:
    """Run one backtest and return its microseconds per order, a number a step."""
    limits, kept = KINDS[kind]
    step = Steps()
    plan = {1 + number * STEP_SECONDS: step for number in range(ORDERS // ORDERS_A_STEP)}
    with backtest(plan, limits=limits, gated=limits is not None, seconds=SECONDS) as run, _books(run, kept=kept):
        gc.collect()
        gc.disable()
        run.run()
        gc.enable()
        canceled = sum(order.is_canceled for order in run.orders())
        if canceled != ORDERS or run.denials:
            raise RuntimeError(f"{canceled} of {ORDERS} orders were canceled, {len(run.denials)} denied")
    return step.microseconds_per_order()


def alone(limits: RiskLimits) -> float:
    """Return the microseconds that a gate takes for an order, from the question to its end; the best of many rounds."""
    gate = Gate(compile_limits(limits))
    gate.set_reconciled(True)
    set_price(gate, PERPETUAL, "99", "101")
    hold(gate, "0.5")
    gate.book.free_balance = gate.book.total_balance = lambda _account, _currency: Decimal(1_000_000)
    best = float("inf")
    for each in range(ALONE_ROUNDS):
        orders = [
            OrderIntent(
                f"{each}-{n}", "s0", PERPETUAL, True, Decimal(1), "LIMIT", Decimal(90) + Decimal(n) / ALONE_ORDERS
            )
            for n in range(ALONE_ORDERS)
        ]
        begin = time.thread_time()
        for n, order in enumerate(orders):
            now = START + each * 60 * SECOND + n * SECOND // 1_000
            if gate.submit(order, now) is not None:
                raise RuntimeError(f"an order was refused: {dict(gate.denials)}")
            gate.book.acknowledge(order.order_id, now)
            gate.send("s0", PERPETUAL.venue, now)
            gate.book.finish(order.order_id)
        best = min(best, (time.thread_time() - begin) / len(orders) * 1e6)
    return best


def rows(rounds: int = ROUNDS) -> Sequence[Row]:
    """Measure the gate alone, and in a kernel with and without it in turns."""
    found = []
    for name, limits, goal in (
        ("no limits", RiskLimits(), GOAL_MICROSECONDS),
        ("typical limits", TYPICAL, GOAL_MICROSECONDS),
        ("every limit", EVERY_LIMIT, None),
    ):
        cost = alone(limits)
        found.append(
            Row(
                f"gate alone, {name}: submit+accept+cancel", f"{cost:.1f} us", "0 us", f"{cost:.1f} us",
                "told" if goal is None else f"<= {goal:.0f} us", goal is None or cost <= goal,
            )
        )  # fmt: skip
    steps: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind, values in steps.items():
            values.extend(in_kernel(kind))
    lower = {kind: quantiles(values, n=4)[0] for kind, values in steps.items()}
    bare = lower.pop("bare")
    found += [
        Row(
            f"in a kernel without a venue: {kind}", f"{cost:.0f} us", f"{bare:.0f} us",
            f"{cost / bare:.3f} times, {cost - bare:+.0f} us", "told", True,
        )
        for kind, cost in lower.items()
    ]  # fmt: skip
    return found


if __name__ == "__main__":
    print(render(rows()))
