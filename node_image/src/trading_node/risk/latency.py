"""How long venues take to answer, counted in buckets as it happens."""

from bisect import bisect_left

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Upper bounds of the buckets in seconds; one more is without bound."""
_BOUNDS_NS = tuple(int(bound * 1_000_000_000) for bound in BOUNDS)
MAX_VENUES = 32
OTHERS = "other"
"""The name that venues beyond the most are counted under."""


class Latency:
    """Counts of one venue."""

    __slots__ = ("counts", "sum_ns")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        """Per bucket, not added up."""
        self.sum_ns = 0


class Latencies:
    """Counts of all venues."""

    def __init__(self) -> None:
        self.venues: dict[str, Latency] = {}

    def observe(self, venue: str, nanoseconds: int) -> None:
        """Count one answer of a venue."""
        known = self.venues.get(venue)
        if known is None:
            name = venue if len(self.venues) < MAX_VENUES else OTHERS
            known = self.venues[name] = self.venues.get(name) or Latency()
        elapsed = nanoseconds if nanoseconds > 0 else 0  # A clock that goes back makes it none.
        known.counts[bisect_left(_BOUNDS_NS, elapsed)] += 1
        known.sum_ns += elapsed
