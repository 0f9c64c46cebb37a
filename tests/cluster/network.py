"""The cluster's addresses, and the one link that carries those of its nodes."""

import ipaddress
import json
import shlex
import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from tests.cluster.errors import ClusterError
from tests.cluster.shell import run, succeeds

LINK = "toc-nodes"
_COMMENT = "trading-operator-cluster"
DOMAIN = "cluster.local"
_CANDIDATES = (209, 219, 229, 239, 199, 189)


@dataclass(frozen=True)
class Network:
    """A /16 of 10.0.0.0/8, cut into nodes, pods and services."""

    second: int

    @property
    def whole(self) -> str:
        """Everything that the cluster uses."""
        return f"10.{self.second}.0.0/16"

    @property
    def services(self) -> str:
        """Addresses that only kube-proxy knows."""
        return f"10.{self.second}.32.0/20"

    @property
    def pods(self) -> str:
        """The pods of all nodes."""
        return f"10.{self.second}.16.0/20"

    @property
    def api_service(self) -> str:
        """The Service `kubernetes`."""
        return f"10.{self.second}.32.1"

    @property
    def dns_service(self) -> str:
        """The Service `kube-dns`."""
        return f"10.{self.second}.32.10"

    def node(self, number: int) -> str:
        """Return the address of a node; the first is 1."""
        return f"10.{self.second}.0.{number}"

    def node_pods(self, number: int) -> str:
        """Return the range of a node's pods."""
        return f"10.{self.second}.{15 + number}.0/24"


def choose(taken: Iterable[str]) -> Network:
    """Return the first candidate that overlaps nothing that the machine routes or has."""
    networks = [ipaddress.ip_network(text, strict=False) for text in taken]
    for second in _CANDIDATES:
        network = Network(second)
        if not any(other.overlaps(ipaddress.ip_network(network.whole)) for other in networks if other.version == 4):
            return network
    raise ClusterError(
        "every address range of the local cluster is in use on this machine: "
        + ", ".join(Network(second).whole for second in _CANDIDATES)
    )


def taken() -> list[str]:
    """Return the machine's own networks, the default route and our link left out."""
    routes = json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]) or "[]")
    return [
        route["dst"]
        for route in routes
        if route.get("dev") != LINK and route["dst"] != "default" and route.get("type") != "broadcast"
    ]


def create_link(network: Network, nodes: int) -> None:
    """Make the link with the nodes' addresses: a loopback address cannot be a node's, and no kernel lacks bridges."""
    run(["ip", "link", "add", LINK, "type", "bridge"])
    for number in range(1, nodes + 1):
        run(["ip", "address", "add", f"{network.node(number)}/32", "dev", LINK])
    run(["ip", "link", "set", LINK, "up"])


def remove_link() -> None:
    """Remove the link if it is there."""
    if succeeds(["ip", "link", "show", LINK]):
        run(["ip", "link", "delete", LINK])


def open_forwarding(network: Network) -> None:
    """Let pods reach each other where the machine forwards nothing by default, as Docker arranges it."""
    if shutil.which("iptables") and "-P FORWARD DROP" in run(["iptables", "-S", "FORWARD"]):
        rule = ["-s", network.whole, "-d", network.whole, "-m", "comment", "--comment", _COMMENT, "-j", "ACCEPT"]
        run(["iptables", "-I", "FORWARD", *rule])


def _forwarding_rules() -> list[list[str]]:
    if not shutil.which("iptables"):
        return []
    rules = [shlex.split(text) for text in run(["iptables", "-S", "FORWARD"]).splitlines()]
    return [rule[1:] for rule in rules if _COMMENT in rule]


def close_forwarding() -> None:
    """Remove our exceptions again."""
    for rule in _forwarding_rules():
        run(["iptables", "-D", *rule])


def remove_proxy_rules() -> None:
    """Remove the tables that kube-proxy leaves behind when it is stopped."""
    for family in ("ip", "ip6"):
        if succeeds(["nft", "list", "table", family, "kube-proxy"]):
            run(["nft", "delete", "table", family, "kube-proxy"])


def leftovers() -> list[str]:
    """Name what is still there of the cluster's network."""
    found = [f"link {LINK}"] if succeeds(["ip", "link", "show", LINK]) else []
    found += [f"iptables {' '.join(rule)}" for rule in _forwarding_rules()]
    found += [f"nft table {f} kube-proxy" for f in ("ip", "ip6") if succeeds(["nft", "list", "table", f, "kube-proxy"])]
    return found
