"""Lets go of what a running node no longer needs, so that its memory does not grow with every order.

Nautilus' cache keeps each order and each state of an account for ever; the books have them. The newest closed orders
stay, and all that were closed a moment ago: a venue may still tell of their fills.
"""

import asyncio
import logging
from collections.abc import Callable

from nautilus_trader.cache.cache import Cache

INTERVAL_SECONDS = 30.0
KEPT_ORDERS = 1_000
"""Closed orders that stay however old they are."""
KEPT_SECONDS = 120
"""Age to which every closed order stays, and every state of an account."""

_log = logging.getLogger(__name__)


class Purger:
    """Purges one cache, on its event loop."""

    def __init__(self, cache: Cache, now: Callable[[], int]) -> None:
        """Take the clock of orders, in UTC nanoseconds."""
        self._cache = cache
        self._now = now
        self.purged = 0
        """Orders that the cache does not count any more."""

    async def run(self) -> None:
        """Purge again and again, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                self.purge()
            except Exception:  # noqa: BLE001  # what cannot be let go of stays
                _log.exception("the cache could not be purged")

    def purge(self) -> None:
        """Purge once."""
        cache, now = self._cache, self._now()
        if cache.orders_closed_count() > KEPT_ORDERS:
            before = cache.orders_total_count()
            cache.purge_closed_orders(now, KEPT_SECONDS)
            self.purged += before - cache.orders_total_count()
        cache.purge_account_events(now, KEPT_SECONDS)
