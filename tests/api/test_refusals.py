"""What is wrong is refused by a real API server, and the refusal names the field and says what to write."""

from collections.abc import Callable

import pytest

from tests.api.bad_manifests import BAD, UNKNOWN_FIELDS, Bad
from tests.api.kube import Kube, Object, Refused, deployments_path
from tests.api.manifests import Change, changed, good_manifest, remove, write

TRADER = "the identity of a trader cannot change"


def _titled(rows: tuple[Bad, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bad", rows, ids=[row.title for row in rows])


def refusal(kube: Kube, namespace: str, *changes: Change) -> Refused:
    """Return how the server refuses the good manifest with changes."""
    with pytest.raises(Refused) as caught:
        kube.create(deployments_path(namespace), changed(*changes), dry_run=True)
    return caught.value


def test_the_manifest_that_the_table_changes_is_accepted(kube: Kube, namespace: str) -> None:
    kube.create(deployments_path(namespace), good_manifest(), dry_run=True)


@_titled(BAD)
def test_one_wrong_thing_is_refused_at_its_field_with_a_remedy(kube: Kube, namespace: str, bad: Bad) -> None:
    refused = refusal(kube, namespace, bad.change)

    assert any(cause.field == bad.path and bad.says in cause.message for cause in refused.causes), refused.message
    # Where a value has the wrong type, the server adds that it did not go on to the rules.
    elsewhere = [c for c in refused.causes if not c.field.startswith(bad.path) and "not checked" not in c.message]
    assert not elsewhere, refused.message


@_titled(UNKNOWN_FIELDS)
def test_an_unknown_field_is_refused_by_strict_validation(kube: Kube, namespace: str, bad: Bad) -> None:
    assert f'{bad.says} "{bad.path}"' in refusal(kube, namespace, bad.change).message


def test_without_strict_validation_an_unknown_field_is_dropped(kube: Kube, namespace: str) -> None:
    manifest = changed(write("spec.leverage", 50), write("spec.strategies[0].config.anything", "stays"))

    stored = kube.create(deployments_path(namespace), manifest, validation="Ignore")

    assert "leverage" not in stored["spec"]
    assert stored["spec"]["strategies"][0]["config"]["anything"] == "stays"


class TestTraderId:
    """It is what orders at the venues carry: it stays, whatever is tried."""

    @pytest.fixture(autouse=True)
    def deployment(self, create: Callable[[Object], Object]) -> Object:
        return create(good_manifest())

    def test_a_new_value_is_refused(self, kube: Kube, namespace: str) -> None:
        with pytest.raises(Refused, match=TRADER) as caught:
            kube.merge(deployments_path(namespace, "good"), {"spec": {"traderId": "DESK-B-001"}})
        assert caught.value.causes[0].field == "spec.traderId"

    def test_it_cannot_be_removed_to_be_set_anew(self, kube: Kube, namespace: str) -> None:
        with pytest.raises(Refused, match=r"spec\.traderId: Required value"):
            kube.merge(deployments_path(namespace, "good"), {"spec": {"traderId": None}})

    def test_the_spec_cannot_be_removed_to_be_set_anew(self, kube: Kube, namespace: str, deployment: Object) -> None:
        with pytest.raises(Refused, match="spec: Required value"):
            kube.request("PUT", deployments_path(namespace, "good"), changed(remove("spec"), base=deployment))

    def test_it_cannot_be_replaced_with_everything_else(self, kube: Kube, namespace: str, deployment: Object) -> None:
        other = changed(write("spec.traderId", "DESK-B-001"), write("spec.image", "other:1"), base=deployment)
        with pytest.raises(Refused, match=TRADER):
            kube.request("PUT", deployments_path(namespace, "good"), other)

    def test_it_cannot_change_through_the_status(self, kube: Kube, namespace: str, deployment: Object) -> None:
        other = changed(write("spec.traderId", "DESK-B-001"), base=deployment)
        kube.request("PUT", deployments_path(namespace, "good") + "/status", other)
        assert kube.get(deployments_path(namespace, "good"))["spec"]["traderId"] == "DESK-A-001"

    def test_everything_else_may_change(self, kube: Kube, namespace: str) -> None:
        kube.merge(deployments_path(namespace, "good"), {"spec": {"image": "example/trading-node:2", "suspend": True}})
