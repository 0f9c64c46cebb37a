"""The operator's chart: odd but lawful names, and rights that are what the operator uses, no less and no more."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api.manifests import ROOT, Manifest
from tests.sim.history import play
from tests.sim.operators import SimClient
from trading_operator.objects import (
    CHILD_KINDS,
    CORE_EVENT,
    NAMED_CHILDREN,
    TRADING_DEPLOYMENT,
    Kind,
    kind_of,
)

CHART = str(ROOT / "charts" / "trading-operator")
Helm = Callable[..., str]
Right = tuple[str, str, str]
"""API group, resource, verb."""
HISTORIES = 150


def test_names_that_look_like_numbers_or_words_of_yaml_stay_names(helm: Helm, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    odd = {
        "watchNamespaces": ["123", "null", "true", "1e3"],
        "serviceAccount": {"name": "77"},
        "priorityClassName": "12",
        "metrics": {"serviceMonitor": {"enabled": True}},
        "podDisruptionBudget": {"enabled": True},
    }
    values.write_text(json.dumps(odd), encoding="utf-8")
    rendered = [*yaml.safe_load_all(helm("template", "123", CHART, "--namespace", "007", "--values", str(values)))]
    assert {one["kind"] for one in rendered} >= {"Deployment", "Role", "ServiceMonitor", "PodDisruptionBudget"}
    for manifest in rendered:
        metadata = manifest["metadata"]
        assert {metadata["name"], metadata.get("namespace", ""), *metadata["labels"].values()} == {
            str(one) for one in (metadata["name"], metadata.get("namespace", ""), *metadata["labels"].values())
        }, manifest["kind"]
    assert {one["metadata"]["namespace"] for one in rendered if one["kind"] == "Role"} == {
        *odd["watchNamespaces"],
        "007",
    }
    deployment = next(one for one in rendered if one["kind"] == "Deployment")
    assert deployment["spec"]["selector"]["matchLabels"]["app.kubernetes.io/instance"] == "123"
    assert deployment["spec"]["template"]["spec"]["priorityClassName"] == "12"


def test_releases_of_one_name_in_two_namespaces_share_no_object(helm: Helm) -> None:
    """Each serves namespaces of its own, and Helm refuses what another release has made."""

    def made(namespace: str) -> set[tuple[str, str, str]]:
        served = ("--set", f"watchNamespaces={{{namespace}}}")
        rendered = yaml.safe_load_all(helm("template", "trading-operator", CHART, "--namespace", namespace, *served))
        return {(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]) for one in rendered}

    assert not made("desk-a") & made("desk-b")


def test_labels_of_the_selector_cannot_be_overwritten(helm: Helm) -> None:
    with pytest.raises(AssertionError, match="podLabels"):
        helm("template", "r", CHART, "--set", r"podLabels.app\.kubernetes\.io/name=other")


def test_the_operator_holds_the_rights_that_it_uses_and_no_others(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random histories, with every fault there is, use what there is to be used."""
    used = {right for kind in (TRADING_DEPLOYMENT, *CHILD_KINDS) for right in _informed(kind)}
    used.add(("", "events", "list"))  # why a pod is not made or mounted; the histories' controllers tell none
    used |= {(_group(kind), kind.plural, "patch") for kind in NAMED_CHILDREN}  # nobody edits them there
    _record(monkeypatch, used)

    async def several() -> None:
        for seed in range(HISTORIES):
            await play(seed)

    asyncio.run(several())
    manifests = yaml.safe_load_all(helm("template", "r", CHART))
    cluster_role = next(one for one in manifests if one["kind"] == "ClusterRole")
    granted = {right for rule in cluster_role["rules"] for right in _granted(rule)}
    assert granted - {("storage.k8s.io", "csidrivers", "get")} == used


def _group(kind: Kind) -> str:
    return kind.api_version.rpartition("/")[0]


def _informed(kind: Kind) -> Iterator[Right]:
    yield from ((_group(kind), kind.plural, verb) for verb in ("list", "watch"))


def _granted(rule: Manifest) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        yield from ((group, resource, verb) for resource in rule["resources"] for verb in rule["verbs"])


def _record(monkeypatch: pytest.MonkeyPatch, used: set[Right]) -> None:
    """Take note of what each request of the client needs."""
    verbs = {
        "get": "get",
        "list": "list",
        "create": "create",
        "apply": "patch",
        "replace": "update",
        "decide": "patch",
        "set_finalizers": "patch",
        "annotate": "patch",
        "delete": "delete",
        "apply_status": "patch",
    }
    for name, verb in verbs.items():
        monkeypatch.setattr(SimClient, name, _noted(getattr(SimClient, name), name, verb, used))


def _noted(original: Any, name: str, verb: str, used: set[Right]) -> Any:
    async def noted(client: SimClient, subject: Any, *arguments: Any, **options: Any) -> Any:
        kind = kind_of(subject) if isinstance(subject, dict) else getattr(subject, "kind", subject)
        resource = kind.plural + ("/status" if name == "apply_status" else "")
        if kind is not CORE_EVENT:
            used.add((_group(kind), resource, verb))
        return await original(client, subject, *arguments, **options)

    return noted
