"""Metrics of trading: orders and their latency, venues, market data, positions, exposure and agreement.

Read when they are asked for, on the event loop. What counts many is bounded, so that no series grows with time.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from trading_node.gate import Gate
from trading_node.market_watch import MarketWatch
from trading_node.reconciliation.agreement import VenueStats
from trading_node.risk.latency import BOUNDS, Latencies
from trading_node.risk.orders import ZERO

type Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

MAX_INSTRUMENTS = 64
MAX_POSITIONS = 128
MAX_STREAMS = 256
"""Pairs of strategy and venue."""


class TradingCollector(Collector):
    """What a gate knows: messages, latencies, positions, exposure, the day's profit."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def collect(self) -> Iterator[Family]:
        """Read the gate."""
        book = self._gate.book
        messages = CounterMetricFamily(
            "trading_node_order_messages",
            "Submits, modifies and cancels that left the gate.",
            labels=["strategy", "venue"],
        )
        for (strategy, venue), count in sorted(book.sends.counts.items())[:MAX_STREAMS]:
            messages.add_metric([strategy, venue], count)
        yield messages
        yield _histogram(
            "trading_node_order_ack_seconds", "From the gate to the venue's acknowledgement of an order.", book.answers
        )
        yield _histogram(
            "trading_node_order_fill_seconds", "From the gate to the first fill of an order.", book.first_fills
        )
        yield GaugeMetricFamily(
            "trading_node_orders_in_flight",
            "Orders that are sent and that the venue has not acknowledged.",
            value=len(book.in_flight),
        )
        self._gate.read_prices()
        book.valuation.revalue()
        yield from self._holdings()
        yield from self._exposure()

    def _holdings(self) -> Iterator[Family]:
        held = [each for each in self._gate.book.holdings.values() if each.position]
        positions = GaugeMetricFamily(
            "trading_node_position_quantity",
            "Signed position in the instrument's own unit, the largest in number first.",
            labels=["strategy", "instrument"],
        )
        together: dict[tuple[str, str], Decimal] = {}
        for each in held:
            strategy, instrument, _ = each.key
            together[strategy, instrument] = together.get((strategy, instrument), ZERO) + each.position
        largest = sorted(together.items(), key=lambda item: (-abs(item[1]), item[0]))
        for (strategy, instrument), quantity in largest[:MAX_POSITIONS]:
            positions.add_metric([strategy, instrument], float(quantity))
        yield positions

    def _exposure(self) -> Iterator[Family]:
        book = self._gate.book
        gross: dict[str, Decimal] = {}
        net: dict[str, Decimal] = {}
        for holding in book.holdings.values():
            unit = holding.market.unit
            if unit is not None:
                venue, worth = holding.market.contract.venue, holding.position * unit
                gross[venue] = gross.get(venue, ZERO) + abs(worth)
                net[venue] = net.get(venue, ZERO) + worth
        exposure = GaugeMetricFamily(
            "trading_node_exposure",
            "Worth of positions in the currency of the limits: gross (long and short added) or net.",
            labels=["venue", "kind"],
        )
        for venue in sorted(gross):
            exposure.add_metric([venue, "gross"], float(gross[venue]))
            exposure.add_metric([venue, "net"], float(net[venue]))
        yield exposure
        counted = GaugeMetricFamily(
            "trading_node_exposure_with_orders",
            "The same as limits count it, with pending orders as if they filled: gross, long or short.",
            labels=["venue", "kind"],
        )
        for venue, totals in sorted(book.valuation.venues.items()):
            for kind, value in (("gross", totals.gross), ("long", totals.long), ("short", totals.short)):
                counted.add_metric([venue, kind], float(value))
        yield counted
        yield GaugeMetricFamily(
            "trading_node_exposure_unvalued",
            "Positions and orders whose worth is not known, because a price or a rate is missing.",
            value=len(book.valuation.unvalued),
        )
        yield GaugeMetricFamily(
            "trading_node_day_profit",
            "Profit since midnight UTC in the currency of the limits, open positions included.",
            value=-float(book.valuation.node.day_loss),
        )


class VenueCollector(Collector):
    """Connections, and the age of market data."""

    def __init__(self, watch: Callable[[], MarketWatch]) -> None:
        self._watch = watch

    def collect(self) -> Iterator[Family]:
        """Read the venues' clients."""
        watch = self._watch()
        connected = GaugeMetricFamily(
            "trading_node_venue_connected", "1 while a venue's client is connected.", labels=["venue", "client"]
        )
        for each in watch.connections:
            connected.add_metric([each.venue, each.kind], float(each.connected))
        yield connected
        age = GaugeMetricFamily(
            "trading_node_market_data_age_seconds",
            "Age of the newest market data of an instrument that is subscribed to; NaN before the first.",
            labels=["venue", "instrument"],
        )
        for data in watch.ages[:MAX_INSTRUMENTS]:
            age.add_metric([data.venue, data.instrument], float("nan") if data.seconds is None else data.seconds)
        yield age
        oldest = GaugeMetricFamily(
            "trading_node_market_data_oldest_seconds",
            "The largest age among a venue's instruments that are subscribed to, those not listed included.",
            labels=["venue"],
        )
        ages: dict[str, float] = {}
        for data in watch.ages:
            if data.seconds is not None:
                ages[data.venue] = max(ages.get(data.venue, 0.0), data.seconds)
        for venue, seconds in sorted(ages.items()):
            oldest.add_metric([venue], seconds)
        yield oldest
        yield GaugeMetricFamily(
            "trading_node_market_data_instruments", "Instruments that are subscribed to.", value=len(watch.ages)
        )


class AgreementCollector(Collector):
    """The agreement with venues."""

    def __init__(self, stats: Callable[[], Iterable[VenueStats]]) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Family]:
        """Read what reconciliation counts."""
        venues = sorted(self._stats(), key=lambda each: each.venue)
        yield _gauge("agreed", "1 while the node agrees with a venue.", venues, lambda s: float(s.agreed))
        yield _gauge(
            "last_agreement_timestamp_seconds",
            "When the node last agreed with a venue; 0 for never.",
            venues,
            lambda s: s.last_agreement_ns / 1e9,
        )
        yield _gauge("unresolved", "Differences that stand.", venues, lambda s: len(s.unresolved))
        yield _gauge(
            "in_flight_unknown",
            "Orders that were sent without an answer so far.",
            venues,
            lambda s: s.in_flight_unknown,
        )
        yield _counter("looks", "Comparisons with a venue.", venues, lambda s: s.looks)
        yield _counter("failures", "Comparisons that a venue did not answer.", venues, lambda s: s.failures)
        yield _counter("reconnects", "Reconnections of a venue's streams.", venues, lambda s: s.reconnects)
        for name, text in (
            ("differences", "Differences that were found."),
            ("repairs", "Differences that were repaired."),
        ):
            family = CounterMetricFamily(f"trading_node_reconciliation_{name}", text, labels=["venue", "kind"])
            for stats in venues:
                for kind, count in sorted(getattr(stats, name).items()):
                    family.add_metric([stats.venue, kind.value], count)
            yield family


def _gauge(name: str, text: str, venues: Iterable[VenueStats], read: Callable[[VenueStats], float]) -> Family:
    family = GaugeMetricFamily(f"trading_node_reconciliation_{name}", text, labels=["venue"])
    for stats in venues:
        family.add_metric([stats.venue], read(stats))
    return family


def _counter(name: str, text: str, venues: Iterable[VenueStats], read: Callable[[VenueStats], float]) -> Family:
    family = CounterMetricFamily(f"trading_node_reconciliation_{name}", text, labels=["venue"])
    for stats in venues:
        family.add_metric([stats.venue], read(stats))
    return family


def _histogram(name: str, text: str, latencies: Latencies) -> Family:
    family = HistogramMetricFamily(name, text, labels=["venue"])
    bounds = [*map(str, BOUNDS), "+Inf"]
    for venue, latency in sorted(latencies.venues.items()):
        buckets = list(zip(bounds, accumulate(latency.counts), strict=True))
        family.add_metric([venue], buckets, latency.sum_ns / 1e9)
    return family
