"""Any right document survives both spellings; any junk gives one kind of error."""

import functools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.manifests import good_manifest
from tests.examples import examples
from trading_api.codec import (
    dump_node_config,
    parse_deployment,
    parse_metadata,
    parse_node_config,
    to_dict,
    to_spec_dict,
)
from trading_api.deployment import CatalogDriver, RolloutWhen
from trading_api.errors import InvalidDocument
from trading_api.fields import Bucket, ClaimName, Folder, Image, ImportPath, Name, OrderIdTag, TraderId, VenueName
from trading_api.node_config import LogFormat, LogLevel

FEW = examples(20)
FEWER = examples(4)
"""For whole documents, which take long to draw."""


@functools.cache
def texts(kind: Any) -> st.SearchStrategy[str]:
    """Texts of an annotated kind of field, within its pattern and its bounds."""
    bounds, matches = kind.__metadata__
    limits = {type(limit).__name__: limit for limit in bounds.metadata}
    least = limits["MinLen"].min_length if "MinLen" in limits else 0
    pattern = st.from_regex(matches.pattern, fullmatch=True, alphabet=st.characters(codec="ascii"))
    return pattern.filter(lambda text: least <= len(text) <= limits["MaxLen"].max_length)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
configs = st.dictionaries(st.text(), json_values, max_size=3)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Right specs, in camelCase, with optional fields there or not."""
    names = draw(st.lists(texts(Name), min_size=1, max_size=3, unique=True))
    tags = draw(st.lists(texts(OrderIdTag).filter(lambda tag: len(tag) > 4), min_size=3, max_size=3, unique=True))
    catalogs = draw(st.lists(texts(Name), min_size=1, max_size=2, unique=True))
    venues = draw(st.lists(texts(VenueName), min_size=1, max_size=2, unique=True))
    spec = {
        "mode": "Paper",
        "image": draw(texts(Image)),
        "traderId": draw(texts(TraderId)),
        "strategies": [draw(_strategy(name, tag)) for name, tag in zip(names, tags, strict=False)],
        "venues": [draw(_venue(name, catalogs)) for name in venues],
        "catalogs": [draw(_catalog(name)) for name in catalogs],
        "suspend": draw(st.booleans()),
        "rollout": {"when": draw(st.sampled_from(list(RolloutWhen))).value},
    }
    optional = draw(st.sets(st.sampled_from(["suspend", "rollout"])))
    return {key: value for key, value in spec.items() if key not in optional}


@st.composite
def _strategy(draw: st.DrawFn, name: str, tag: str) -> dict[str, Any]:
    return {
        "name": name,
        "path": draw(texts(ImportPath)),
        "configPath": draw(texts(ImportPath)),
        "config": draw(configs),
        "orderIdTag": tag,
    }


@st.composite
def _venue(draw: st.DrawFn, name: str, catalogs: list[str]) -> dict[str, Any]:
    margin = draw(st.booleans())
    speed = draw(st.one_of(st.just("Maximum"), st.integers(1, 1_000_000)))
    balances = draw(st.sampled_from([["1 USDT"], ["100000.25 USD", "0 BTC"]]))
    account: dict[str, Any] = {"startingBalances": balances, "omsType": draw(st.sampled_from(["Netting", "Hedging"]))}
    if margin:
        account |= {"accountType": "Margin", "defaultLeverage": draw(st.integers(1, 1000))}
    replay = {"catalog": draw(st.sampled_from(catalogs)), "speed": speed}
    return {"name": name, "adapter": "Replay", "replay": replay, "paper": account}


@st.composite
def _catalog(draw: st.DrawFn, name: str) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"name": name, "pvc": {"claimName": draw(texts(ClaimName)), "subPath": draw(texts(Folder))}}
    driver = draw(st.sampled_from(list(CatalogDriver))).value
    return {"name": name, "gcs": {"bucket": draw(texts(Bucket)), "prefix": draw(texts(Folder)), "driver": driver}}


@FEWER
@given(spec=specs())
def test_a_manifest_is_the_same_after_reading_and_writing(spec: dict[str, Any]) -> None:
    manifest = good_manifest() | {"spec": spec}
    deployment = parse_deployment(manifest)
    written = to_spec_dict(deployment.spec)

    assert parse_deployment(manifest | {"spec": written}) == deployment
    assert to_spec_dict(parse_deployment(manifest | {"spec": written}).spec) == written
    assert _contains(written, spec)
    assert parse_deployment(json.loads(json.dumps(to_dict(deployment)))) == deployment


@FEWER
@given(spec=specs(), level=st.sampled_from(list(LogLevel)), log_format=st.sampled_from(list(LogFormat)))
def test_a_run_config_is_the_same_after_reading_and_writing(
    spec: dict[str, Any], level: LogLevel, log_format: LogFormat
) -> None:
    model = parse_deployment(good_manifest() | {"spec": spec}).spec
    section = model.model_dump(mode="json", include={"mode", "trader_id", "strategies", "venues"}, exclude_none=True)
    section["catalogs"] = [{"name": catalog.name, "path": catalog.name} for catalog in model.catalogs]
    text = json.dumps({"trading_node": section, "logging": {"level": level, "format": log_format}})

    config = parse_node_config(text)

    assert parse_node_config(dump_node_config(config)) == config
    assert config.trading_node.strategies == model.strategies
    assert config.trading_node.venues == tuple(venue.in_node(None) for venue in model.venues)


def _contains(whole: Any, part: Any) -> bool:
    """Tell whether everything written in a part stands in the whole as it was written."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and _contains(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(_contains, whole, part))
    return bool(whole == part)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=3) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=9) | st.integers(), inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "spec", "status", "name", "venues", "paper", "podTemplate", "containers", "env"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@FEW
@given(document=st.dictionaries(st.sampled_from(["apiVersion", "kind", "metadata", "spec", "status"]), junk))
def test_junk_is_no_manifest(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_deployment(document)
    assert all(error.message for error in caught.value.errors)


@FEW
@given(spec=st.dictionaries(st.sampled_from(list(good_manifest()["spec"])), junk), metadata=junk)
def test_junk_is_no_spec(spec: dict[str, Any], metadata: Any) -> None:
    with pytest.raises(InvalidDocument):
        parse_deployment(good_manifest() | {"spec": spec})
    if not isinstance(metadata, dict) or "name" not in metadata:
        with pytest.raises(InvalidDocument):
            parse_metadata({"metadata": metadata})


@FEW
@given(status=junk)
def test_junk_is_never_a_reason_not_to_read_a_spec(status: Any) -> None:
    assert parse_deployment(good_manifest() | {"status": status}).metadata.name == "good"


@FEW
@given(text=st.text() | st.binary() | junk.map(lambda value: json.dumps(value, default=str, skipkeys=True)))
def test_junk_is_no_run_config(text: str | bytes) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse_node_config(text)
    assert all(error.message for error in caught.value.errors)
