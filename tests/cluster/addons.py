"""What the cluster holds from the start: names (CoreDNS and its Service) and the rights to answer them."""

from pathlib import Path
from typing import Any

from tests.cluster.network import DOMAIN, Network

DNS_PORT = 5353


def corefile(address: str, kubeconfig: Path) -> str:
    """Return CoreDNS's settings: the cluster's names and nothing else, so that any other name fails at once."""
    return f"""{DOMAIN}:{DNS_PORT} in-addr.arpa:{DNS_PORT} {{
  bind {address}
  errors
  health {address}:8081
  ready {address}:8181
  kubernetes {DOMAIN} in-addr.arpa {{
    kubeconfig {kubeconfig}
    pods insecure
    ttl 5
  }}
  cache 5 {{
    denial 100 1
  }}
}}
"""


def objects(network: Network, address: str) -> list[dict[str, Any]]:
    """Return the objects that make CoreDNS, a process on the first node's address, the cluster's name server."""
    ports = [("dns", "UDP"), ("dns-tcp", "TCP")]
    labels = {"k8s-app": "kube-dns"}
    rule = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "system:coredns"},
            "rules": rule,
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "system:coredns"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:coredns"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:coredns"}],
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": labels},
            "spec": {
                "clusterIP": network.dns_service,
                "ports": [
                    {"name": name, "port": 53, "protocol": protocol, "targetPort": DNS_PORT} for name, protocol in ports
                ],
            },
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "kube-dns-node",
                "namespace": "kube-system",
                "labels": {"kubernetes.io/service-name": "kube-dns"},
            },
            "addressType": "IPv4",
            "ports": [{"name": name, "port": DNS_PORT, "protocol": protocol} for name, protocol in ports],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        },
    ]
