"""What the writer measures, as plain numbers for metrics and for the gate."""

from bisect import bisect_left
from dataclasses import dataclass

LAG_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds of the lag histogram's buckets; one more is without bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the books take what is told to them; the gate lets nothing new through while they do not."""

    ok: bool
    reason: str = ""
    may_start: bool = False
    """Whether a node may start all the same, to make positions smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookStats:
    """The writer at one moment."""

    queue_depth: int
    """Events that are told and not yet in the database."""
    queue_bytes: int
    """Size of the journal on disk."""
    memory_depth: int
    """Events held in memory because the journal could not take them."""
    free_bytes: int
    """What the volume of the journal still takes; 0 where it does not say."""
    lag_seconds: float
    """Age of the oldest event that is not in the database and has waited; 0 when there is none."""
    database_up: bool
    schema_revision: str
    events_written: int
    batches: int
    retries: int
    rejected: int
    """Events that the database refused; they are in the file of rejected events."""
    lost: int
    """Events that neither journal nor memory could take."""
    missing: int
    """Events that were gone from the journal when it was opened, as a power failure leaves it."""
    untranslated: int
    """Events that are in the log as they came and in no table."""
    lag_counts: tuple[int, ...]
    """Events per bucket of `LAG_BOUNDS`, by the time from being told to being committed."""
    lag_sum: float
    last_error: str


class LagHistogram:
    """Counts of events by how long they took."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LAG_BOUNDS) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one event."""
        self.counts[bisect_left(LAG_BOUNDS, seconds)] += 1
        self.sum += seconds
