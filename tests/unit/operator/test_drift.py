"""What is drift and what is only the API server's way of writing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from trading_operator.observe.drift import covers

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)),
    max_leaves=10,
)


@examples(20)
@given(json_values)
def test_everything_covers_itself(value: Any) -> None:
    assert covers(value, value)


@examples(20)
@given(st.dictionaries(st.text("ab", max_size=2), json_values, max_size=3))
def test_what_others_add_is_theirs(value: dict[str, Any]) -> None:
    assert covers({**value, "added": {"by": "somebody"}}, value)


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        ({"cpu": "1"}, {"cpu": "1000m"}),
        ({"cpu": "500m"}, {"cpu": 0.5}),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}),
        ({"memory": "1M"}, {"memory": "1e6"}),
        ({}, {"readOnly": False, "env": [], "emptyDir": {}, "subPath": ""}),
        ([{"name": "a", "protocol": "TCP"}], [{"name": "a"}]),
    ],
)
def test_another_spelling_is_no_drift(live: Any, wanted: Any) -> None:
    assert covers(live, wanted)


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        ({"cpu": "1"}, {"cpu": "2"}),
        ({"a": "x"}, {"a": 1}),
        ({"env": ["a", "b"]}, {"env": ["a"]}),
        ({"env": ["b"]}, {"env": ["a"]}),
        ({}, {"readOnly": True}),
        ({"readOnly": True}, {"readOnly": False}),
        (None, {"a": {"b": 1}}),
        ("text", {"a": 1}),
        ({"a": "text"}, {"a": ["text"]}),
    ],
)
def test_a_difference_is_drift(live: Any, wanted: Any) -> None:
    assert not covers(live, wanted)
