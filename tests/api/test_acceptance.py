"""What is right is accepted, filled with the defaults that the models say, and judged as the models judge it."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.kube import Kube, Refused, deployments_path
from tests.api.manifests import (
    EXAMPLES,
    Manifest,
    changed,
    example,
    good_manifest,
    limits_of_parts,
    live_manifest,
    remove,
    write,
)
from trading_api.codec import parse_deployment, to_spec_dict
from trading_api.errors import InvalidDocument

MINIMAL = changed(
    remove("spec.risk"),
    remove("spec.catalogs[1]"),
    remove("spec.venues[1]"),
    remove("spec.strategies[1]"),
    write("spec.strategies[0]", {"name": "ema", "path": "desk.ema:Ema", "configPath": "desk.ema:EmaConfig"}),
    write("spec.venues[0].replay", {"catalog": "ticks"}),
    write("spec.venues[0].paper", {"startingBalances": ["1 USDT"]}),
    write("spec.catalogs[0].gcs", {"bucket": "ticks"}),
    remove("spec.suspend"),
    remove("spec.rollout"),
    remove("spec.podTemplate"),
)
LIMITED = changed(*(write(f"spec.risk.{field}", value) for field, value in limits_of_parts().items()))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_accepted(kube: Kube, namespace: str, path: Path) -> None:
    kube.create(deployments_path(namespace), example(path), dry_run=True)


@pytest.mark.parametrize(
    "manifest",
    [
        MINIMAL,
        changed(write("spec.podTemplate", {}), write("spec.rollout", {}), base=MINIMAL),
        changed(write("spec.podTemplate", {"metadata": {}, "spec": {}}), base=MINIMAL),
        good_manifest(),
        live_manifest(),
        LIMITED,
        *map(example, EXAMPLES),
    ],
    ids=[
        "minimal",
        "empty objects",
        "nested empty objects",
        "everything",
        "everything live",
        "limits of parts",
        *(p.stem for p in EXAMPLES),
    ],
)
def test_the_server_fills_in_the_defaults_of_the_models(kube: Kube, namespace: str, manifest: Manifest) -> None:
    stored = kube.create(deployments_path(namespace), manifest, dry_run=True)

    assert stored["spec"] == to_spec_dict(parse_deployment(manifest).spec)


def _assignments(value: Any, path: str) -> list[str]:
    """Return the paths of everything in a manifest, with fields that are not there yet beside them."""
    if isinstance(value, dict):
        within = [_assignments(item, f"{path}.{key}") for key, item in value.items() if "/" not in key]
        return [path, f"{path}.unknown", *(one for paths in within for one in paths)]
    if isinstance(value, list):
        return [path, *(one for index, item in enumerate(value) for one in _assignments(item, f"{path}[{index}]"))]
    return [path]


BASES = {"paper": good_manifest(), "live": live_manifest()}
PATHS = {
    name: [path for path in _assignments(manifest["spec"], "spec") if path != "spec"]
    for name, manifest in BASES.items()
}
WORDS = "a EMA1 Paper Live Testnet Binance OKX Spot 60s 2Gi Keep ticks BINANCE Maximum Cash a:b node TRADING_X A-1"
VALUES = st.one_of(
    st.sampled_from(["", "1 USDT", *WORDS.split()]),
    st.sampled_from([True, False, 0, 1, -1, 10**6, 10**6 + 1, 1.5, [], {}, [{}], ["1 USDT"], {"name": "node"}]),
    st.text(max_size=8),
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_server_and_models_agree_on_what_is_right(kube: Kube, namespace: str, data: st.DataObject) -> None:
    base = data.draw(st.sampled_from(list(BASES)))
    manifest = copy.deepcopy(BASES[base])
    for path in data.draw(st.lists(st.sampled_from(PATHS[base]), min_size=1, max_size=2, unique=True)):
        change = remove(path) if data.draw(st.integers(0, 5)) == 0 else write(path, data.draw(VALUES))
        try:
            change(manifest)
        except (KeyError, IndexError, TypeError):
            continue  # An earlier change has taken away what this one is about.
    assert _server_accepts(kube, namespace, manifest) == _models_accept(manifest)


def _server_accepts(kube: Kube, namespace: str, manifest: Manifest) -> bool:
    try:
        kube.create(deployments_path(namespace), manifest, dry_run=True)
    except Refused as refused:
        if refused.status not in {400, 422}:
            raise
        return False
    return True


def _models_accept(manifest: Manifest) -> bool:
    try:
        parse_deployment(manifest)
    except InvalidDocument:
        return False
    return True
