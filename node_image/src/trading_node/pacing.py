"""Keeps requests that send orders below what an HTTP client's own rate limiter holds back.

What waits inside that limiter cannot be called back any more: it leaves seconds after a halt. So it waits before, where
it is asked again. Pure: times are seconds of any clock that goes on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """What a limiter lets through: so many at once, and then one after each pause."""

    burst: int
    seconds: float
    """Between two requests once the burst is used up."""


class Pacer:
    """Counts requests by the keys of their quotas, as the limiter does."""

    def __init__(self, quotas: Mapping[str, Quota]) -> None:
        self._quotas = quotas
        self._due = dict.fromkeys(quotas, 0.0)
        """When a key's burst would be whole again."""

    def take(self, keys: Iterable[str], now: float) -> float:
        """Count a request under its keys; return how many seconds it has to wait, so that it is not held back later."""
        wait = 0.0
        for key in keys:
            quota = self._quotas.get(key)
            if quota is not None:
                due = max(self._due[key], now)
                wait = max(wait, due - (quota.burst - 1) * quota.seconds - now)
                self._due[key] = due + quota.seconds
        return wait


BINANCE_QUOTAS: Mapping[str, Quota] = {
    "binance:futures:orders:10s": Quota(27, 1 / 27),
    "binance:futures:orders:1m": Quota(1_080, 60 / 1_080),
    "binance:fapi/v1/order": Quota(1_080, 60 / 1_080),
    "binance:api/v3/order": Quota(2_700, 60 / 2_700),
}
"""Nine tenths of what Nautilus' factory gives the client: 30 conditional orders a second, 1200 orders a minute, 3000 of
spot."""
