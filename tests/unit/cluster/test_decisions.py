"""The small decisions: addresses, providers, names, settings handed on."""

import json

import pytest

from tests.cluster import addons, kind, network
from tests.cluster.buildah import pip_config, pip_settings
from tests.cluster.cluster import Description, choose_provider, parse_description
from tests.cluster.containers import forgotten
from tests.cluster.errors import ClusterError
from tests.cluster.fixtures import namespace_name
from tests.cluster.packages import choose_mirror, missing


def test_the_network_is_the_first_that_overlaps_nothing() -> None:
    assert network.choose(["192.168.0.0/16", "fd00::/8"]).whole == "10.209.0.0/16"
    assert network.choose(["10.209.3.4", "10.219.0.0/24"]).whole == "10.229.0.0/16"
    with pytest.raises(ClusterError, match="in use"):
        network.choose(["10.0.0.0/8"])


def test_nodes_pods_and_services_do_not_overlap() -> None:
    plan = network.Network(209)
    assert [plan.node(number) for number in (1, 2)] == ["10.209.0.1", "10.209.0.2"]
    assert [plan.node_pods(number) for number in (1, 2)] == ["10.209.16.0/24", "10.209.17.0/24"]
    assert (plan.services, plan.api_service, plan.dns_service) == ("10.209.32.0/20", "10.209.32.1", "10.209.32.10")


@pytest.mark.parametrize(
    ("wish", "docker", "kind_", "base", "chosen"),
    [
        ("", True, True, True, "kind"),
        ("", True, True, False, "local"),
        ("", False, True, True, "local"),
        ("", True, False, True, "local"),
        ("local", True, True, True, "local"),
        ("kind", False, False, False, "kind"),
    ],
)
def test_kind_where_all_that_it_needs_is_there(wish: str, docker: bool, kind_: bool, base: bool, chosen: str) -> None:
    assert choose_provider(wish, docker=docker, kind=kind_, base_image=base) == chosen


def test_another_wish_is_refused_with_what_to_write() -> None:
    with pytest.raises(ClusterError, match="write kind or local"):
        choose_provider("minikube", docker=True, kind=True, base_image=True)


def test_a_description_survives_its_file_and_half_a_file_is_none() -> None:
    description = Description("local", ("node-1",), "10.209.0.1", "me", "/somewhere", "2026-01-01T00:00:00+00:00")
    text = json.dumps(description.__dict__)
    assert parse_description(text) == description
    assert parse_description(text[:-5]) is None
    assert parse_description("{}") is None


def test_a_namespace_tells_its_test_and_is_a_valid_name() -> None:
    assert namespace_name("test_a_pod[node-1]", "ab12cd") == "t-a-pod-node-1-ab12cd"
    long = namespace_name("test_" + "x_" * 100, "ab12cd")
    assert len(long) <= 40
    assert "--" not in long


def test_pip_inside_a_build_gets_where_to_fetch_and_nothing_else() -> None:
    listing = (
        "global.cert='/etc/a.pem'\n"
        "global.find-links='/opt/wheels'\n"
        "global.index-url='https://one.invalid/simple'\n"
        ":env:.index-url='https://two.invalid/simple'\n"
        ":env:.disable-pip-version-check='1'\n"
    )
    assert pip_settings(listing) == {"cert": "/etc/a.pem", "index-url": "https://two.invalid/simple"}
    assert pip_config(pip_settings(listing)).splitlines()[:2] == ["[global]", "cert = /etc/a.pem"]


def test_only_what_keeps_a_replaced_image_is_forgotten() -> None:
    there = {"localhost/a:dev": "sha256:new", "sha256:c1": "sha256:new", "sha256:c0": "sha256:old"}
    assert forgotten(there) == ["sha256:c0"]


def test_the_mirror_is_the_whole_archive_of_this_machine() -> None:
    listing = "http://m.invalid/debian-security/ a b\nhttp://m.invalid/debian/ a b\nhttp://other.invalid/debian/ a b"
    assert choose_mirror(listing) == "http://m.invalid/debian"
    assert choose_mirror("http://m.invalid/ubuntu/ a b") is None


def test_a_package_is_missing_until_its_witness_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.cluster.packages.WITNESSES", {"here": ("/etc/host*",), "gone": ("/nowhere/at/all",)})
    assert missing(["here", "gone"]) == ["gone"]


def test_kind_gets_workers_to_drain_and_short_patience() -> None:
    settings = json.loads(kind.config(2))
    assert [node["role"] for node in settings["nodes"]] == ["control-plane", "worker", "worker"]
    assert 'node-monitor-grace-period: "20s"' in settings["nodes"][0]["kubeadmConfigPatches"][0]


def test_the_machine_is_the_ipv4_gateway_of_kinds_network() -> None:
    config = [{"Subnet": "fc00::/64", "Gateway": "fc00::1"}, {"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}]
    assert kind.gateway(json.dumps([{"IPAM": {"Config": config}}])) == "172.18.0.1"
    with pytest.raises(ClusterError, match="no IPv4 gateway"):
        kind.gateway(json.dumps([{"IPAM": {"Config": config[:1]}}]))


def test_the_name_servers_service_points_at_the_node() -> None:
    made = {item["kind"]: item for item in addons.objects(network.Network(209), "10.209.0.1")}
    assert made["Service"]["spec"]["clusterIP"] == "10.209.32.10"
    assert "selector" not in made["Service"]["spec"]
    assert made["EndpointSlice"]["endpoints"][0]["addresses"] == ["10.209.0.1"]
    ports = {port["name"] for port in made["Service"]["spec"]["ports"]}
    assert {port["name"] for port in made["EndpointSlice"]["ports"]} == ports
