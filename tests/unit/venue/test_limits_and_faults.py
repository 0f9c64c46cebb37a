"""Rate limits and the fault plan, which decide without any socket."""

from __future__ import annotations

import pytest

from tests.venue.binance.errors import BinanceError
from tests.venue.binance.limits import Limits, RateLimiter
from tests.venue.faults import Action, Fault, FaultPlan

SECOND = 1_000_000_000


def test_too_much_weight_is_refused_then_banned_and_forgiven() -> None:
    limiter = RateLimiter(Limits(weight_per_minute=10, orders_per_10s=None, orders_per_minute=None, ban_after=2))
    assert limiter.charge("peer", 10, 0)["X-MBX-USED-WEIGHT-1M"] == "10"
    statuses = []
    for _ in range(3):
        with pytest.raises(BinanceError) as refused:
            limiter.charge("peer", 1, 15 * SECOND)
        assert refused.value.headers["Retry-After"] == "45"
        statuses.append(refused.value.status)
    assert statuses == [429, 429, 418]
    assert limiter.charge("other", 1, 15 * SECOND)
    assert limiter.charge("peer", 1, 60 * SECOND)["X-MBX-USED-WEIGHT-1M"] == "1"


def test_orders_are_counted_by_account() -> None:
    limiter = RateLimiter(Limits(weight_per_minute=None, orders_per_10s=2, orders_per_minute=3))
    limiter.charge_order("a", 0)
    assert limiter.charge_order("a", 0)["X-MBX-ORDER-COUNT-10S"] == "2"
    with pytest.raises(BinanceError, match="per 10S"):
        limiter.charge_order("a", 0)
    assert limiter.charge_order("b", 0)["X-MBX-ORDER-COUNT-10S"] == "1"


def test_probability_follows_the_seed() -> None:
    def strikes(seed: int) -> list[bool]:
        plan = FaultPlan()
        plan.add(Fault(Action.DROP, stream="*", probability=0.5, seed=seed, count=None))
        return [bool(plan.for_message("room", "user", "a")) for _ in range(40)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 5 < sum(strikes(1)) < 35


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"action": "explode"}, "`action` must be one of"),
        ({"action": "drop"}, "either `endpoint`"),
        ({"action": "drop", "stream": "user", "endpoint": "*"}, "either `endpoint`"),
        ({"action": "drop", "endpoint": "*"}, "does not apply to a request: ban"),
        ({"action": "reject", "stream": "*"}, "does not apply to a stream: delay"),
        ({"action": "delay", "stream": "*"}, "`delay_ms` above 0"),
        ({"action": "clock_skew", "endpoint": "*"}, "takes `skew_ms`"),
        ({"action": "drop", "stream": "*", "probability": 2}, r"lies in \(0, 1\]"),
        ({"action": "drop", "stream": "*", "streem": 2}, "unknown fields"),
        ({"action": "drop", "stream": "*", "probability": "x"}, "wrong type"),
        ({"action": "partial_fill", "endpoint": "*", "fraction": "1.5"}, r"`fraction` in \(0, 1\)"),
    ],
)
def test_nonsense_is_explained(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Fault.from_json(fields)
