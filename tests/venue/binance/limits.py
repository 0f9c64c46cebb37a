"""Rate limits: request weight by address, orders by account, and the ban for those who do not listen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tests.venue.binance.errors import BinanceError

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Per-window maxima; None switches a limit off."""

    weight_per_minute: int | None
    orders_per_10s: int | None
    orders_per_minute: int | None
    ban_after: int = 20
    """So many requests after the first 429 of a minute bring 418."""


UNLIMITED = Limits(weight_per_minute=None, orders_per_10s=None, orders_per_minute=None)


@dataclass(slots=True)
class _Window:
    index: int = -1
    count: int = 0

    def add(self, now: int, seconds: int, amount: int) -> int:
        index = now // (seconds * NS_PER_S)
        if index != self.index:
            self.index, self.count = index, 0
        self.count += amount
        return self.count


@dataclass(slots=True)
class RateLimiter:
    limits: Limits
    _weight: dict[str, _Window] = field(default_factory=lambda: defaultdict(_Window))
    _orders: dict[tuple[str, int], _Window] = field(default_factory=lambda: defaultdict(_Window))
    _refused: dict[str, _Window] = field(default_factory=lambda: defaultdict(_Window))

    def charge(self, peer: str, weight: int, now: int) -> dict[str, str]:
        """Count a request; returns the headers that tell the client, raises 429 or 418."""
        used = self._weight[peer].add(now, 60, weight)
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        most = self.limits.weight_per_minute
        if most is not None and used > most:
            refused = self._refused[peer].add(now, 60, 1)
            wait = 60 - now // NS_PER_S % 60
            headers["Retry-After"] = str(wait)
            status = 418 if refused > self.limits.ban_after else 429
            raise BinanceError(
                -1003, f"Too many requests; current limit is {most} request weight per 1 MINUTE.", status, headers
            )
        return headers

    def charge_order(self, account: str, now: int) -> dict[str, str]:
        """Count an order; returns the headers, raises 429 with the orders' own code."""
        headers = {}
        for seconds, name, most in (
            (10, "10S", self.limits.orders_per_10s),
            (60, "1M", self.limits.orders_per_minute),
        ):
            used = self._orders[account, seconds].add(now, seconds, 1)
            headers[f"X-MBX-ORDER-COUNT-{name}"] = str(used)
            if most is not None and used > most:
                raise BinanceError(
                    -1015, f"Too many new orders; current limit is {most} orders per {name}.", 429, headers
                )
        return headers
