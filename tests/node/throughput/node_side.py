"""The node's own feed, engine, gate and paper account, as ``trading-node run`` builds them, at speed Maximum.

Books are left out: they hear of orders, fills and positions, of which there are none here, and of no market data.
"""

import asyncio
from pathlib import Path

import uvloop

from tests.node.throughput.listener import make_listener
from tests.node.throughput.timing import Stopwatch, Timing, catalog_argument
from trading_api.node_config import LoggingSection, LogLevel
from trading_api.risk import RiskLimits
from trading_api.trading_rules import Mode
from trading_api.venues import Adapter, NodeVenue, PaperAccount, Replay
from trading_node.catalog.reader import open_catalog
from trading_node.drain.facts import Policy
from trading_node.errors import NodeError
from trading_node.gate import Gate
from trading_node.logs import configure_logging
from trading_node.nautilus import NautilusNode
from trading_node.nautilus_logs import NautilusLogs
from trading_node.risk.limits import compile_limits
from trading_node.venues.registry import Parts, build_venue
from trading_node.venues.replay_feed import ReplayFeed

VENUE = NodeVenue(
    name="BINANCE",
    adapter=Adapter.REPLAY,
    replay=Replay(catalog="ticks", speed="Maximum"),
    paper=PaperAccount(starting_balances=("100000 USDT",)),
)


STOP_SECONDS = 5.0
KEEP_ALL = Policy(cancel=False, flatten=False, seconds=STOP_SECONDS)


def fail(error: NodeError) -> None:
    raise error


async def play(catalog: Path, logs: NautilusLogs) -> Timing:
    feed = ReplayFeed(speed=None)
    node = NautilusNode(trader_id="BENCH-001", logs=logs, log_level=LogLevel.ERROR, on_failure=fail)
    parts = Parts(
        mode=Mode.PAPER,
        catalogs={"ticks": open_catalog(catalog)},
        feed=feed,
        portfolio=lambda: node.portfolio,
        folder=Path(),
        variables={},
    )
    listener = make_listener()
    node.process_synchronously(accelerated=True)
    node.build([build_venue(VENUE, parts)], [listener])
    gate = Gate(compile_limits(RiskLimits()))
    node.gate_orders(gate, {listener.id.value: "listener"}, lambda: feed.time_ns)
    await node.start()
    if not node.opened:
        raise RuntimeError("the gate was not opened: another node is measured than the one that runs")
    watch = Stopwatch()
    await feed.play(node)
    timing = watch.stop(listener.heard)
    await node.stop(KEEP_ALL, lambda _: None, STOP_SECONDS)
    node.dispose()
    return timing


def main() -> None:
    handler = configure_logging(LoggingSection(level=LogLevel.ERROR))
    with NautilusLogs(handler) as logs, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        timing = runner.run(play(catalog_argument(), logs))
    print(timing.to_json())


if __name__ == "__main__":
    main()
