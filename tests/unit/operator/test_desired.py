"""The objects wanted for a deployment: whatever it says, they are named, labelled and guarded as all relies on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.operator.manifests import OWNER, deployment, record, rendering
from trading_api import wiring
from trading_api.deployment import MAX_NAME_LENGTH, CatalogDriver, TradingDeploymentSpec
from trading_operator.desired.config_map import config_map
from trading_operator.desired.controller_revision import Recorded, controller_revision
from trading_operator.desired.deployment import Known, desired, named_children
from trading_operator.desired.names import Owner
from trading_operator.desired.role import role
from trading_operator.desired.stateful_set import stateful_set
from trading_operator.objects import Manifest
from trading_operator.settings import GcsSettings, RenderSettings

names = st.from_regex(rf"[a-z]([-a-z0-9]{{0,{MAX_NAME_LENGTH - 2}}}[a-z0-9])?", fullmatch=True)
catalog_names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)


@st.composite
def deployments(draw: st.DrawFn) -> Manifest:
    catalogs = draw(st.lists(catalog_names, min_size=1, max_size=3, unique=True))
    sources = [
        draw(st.sampled_from([{"gcs": {"bucket": "ticks", "prefix": "a/b"}}, {"pvc": {"claimName": "data"}}]))
        for _ in catalogs
    ]
    raw = deployment(
        draw(names),
        catalogs=[{"name": name, **source} for name, source in zip(catalogs, sources, strict=True)],
        podTemplate={
            "spec": draw(st.sampled_from([{}, {"nodeSelector": {"disk": "fast"}}, {"priorityClassName": "high"}]))
        },
    )
    raw["spec"]["venues"][0]["replay"]["catalog"] = catalogs[0]
    raw["spec"]["strategies"][0]["config"] = draw(
        st.dictionaries(st.text("abc", min_size=1), st.integers(0, 99), max_size=3)
    )
    return raw


def all_objects(raw: Manifest) -> list[Manifest]:
    owner = Owner(raw["metadata"]["name"], raw["metadata"]["namespace"], raw["metadata"]["uid"])
    new = rendering(raw)
    return [
        *named_children(owner),
        stateful_set(owner, new.template, 1),
        controller_revision(owner, new, 1),
        config_map(owner, new.hash, new.config),
    ]


@examples(8)
@given(deployments())
def test_every_object_is_named_and_labelled_as_its_deployment_s(raw: Manifest) -> None:
    for one in all_objects(raw):
        metadata = one["metadata"]
        assert len(metadata["name"]) <= 63
        assert len(metadata["name"]) + len("-0") <= 63 or one["kind"] != "StatefulSet"
        assert metadata["namespace"] == raw["metadata"]["namespace"]
        assert metadata["labels"][wiring.LABEL_DEPLOYMENT_UID] == raw["metadata"]["uid"]
        assert metadata["labels"][wiring.LABEL_DEPLOYMENT] == raw["metadata"]["name"]
        assert all(len(value) <= 63 for value in metadata["labels"].values())
        assert "ownerReferences" not in metadata


@examples(8)
@given(deployments())
def test_rendering_is_deterministic_and_its_hash_tells_changes_apart(raw: Manifest) -> None:
    again = json.loads(json.dumps(raw))
    assert rendering(raw) == rendering(again)
    again["spec"]["image"] += "-next"
    assert rendering(raw).hash != rendering(again).hash
    assert rendering(raw, RenderSettings(node_report_interval_seconds=1)).hash != rendering(raw).hash


@examples(8)
@given(deployments())
def test_selectors_match_the_pod_and_nothing_that_is_recorded(raw: Manifest) -> None:
    by_kind = {one["kind"]: one for one in all_objects(raw)}
    pod_labels = by_kind["StatefulSet"]["spec"]["template"]["metadata"]["labels"].items()
    selector = by_kind["StatefulSet"]["spec"]["selector"]["matchLabels"].items()
    assert selector <= pod_labels
    assert by_kind["Service"]["spec"]["selector"].items() <= pod_labels
    for kind in ("ControllerRevision", "ConfigMap"):
        assert not selector <= by_kind[kind]["metadata"]["labels"].items()


@examples(8)
@given(deployments())
def test_the_pod_is_consistent_in_itself(raw: Manifest) -> None:
    spec = rendering(raw).template["spec"]
    volumes = [volume["name"] for volume in spec["volumes"]]
    containers = [*spec["containers"], *spec["initContainers"]]
    assert len(volumes) == len(set(volumes))
    assert len({one["name"] for one in containers}) == len(containers)
    for container in containers:
        paths = [mount["mountPath"] for mount in container["volumeMounts"]]
        assert len(paths) == len(set(paths))
        assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)
        assert len(container["name"]) <= 63
    node = spec["containers"][0]
    assert {mount["mountPath"] for mount in node["volumeMounts"]} >= {
        f"{wiring.CATALOG_ROOT}/{catalog['name']}" for catalog in raw["spec"]["catalogs"]
    }


def test_nothing_is_rendered_for_a_generation_that_is_recorded() -> None:
    """A new operator, or a new default in the schema, must not replace a running node."""
    known = Known(records=(record(generation=4),), limits_generation=4)
    newer = RenderSettings(node_report_interval_seconds=1)
    assert desired(deployment(generation=4, image="another"), known, newer).rendering is None
    assert desired(deployment(generation=5, image="another"), known, newer).rendering is not None


def test_the_node_may_report_on_its_own_deployment_and_nothing_else() -> None:
    assert role(OWNER)["rules"] == [
        {
            "apiGroups": ["trading-operator.io"],
            "resources": ["tradingdeployments/status"],
            "resourceNames": [OWNER.name],
            "verbs": ["patch"],
        }
    ]


def test_the_token_is_mounted_into_the_node_s_container_alone() -> None:
    raw = deployment(podTemplate={"spec": {"containers": [{"name": "mate", "image": "mate"}]}})
    spec = rendering(raw).template["spec"]
    assert spec["automountServiceAccountToken"] is False
    holders = [one["name"] for one in (*spec["containers"], *spec["initContainers"]) if "trading-token" in str(one)]
    assert holders == ["node"]


def test_the_node_runs_without_privileges() -> None:
    spec = rendering().template["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_run_config_is_in_the_node_s_own_spelling() -> None:
    config = json.loads(rendering().config)
    assert config["trading_node"]["trader_id"] == "DESK-A-001"
    assert config["trading_node"]["catalogs"] == [{"name": "ticks", "path": "/catalogs/ticks"}]


def sidecar(gcs: GcsSettings) -> Manifest:
    found: Manifest = rendering(settings=RenderSettings(gcs=gcs)).template["spec"]["initContainers"][0]
    return found


def test_a_bucket_is_mounted_by_a_native_sidecar_before_the_node_starts() -> None:
    found = sidecar(GcsSettings(image="gcsfuse:3"))
    assert (found["restartPolicy"], found["image"]) == ("Always", "gcsfuse:3")
    assert found["args"][-1] == "ticks"
    assert found["command"][2].startswith('gcsfuse "$@" /catalog &')
    assert found["args"][found["args"].index("--only-dir") + 1] == "day"
    assert found["startupProbe"]["exec"]["command"] == ["mountpoint", "-q", "/catalog"]
    assert found["volumeMounts"][0]["mountPropagation"] == "Bidirectional"


@pytest.mark.parametrize(
    ("gcs", "flags"),
    [
        (GcsSettings(), set()),
        (GcsSettings(anonymous=True), {"--anonymous-access"}),
        (
            GcsSettings(endpoint="http://10.0.0.1:4443/storage/v1/"),
            {"--custom-endpoint=http://10.0.0.1:4443/storage/v1/", "--enable-hns=false"},
        ),
    ],
)
def test_an_emulator_is_asked_as_it_can_answer(gcs: GcsSettings, flags: set[str]) -> None:
    assert ("exist" in sidecar(gcs)["command"][2]) == bool(gcs.endpoint), "the bucket is looked for first"
    of_emulators = {"--anonymous-access", "--enable-hns=false", *(a for a in sidecar(gcs)["args"] if "endpoint" in a)}
    assert of_emulators & set(sidecar(gcs)["args"]) == flags


@pytest.mark.parametrize(
    ("driver", "cluster", "by_csi"),
    [("Auto", "Auto", False), ("Auto", "GKE", True), ("Sidecar", "GKE", False), ("GKE", "Sidecar", True)],
)
def test_the_catalog_s_driver_outranks_the_cluster_s(driver: str, cluster: str, by_csi: bool) -> None:
    raw = deployment(catalogs=[{"name": "ticks", "gcs": {"bucket": "ticks", "prefix": "day", "driver": driver}}])
    template = rendering(raw, RenderSettings(gcs=GcsSettings(driver=CatalogDriver(cluster)))).template
    volume = next(one for one in template["spec"]["volumes"] if one["name"] == "catalog-ticks")
    assert ("csi" in volume) == by_csi
    assert (template["metadata"]["annotations"].get("gke-gcsfuse/volumes") == "true") == by_csi
    assert bool(template["spec"]["initContainers"]) != by_csi
    if by_csi:
        assert volume["csi"]["volumeAttributes"] == {
            "bucketName": "ticks",
            "mountOptions": "implicit-dirs,only-dir=day",
        }


def test_a_record_keeps_the_rendering_and_changes_only_beside_it() -> None:
    new = rendering()
    one = Recorded(controller_revision(OWNER, new, 3))
    assert (one.hash, one.template, one.config, one.generation, one.approval) == (
        new.hash,
        new.template,
        new.config,
        3,
        0,
    )
    later = Recorded(Recorded(one.of_generation(9, "source")).approved_as(2))
    assert (later.generation, later.approval, later.source, later.template) == (9, 2, "source", new.template)


def patched(**spec: Any) -> str:
    found = desired(deployment(podTemplate={"spec": spec}), Known(), RenderSettings())
    return found.refusal.message if found.refusal else ""


def node(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "node", **fields}]}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"hostNetwork": True}, "spec.podTemplate.spec.hostNetwork: two nodes on one machine would meet"),
        ({"hostPID": True}, "hostPID"),
        ({"nodeName": "machine-a"}, "use nodeSelector or affinity"),
        ({"activeDeadlineSeconds": 60}, "it would kill a trading node"),
        ({"automountServiceAccountToken": True}, "mounted into the node's container alone"),
        ({"shareProcessNamespace": True}, "a sidecar could signal the node"),
        ({"hostname": "x"}, "the StatefulSet names the pod"),
        ({"volumes": [{"name": "trading-config", "emptyDir": {}}]}, "choose another name"),
        ({"volumes": [{"name": "catalog-ticks", "emptyDir": {}}]}, "choose another name"),
        ({"volumes": None}, "write a list of additions"),
        (node(env=None), "write a list of additions"),
        (node(lifecycle={"preStop": {"sleep": {"seconds": 9}}}), "eat the budget of the node's stop"),
        (node(terminationMessagePath="/x"), "last words"),
        (node(livenessProbe={"exec": {"command": ["true"]}}), "only failureThreshold"),
        (node(readinessProbe=None), "readinessProbe"),
        (node(ports=[{"containerPort": 8080, "name": "other"}]), "choose another port"),
        (node(volumeMounts=[{"name": "x", "mountPath": "/etc"}]), "it would hide what the node needs"),
        (node(volumeMounts=[{"name": "x", "mountPath": "/catalogs/ticks"}]), "it would hide"),
        (node(volumeMounts=[{"name": "x", "mountPath": "/"}]), "it would hide"),
        ({"initContainers": [{"name": "gcsfuse-ticks", "image": "evil"}]}, "only its resources"),
    ],
)
def test_the_pod_template_may_not_touch_what_a_safe_start_and_stop_rest_on(spec: dict[str, Any], says: str) -> None:
    assert says in patched(**spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"tolerations": [{"operator": "Exists"}]},
        {"volumes": [{"name": "mine", "emptyDir": {}}], **node(volumeMounts=[{"name": "mine", "mountPath": "/mine"}])},
        node(resources={"limits": {"memory": "2Gi"}}, env=[{"name": "MINE", "value": "1"}]),
        node(livenessProbe={"periodSeconds": 60}),
        {"initContainers": [{"name": "gcsfuse-ticks", "resources": {"limits": {"memory": "1Gi"}}}]},
        {"containers": [{"name": "mate", "image": "mate", "command": ["run"]}]},
    ],
)
def test_the_pod_template_may_change_the_rest(spec: dict[str, Any]) -> None:
    assert patched(**spec) == ""


def test_reserved_labels_stay_the_operator_s() -> None:
    raw = deployment(podTemplate={"metadata": {"labels": {"team": "a"}}})
    assert rendering(raw).template["metadata"]["labels"]["team"] == "a"
    found = desired(
        deployment(podTemplate={"metadata": {"labels": {wiring.LABEL_REVISION: "x"}}}), Known(), RenderSettings()
    )
    assert found.refusal is not None


def test_an_invalid_spec_is_refused_with_every_fault_and_can_still_be_suspended() -> None:
    found = desired(deployment(image="", strategies=[], suspend=True), Known(), RenderSettings())
    assert found.suspended
    assert found.rendering is None
    assert found.refusal is not None
    assert found.refusal.reason == "SpecInvalid"
    assert "spec.image" in found.refusal.message
    assert "spec.strategies" in found.refusal.message


def test_no_field_of_a_spec_is_accepted_and_ignored() -> None:
    """Whoever adds a field says here who reads it."""
    of_the_run_config = {"mode", "trader_id", "strategies", "venues", "catalogs", "database", "cache"}
    of_the_run_config |= {"reconciliation", "drain"}
    of_the_pod = {"image", "catalogs", "pod_template", "database", "cache", "state", "drain"}
    of_the_plan = {"suspend", "rollout", "state", "risk"}
    of_its_own_rule = {"live_confirmation"}
    known = of_the_run_config | of_the_pod | of_the_plan | of_its_own_rule
    assert set(TradingDeploymentSpec.model_fields) == known


@pytest.mark.parametrize(("text", "fits"), [("x" * 1_000_000, True), ("x" * 1_100_000, False), ('"' * 300_000, False)])
def test_what_no_record_could_hold_is_refused_with_words(text: str, fits: bool) -> None:
    """A record holds the config as JSON within JSON: what is 600 kB in the spec may be more than etcd takes."""
    strategy = {"name": "ema", "path": "desk.ema:Ema", "configPath": "desk.ema:EmaConfig", "config": {"notes": text}}
    found = desired(deployment(strategies=[strategy]), Known(), RenderSettings())
    assert (found.rendering is not None, found.refusal is None) == (fits, fits)
    assert fits or "shorten" in str(found.refusal)
