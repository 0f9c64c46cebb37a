"""Requests wait outside of the limiter that would hold them back."""

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from trading_node.pacing import Pacer, Quota


def test_a_burst_passes_and_then_one_after_each_pause() -> None:
    pacer = Pacer({"a": Quota(3, 0.5)})
    assert [round(pacer.take(["a"], 10.0), 6) for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]
    assert pacer.take(["b"], 10.0) == 0
    assert round(pacer.take(["a"], 11.5), 6) == 0.0
    assert pacer.take(["a"], 100.0) == 0


def test_the_strictest_of_several_quotas_counts() -> None:
    pacer = Pacer({"a": Quota(1, 1.0), "b": Quota(1, 5.0)})
    assert pacer.take(["a", "b"], 0.0) == 0
    assert pacer.take(["a"], 0.0) == 1
    assert pacer.take(["a", "b", "c"], 0.0) == 5


@given(pauses=st.lists(st.floats(0, 2), min_size=1, max_size=40), burst=st.integers(1, 5))
@examples(40)
def test_what_is_paced_is_never_held_back_by_a_limiter_with_a_little_more(pauses: list[float], burst: int) -> None:
    """The limiter is one that fills up again steadily, as the native one is."""
    pacer = Pacer({"a": Quota(burst, 0.25)})
    now, level, last = 0.0, 0.0, 0.0
    times = []
    for pause in pauses:
        now += pause
        times.append(now + pacer.take(["a"], now))
    for sent in times:
        level = max(0.0, level - (sent - last) / 0.25) + 1
        last = sent
        assert level <= burst + 1e-6
