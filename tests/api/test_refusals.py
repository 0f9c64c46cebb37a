"""What is wrong is refused by a real API server, and the refusal names the field and says what to write."""

from collections.abc import Callable

import pytest

from tests.api.bad import Bad
from tests.api.bad_manifests import BAD, UNKNOWN_FIELDS
from tests.api.kube import Kube, Object, Refused, deployments_path
from tests.api.manifests import Change, changed, good_manifest, live_manifest, remove, write
from trading_api.codec import parse_deployment
from trading_api.errors import InvalidDocument

TRADER = "the identity of a trader cannot change"


def _titled(rows: tuple[Bad, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bad", rows, ids=[row.title for row in rows])


def refusal(kube: Kube, namespace: str, bad: Bad) -> Refused:
    """Return how the server refuses a manifest with one thing wrong."""
    with pytest.raises(Refused) as caught:
        kube.create(deployments_path(namespace), bad.manifest, dry_run=True)
    return caught.value


@pytest.mark.parametrize("manifest", [good_manifest(), live_manifest()], ids=["paper", "live"])
def test_the_manifests_that_the_table_changes_are_accepted(kube: Kube, namespace: str, manifest: Object) -> None:
    kube.create(deployments_path(namespace), manifest, dry_run=True)


@_titled(BAD)
def test_one_wrong_thing_is_refused_at_its_field_with_a_remedy(kube: Kube, namespace: str, bad: Bad) -> None:
    refused = refusal(kube, namespace, bad)

    assert any(cause.field == bad.path and bad.says in cause.message for cause in refused.causes), refused.message
    # Where a value has the wrong type, the server adds that it did not go on to the rules.
    elsewhere = [c for c in refused.causes if not c.field.startswith(bad.path) and "not checked" not in c.message]
    assert not elsewhere, refused.message


def test_an_instrument_twice_is_refused_by_server_and_models(kube: Kube, namespace: str) -> None:
    twice = changed(write("spec.venues[1].instruments", ["BTCUSDT.BYBIT"] * 2), base=live_manifest())
    with pytest.raises(Refused, match="Duplicate value"):
        kube.create(deployments_path(namespace), twice, dry_run=True)
    with pytest.raises(InvalidDocument, match=r"venues\[1\]\.instruments: .*write each instrument once"):
        parse_deployment(twice)


@_titled(UNKNOWN_FIELDS)
def test_an_unknown_field_is_refused_by_strict_validation(kube: Kube, namespace: str, bad: Bad) -> None:
    assert f'{bad.says} "{bad.path}"' in refusal(kube, namespace, bad).message


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


class TestLive:
    """What the books and the orders at the venues rest on: it stays while the deployment lives."""

    @pytest.fixture(autouse=True)
    def deployment(self, create: Callable[[Object], Object]) -> Object:
        return create(live_manifest())

    @pytest.mark.parametrize(
        ("change", "field", "says"),
        [
            (write("spec.mode", "Paper"), "spec.mode", "books of a simulated account and of a real one do not mix"),
            (write("spec.venues[0].account", "other"), "spec.venues[0].account", "put the old value back"),
            (remove("spec.venues[0].account"), "spec.venues[0].account", "put the old value back"),
            (write("spec.venues[0].environment", "Live"), "spec.venues[0].environment", "those of an account there"),
            (write("spec.state.storageClassName", "slow"), "spec.state.storageClassName", "cannot change its class"),
            (remove("spec.state.storageClassName"), "spec.state.storageClassName", "put the old value back"),
        ],
        ids=["mode", "account", "no account", "environment", "class", "no class"],
    )
    def test_it_cannot_change(self, kube: Kube, deployment: Object, change: Change, field: str, says: str) -> None:
        path = deployments_path(deployment["metadata"]["namespace"], "good")
        with pytest.raises(Refused, match=says) as caught:
            kube.request("PUT", path, changed(change, base=deployment))
        assert field in {cause.field for cause in caught.value.causes}

    def test_everything_else_may_change(self, kube: Kube, namespace: str, deployment: Object) -> None:
        spec = deployment["spec"]
        spec["venues"][0]["credentials"]["secretName"] = "next-key"
        spec["state"] |= {"size": "1Gi", "whenDeleted": "Retain"}
        spec["risk"]["maxOrderNotional"] = "1000"
        del spec["venues"][1]
        kube.request("PUT", deployments_path(namespace, "good"), deployment)
