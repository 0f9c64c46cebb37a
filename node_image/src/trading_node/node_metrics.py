"""All metrics of a node in one registry, read from its parts when they are asked for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trading_node.books_metrics import BooksCollector
from trading_node.environment import Environment
from trading_node.gate import Gate
from trading_node.gate_metrics import GateCollector, LimitsCollector
from trading_node.limits_file import LimitsInForce
from trading_node.market_watch import MarketWatch
from trading_node.reconciliation.agreement import VenueStats
from trading_node.snapshot import Snapshot
from trading_node.status import Life
from trading_node.store.stats import BookStats
from trading_node.telemetry import Telemetry
from trading_node.trading_metrics import AgreementCollector, TradingCollector, VenueCollector


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What metrics are read from; each is asked at every scrape, on the event loop."""

    life: Callable[[], Life]
    snapshot: Callable[[], Snapshot]
    gate: Gate
    watch: Callable[[], MarketWatch]
    agreements: Callable[[], Iterable[VenueStats]]
    books: Callable[[], BookStats | None]
    """None where no books are kept, or not yet."""
    limits: Callable[[], LimitsInForce | None]
    """None where no limits file is followed."""


def build_telemetry(environment: Environment, sources: Sources) -> Telemetry:
    """Return the node's telemetry with all that is read from its parts."""
    telemetry = Telemetry(environment)
    registry = telemetry.registry
    registry.register(BooksCollector(sources.books))
    registry.register(GateCollector(sources.gate, lambda: {each.venue for each in sources.watch().connections}))
    registry.register(LimitsCollector(sources.limits))
    registry.register(TradingCollector(sources.gate))
    registry.register(VenueCollector(sources.watch))
    registry.register(AgreementCollector(sources.agreements))
    telemetry.observe(sources.life, sources.snapshot)
    return telemetry
