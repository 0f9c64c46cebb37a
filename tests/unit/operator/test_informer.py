"""How kopf is told to inform."""

from collections.abc import Iterable
from itertools import islice

from trading_operator.informer_settings import kopf_settings


def test_a_request_that_fails_for_hours_does_not_end_the_operator() -> None:
    """A served namespace that is gone, and the rights in it, are no reason to stop serving the others."""
    backoffs = kopf_settings().networking.error_backoffs
    assert isinstance(backoffs, Iterable)
    first = [*islice(backoffs, 1000)]
    assert sum(first) > 8 * 3600
    assert max(first) <= 30.0
    assert first[:3] == [*islice(backoffs, 3)], "the next request begins anew"
