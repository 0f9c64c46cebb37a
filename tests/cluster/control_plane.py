"""Command lines of etcd and the control plane, as pure functions, and the files that they need."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import kubeconfig
from tests.cluster.pki import Authority, new_key_pem

CLIENT_SOCKET = "unix://localhost:1"
"""etcd makes a socket of this name in its working folder: no port to collide with, nobody else to reach it."""
PEER_SOCKET = "unix://localhost:2"


@dataclass(frozen=True)
class ControlPlane:
    """Where a control plane listens and keeps its files."""

    folder: Path
    address: str
    port: int
    service_cidr: str
    service_ip: str
    """The API server's own address in the service network."""
    pod_cidr: str = "10.0.0.0/8"

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.address}:{self.port}"

    @property
    def tls(self) -> Path:
        """The certificates' folder."""
        return self.folder / "tls"

    @property
    def audit_log(self) -> Path:
        """What pods have written to the API, one JSON event a line."""
        return self.folder / "audit.log"

    @property
    def audit_policy(self) -> Path:
        """What is logged there."""
        return self.folder / "audit-policy.json"

    def config(self, user: str) -> Path:
        """Return the kubeconfig of one of `USERS`."""
        return self.folder / f"{user}.kubeconfig"


USERS: dict[str, tuple[str, str | None]] = {
    "admin": ("trading-operator-admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", None),
    "scheduler": ("system:kube-scheduler", None),
    "proxy": ("system:kube-proxy", None),
    "dns": ("system:coredns", None),
}


AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "None"},
    ],
}
"""Writes of pods' accounts, but for the cluster's own."""


def write_files(plane: ControlPlane, authority: Authority) -> None:
    """Write what the API server reads."""
    _write_identities(plane, authority)
    plane.audit_policy.write_text(json.dumps(AUDIT_POLICY), encoding="utf-8")


def _write_identities(plane: ControlPlane, authority: Authority) -> None:
    """Write the certificates, the token key and a kubeconfig for each user of `USERS`."""
    plane.tls.mkdir(parents=True, exist_ok=True)
    (plane.tls / "ca.crt").write_bytes(authority.pem)
    hosts = [
        "127.0.0.1",
        "localhost",
        plane.address,
        plane.service_ip,
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ]
    authority.server("kube-apiserver", dict.fromkeys(hosts)).write(plane.tls, "apiserver")
    authority.client("kube-apiserver-kubelet-client", "system:masters").write(plane.tls, "kubelet-client")
    key = plane.tls / "service-accounts.key"
    key.touch(mode=0o600)
    key.write_bytes(new_key_pem())
    for user, (common, group) in USERS.items():
        pair = authority.client(common, group)
        kubeconfig.write(plane.config(user), kubeconfig.kubeconfig(plane.server, authority.pem, pair))


def etcd(kube: Path, data: Path) -> Sequence[str]:
    """Return etcd on unix sockets in its working folder; `data` belongs in memory, where syncing is free."""
    return [
        str(kube),
        "etcd",
        f"--data-dir={data}",
        f"--listen-client-urls={CLIENT_SOCKET}",
        f"--advertise-client-urls={CLIENT_SOCKET}",
        f"--listen-peer-urls={PEER_SOCKET}",
        f"--initial-advertise-peer-urls={PEER_SOCKET}",
        f"--initial-cluster=default={PEER_SOCKET}",
        "--auto-compaction-mode=periodic",
        "--auto-compaction-retention=10m",
        "--quota-backend-bytes=4294967296",
    ]


def apiserver(kube: Path, plane: ControlPlane) -> Sequence[str]:
    """Return the API server with TLS and RBAC; admission as Kubernetes has it by default."""
    return [
        str(kube),
        "kube-apiserver",
        f"--etcd-servers={CLIENT_SOCKET}",
        f"--bind-address={plane.address}",
        f"--advertise-address={plane.address}",
        f"--secure-port={plane.port}",
        f"--client-ca-file={plane.tls}/ca.crt",
        f"--tls-cert-file={plane.tls}/apiserver.crt",
        f"--tls-private-key-file={plane.tls}/apiserver.key",
        f"--kubelet-certificate-authority={plane.tls}/ca.crt",
        f"--kubelet-client-certificate={plane.tls}/kubelet-client.crt",
        f"--kubelet-client-key={plane.tls}/kubelet-client.key",
        # Hostnames of the nodes exist nowhere but in the API: logs and exec must go to the address.
        "--kubelet-preferred-address-types=InternalIP",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--service-cluster-ip-range={plane.service_cidr}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={plane.tls}/service-accounts.key",
        f"--service-account-signing-key-file={plane.tls}/service-accounts.key",
        # Tests are bursts from one user; fairness between users would only add waiting.
        "--enable-priority-and-fairness=false",
        "--max-requests-inflight=2000",
        "--max-mutating-requests-inflight=1000",
        # Gone at once: the machine's processes are stopped together, nobody drains.
        "--shutdown-delay-duration=0s",
        # A loopback address is refused as the endpoint of the Service `kubernetes`; without nodes nobody needs it.
        f"--endpoint-reconciler-type={'none' if plane.address.startswith('127.') else 'lease'}",
        f"--audit-policy-file={plane.audit_policy}",
        f"--audit-log-path={plane.audit_log}",
        "--profiling=false",
    ]


def controller_manager(kube: Path, plane: ControlPlane) -> Sequence[str]:
    """Return the controllers, with client limits that do not become the bottleneck of 1,000 pods."""
    return [
        str(kube),
        "kube-controller-manager",
        f"--kubeconfig={plane.config('controller-manager')}",
        f"--authentication-kubeconfig={plane.config('controller-manager')}",
        f"--authorization-kubeconfig={plane.config('controller-manager')}",
        f"--root-ca-file={plane.tls}/ca.crt",
        f"--service-account-private-key-file={plane.tls}/service-accounts.key",
        f"--bind-address={plane.address}",
        "--leader-elect=false",
        # Each controller as its own user: the common one has few rights of its own, and one client limit for all.
        "--use-service-account-credentials=true",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--concurrent-statefulset-syncs=20",
        "--concurrent-gc-syncs=40",
        "--concurrent-namespace-syncs=20",
        # A partition test waits for this; the default is 50 s.
        "--node-monitor-grace-period=20s",
        "--node-monitor-period=2s",
        "--allocate-node-cidrs=false",
        f"--cluster-cidr={plane.pod_cidr}",
        "--profiling=false",
    ]


def scheduler(kube: Path, plane: ControlPlane) -> Sequence[str]:
    """Return the scheduler, unthrottled."""
    return [
        str(kube),
        "kube-scheduler",
        f"--kubeconfig={plane.config('scheduler')}",
        f"--authentication-kubeconfig={plane.config('scheduler')}",
        f"--authorization-kubeconfig={plane.config('scheduler')}",
        f"--bind-address={plane.address}",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--profiling=false",
    ]
