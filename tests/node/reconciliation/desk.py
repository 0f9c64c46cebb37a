"""A node with our gate, books and reconciliation on a real adapter, in the test's own event loop.

A life that ends leaves its orders at the venue, as a killed process does; the next one has its books.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from nautilus_trader.adapters.binance import BINANCE
from nautilus_trader.adapters.okx import OKX
from nautilus_trader.config import CacheConfig, InstrumentProviderConfig
from nautilus_trader.core.nautilus_pyo3 import OKXInstrumentType
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId

from tests.venue.nautilus_node import (
    TIMEOUT_S,
    Probe,
    ProbeConfig,
    RunningNode,
    built,
    dispose,
    futures_clients,
    node_config,
    okx_clients,
    spot_clients,
    until,
)
from tests.venue.venue import Market, Venue
from trading_api.database import DatabaseSection
from trading_api.risk import RiskLimits
from trading_node.bookkeeping import Bookkeeping
from trading_node.errors import NodeError
from trading_node.former_life import History
from trading_node.gate import Gate
from trading_node.nautilus_books import NautilusBooks
from trading_node.nautilus_gate import NautilusGate
from trading_node.nautilus_reconciliation import NautilusReconciliation
from trading_node.reconciliation.agreement import VenueStats
from trading_node.risk.limits import compile_limits

ACCOUNT = "desk-a"
INSTRUMENTS = {"futures": "BTCUSDT-PERP.BINANCE", "spot": "BTCUSDT.BINANCE", "okx": "BTC-USDT-SWAP.OKX"}
SYMBOLS = {"futures": "BTCUSDT", "spot": "BTCUSDT", "okx": "BTC-USDT-SWAP"}
WINDOW_MS = 500


class Desk(RunningNode):
    """One life of a node."""

    def __init__(
        self, node: TradingNode, probe: Probe, gate: Gate, reconciliation: NautilusReconciliation, books: Bookkeeping
    ) -> None:
        super().__init__(node, probe)
        self.gate = gate
        self.reconciliation = reconciliation
        self.books = books
        self.told: list[Callable[[Any], None]] = []
        """Whom the recorder tells; a test may put another there."""
        self.recorder: NautilusBooks | None = None
        self.failures: list[NodeError] = []
        """What would have ended the node."""

    @property
    def stats(self) -> VenueStats:
        """What is told about the one venue."""
        return self.reconciliation.stats[0]

    def is_open(self) -> bool:
        """Whether orders pass."""
        return self.gate.standing.is_open

    def rest(self, quantity: str = "0.100", price: str = "49000.0", **options: Any) -> Any:
        """Send a buy order that rests."""
        order = self.probe.order_factory.limit(
            self.instrument.id, OrderSide.BUY, self.quantity(quantity), self.price(price), **options
        )
        self.probe.submit_order(order)
        return order

    def order(self, client_order_id: Any) -> Any:
        """Return an order of this life's cache."""
        return self.cache.order(client_order_id)

    async def history(self) -> History:
        """Return what the books say."""
        history = self.books.history()
        assert history is not None
        return await history.read()


def market_of(venue: Venue, room: str) -> Market:
    """Return a room of the venue."""
    markets: dict[str, Market] = {"futures": venue.futures, "spot": venue.spot, "okx": venue.okx}
    return markets[room]


def clients(venue: Venue, room: str) -> tuple[Any, Any]:
    """Return the configurations of both clients."""
    market = market_of(venue, room)
    if room == "okx":
        return okx_clients(market, venue, ACCOUNT, OKXInstrumentType.SWAP)
    if room == "spot":
        return spot_clients(market, venue, ACCOUNT)
    data, execution = futures_clients(market, venue, ACCOUNT, ed25519=False)
    return data, msgspec.structs.replace(execution, recv_window_ms=WINDOW_MS)


@asynccontextmanager
async def life(
    venue: Venue,
    folder: Path,
    room: str = "futures",
    *,
    interval_seconds: float = 60.0,
    trades_at_once: bool = True,
    only: str = "",
    cache: CacheConfig | None = None,
    before_start: Callable[[NautilusReconciliation], None] = lambda _: None,
) -> AsyncIterator[Desk]:
    """Run a node; it trades when the block begins, unless it is not waited for. It dies at the block's end.

    only: the one instrument that it loads, instead of all.
    """
    name = OKX if room == "okx" else BINANCE
    both = clients(venue, room)
    if only:
        provider = InstrumentProviderConfig(load_ids=frozenset({InstrumentId.from_str(only)}))
        both = tuple(msgspec.structs.replace(each, instrument_provider=provider) for each in both)
    config = node_config(*both, name=name, inflight_check_interval_ms=0, generate_missing_orders=False)
    if cache is not None:
        config = msgspec.structs.replace(config, cache=cache)
    probe = Probe(
        ProbeConfig(
            instrument_id=InstrumentId.from_str(INSTRUMENTS[room]),
            order_id_tag="001",
            use_hyphens_in_client_order_ids=False,
        )
    )
    node = built(config, probe)
    gate = Gate(compile_limits(RiskLimits()))
    on_path = NautilusGate(node.kernel, gate)
    on_path.install()
    on_path.guard_clients()
    books = Bookkeeping(DatabaseSection(directory="books"), folder, "TESTER-001", {})
    await books.open()
    told: list[Callable[[Any], None]] = [books.record]

    def tell(event: Any) -> None:
        told[0](event)

    recorder = NautilusBooks(node.kernel.cache, tell, trader_id="TESTER-001")
    recorder.follow(node.kernel.msgbus)
    books.follow(lambda: recorder.leave(node.kernel.msgbus))
    start = node.trader.start

    def open_and_start() -> None:
        on_path.resync()
        gate.set_reconciled(True)
        start()

    node.trader.start = open_and_start
    failures: list[NodeError] = []
    reconciliation = NautilusReconciliation(
        node.kernel,
        gate,
        resync=on_path.resync,
        memory=books.history,
        interval_seconds=interval_seconds,
        on_failure=failures.append,
    )
    reconciliation.install()
    before_start(reconciliation)
    task = asyncio.create_task(node.kernel.start_async())
    desk = Desk(node, probe, gate, reconciliation, books)
    desk.told, desk.recorder, desk.failures = told, recorder, failures
    try:
        if trades_at_once:
            await until(lambda: node.trader.is_running or task.done(), "the node trades", 2 * TIMEOUT_S)
            await task
            desk.instrument = node.cache.instrument(InstrumentId.from_str(INSTRUMENTS[room]))
            await until(desk.is_open, "the gate opens")
        yield desk
    finally:
        task.cancel()
        await asyncio.wait((task,))
        await reconciliation.stop()
        await books.close(5.0)
        await node.kernel.stop_async()
        dispose(node)
        logging.getLogger(__name__).info("a life ended")


def position(desk: Desk) -> Decimal:
    """Return the node's signed position."""
    held = desk.cache.positions_open(instrument_id=desk.instrument.id)
    return sum((each.signed_decimal_qty() for each in held), Decimal(0))
