"""The books' metrics for Prometheus, read when they are asked for."""

from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from trading_node.store.stats import LAG_BOUNDS, BookStats

type Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

_GAUGES: tuple[tuple[str, str, Callable[[BookStats], float]], ...] = (
    ("queue_events", "Events that are told and not yet in the database.", lambda s: s.queue_depth),
    ("journal_bytes", "Size of the journal on disk.", lambda s: s.queue_bytes),
    ("memory_events", "Events in memory alone, because the journal takes none.", lambda s: s.memory_depth),
    ("free_bytes", "Free room on the volume of journal and embedded database.", lambda s: s.free_bytes),
    ("lag_seconds", "Age of the oldest event that waits for the database.", lambda s: s.lag_seconds),
    ("database_up", "1 while the database answers.", lambda s: float(s.database_up)),
)
_COUNTERS: tuple[tuple[str, str, Callable[[BookStats], float]], ...] = (
    ("events_written", "Events that the database has taken.", lambda s: s.events_written),
    ("batches", "Batches that the database has taken.", lambda s: s.batches),
    ("retries", "Attempts that failed because the database was away.", lambda s: s.retries),
    ("events_rejected", "Events that the database refused.", lambda s: s.rejected),
    ("events_lost", "Events that neither journal nor memory could take.", lambda s: s.lost),
    ("events_missing", "Events that were gone from the journal when it was opened.", lambda s: s.missing),
    ("events_untranslated", "Events that are in the log as they came, and in no table.", lambda s: s.untranslated),
)


class BooksCollector(Collector):
    """What the books of one node measure."""

    def __init__(self, stats: Callable[[], BookStats | None]) -> None:
        """Take the source; it gives None before the books are open, and then there are no metrics."""
        self._stats = stats

    def collect(self) -> Iterator[Family]:
        """Read the books."""
        stats = self._stats()
        if stats is None:
            return
        for name, text, read in _GAUGES:
            yield GaugeMetricFamily(f"trading_node_books_{name}", text, value=read(stats))
        for name, text, read in _COUNTERS:
            yield CounterMetricFamily(f"trading_node_books_{name}", text, value=read(stats))
        bounds = [*map(str, LAG_BOUNDS), "+Inf"]
        yield HistogramMetricFamily(
            "trading_node_books_commit_seconds",
            "Time from an event being told to its being in the database.",
            buckets=list(zip(bounds, accumulate(stats.lag_counts), strict=True)),
            sum_value=stats.lag_sum,
        )
