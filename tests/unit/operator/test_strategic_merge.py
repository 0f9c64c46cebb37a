"""Laws of the strategic merge, and the examples that say what it means."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from trading_operator.desired.strategic_merge import strategic_merge

scalars = st.one_of(st.booleans(), st.integers(0, 9), st.text("ab", max_size=2))
plain = st.recursive(
    scalars, lambda inner: st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=3), max_leaves=8
)


def containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    item = st.fixed_dictionaries({"name": st.sampled_from("abc")}, optional={"image": values, "env": env_lists})
    return st.fixed_dictionaries({"containers": st.lists(item, max_size=3, unique_by=lambda one: one["name"])})


env_lists = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("XYZ"), "value": st.text("12", max_size=2)}),
    max_size=3,
    unique_by=lambda one: one["name"],
)
maps = st.dictionaries(st.text("xyz", min_size=1, max_size=2), plain, max_size=4)
specs = st.one_of(maps, containers(scalars))


@examples(15)
@given(specs)
def test_an_empty_patch_changes_nothing(base: dict[str, Any]) -> None:
    assert strategic_merge(base, {}) == base


@examples(15)
@given(specs, specs)
def test_a_patch_twice_is_a_patch_once(base: dict[str, Any], patch: dict[str, Any]) -> None:
    once = strategic_merge(base, patch)
    assert strategic_merge(once, patch) == once


@examples(15)
@given(specs)
def test_a_patch_of_nothing_is_itself(patch: dict[str, Any]) -> None:
    assert strategic_merge({}, patch) == patch


@examples(15)
@given(containers(scalars), containers(scalars))
def test_items_of_both_are_there_once_those_of_the_base_first(base: dict[str, Any], patch: dict[str, Any]) -> None:
    names = [one["name"] for one in strategic_merge(base, patch)["containers"]]
    of_base = [one["name"] for one in base["containers"]]
    assert names == of_base + [one["name"] for one in patch["containers"] if one["name"] not in of_base]


@examples(15)
@given(specs, specs)
def test_nothing_is_changed_in_place(base: dict[str, Any], patch: dict[str, Any]) -> None:
    before = repr((base, patch))
    strategic_merge(base, patch)
    assert repr((base, patch)) == before


@pytest.mark.parametrize(
    ("base", "patch", "merged"),
    [
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        (
            {"containers": [{"name": "node", "env": [{"name": "A", "value": "1"}]}]},
            {"containers": [{"name": "node", "env": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]}]},
            {"containers": [{"name": "node", "env": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]}]},
        ),
        (
            {"ports": [{"containerPort": 8080, "name": "http"}]},
            {"ports": [{"containerPort": 8080, "protocol": "TCP", "name": "web"}]},
            {"ports": [{"containerPort": 8080, "protocol": "TCP", "name": "web"}]},
        ),
        (
            {"volumeMounts": [{"mountPath": "/a", "name": "x"}]},
            {"volumeMounts": [{"mountPath": "/b", "name": "x"}]},
            {"volumeMounts": [{"mountPath": "/a", "name": "x"}, {"mountPath": "/b", "name": "x"}]},
        ),
    ],
)
def test_what_it_means(base: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]) -> None:
    assert strategic_merge(base, patch) == merged
