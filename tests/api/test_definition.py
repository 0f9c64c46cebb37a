"""The CustomResourceDefinition itself, and the chart that installs it."""

from collections.abc import Callable

import pytest
import yaml

from tests.api.kube import Kube, Object
from tests.api.manifests import CRD_FILE, ROOT

CHART = str(ROOT / "charts/trading-operator-crds")
DEFINITION = yaml.safe_load(CRD_FILE.read_text(encoding="utf-8"))


def test_the_server_has_nothing_to_complain_about(crd: Object) -> None:
    conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}

    assert conditions == {"Established": "True", "NamesAccepted": "True"}  # No NonStructuralSchema, for one.
    assert crd["spec"]["conversion"] == {"strategy": "None"}


def test_the_server_keeps_the_schema_as_it_is_written(crd: Object) -> None:
    assert crd["spec"]["versions"] == DEFINITION["spec"]["versions"]


def test_every_field_is_explained_to_kubectl(kubectl: Callable[..., str]) -> None:
    explained = kubectl("explain", "tradingdeployment.spec", "--recursive")
    assert "orderIdTag" in explained

    explained = kubectl("explain", "td.spec.venues.paper.defaultLeverage")
    assert "above 1 only with a Margin account" in explained


def test_the_resource_is_found_by_its_short_name_and_category(kube: Kube) -> None:
    resources = kube.get("/apis/trading-operator.io/v1alpha1")["resources"]

    main, status = sorted(resources, key=lambda resource: resource["name"])
    assert (main["shortNames"], main["categories"], main["namespaced"]) == (["td"], ["trading"], True)
    assert status["name"] == "tradingdeployments/status"


class TestChart:
    """What Helm renders is the generated definition, and the values decide how long it stays."""

    def test_it_lints(self, helm: Callable[..., str]) -> None:
        assert "0 chart(s) failed" in helm("lint", "--strict", CHART)

    @pytest.mark.parametrize(
        ("values", "annotations"),
        [
            ((), {"helm.sh/resource-policy": "keep"}),
            (("keep=false",), None),
            (("keep=false", "annotations.team=desk"), {"team": "desk"}),
            (("annotations.team=desk",), {"helm.sh/resource-policy": "keep", "team": "desk"}),
        ],
        ids=["as it comes", "not kept", "not kept, annotated", "annotated"],
    )
    def test_it_renders_the_definition(
        self, helm: Callable[..., str], values: tuple[str, ...], annotations: Object | None
    ) -> None:
        rendered = yaml.safe_load(helm("template", CHART, *(f"--set={value}" for value in values)))

        assert rendered["metadata"].pop("annotations", None) == annotations
        assert rendered == DEFINITION

    def test_it_refuses_a_misspelled_value(self, helm: Callable[..., str]) -> None:
        with pytest.raises(AssertionError, match="additional properties 'kept' not allowed"):
            helm("template", CHART, "--set=kept=false")
