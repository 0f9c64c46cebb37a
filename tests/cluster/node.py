"""A node: a containerd and a kubelet in a mount namespace of their own.

The namespace is what makes several nodes possible on one machine (each sees its own /var/lib/kubelet), lets
Bidirectional mounts work without changing the machine's mounts, and takes every mount away with the last process.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.control_plane import ControlPlane
from tests.cluster.images import PAUSE
from tests.cluster.network import DOMAIN, Network

# What containerd and the kubelet use by fixed names, and two of them on one machine must not share.
PRIVATE_FOLDERS = ("/run/containerd", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods")


@dataclass(frozen=True)
class Node:
    """One node's names, addresses and folders."""

    number: int
    network: Network
    state: Path
    """Sockets and settings; gone after `down`."""
    data: Path
    """Images and volumes, on a disk; the images stay."""

    @property
    def name(self) -> str:
        """The node's name in the API."""
        return f"node-{self.number}"

    @property
    def address(self) -> str:
        """The node's address; services for pods listen on the first node's."""
        return self.network.node(self.number)

    @property
    def socket(self) -> Path:
        """The containerd socket, as seen from outside the namespace too."""
        return self.state / "containerd.sock"

    @property
    def store(self) -> Path:
        """Containerd's root: images and snapshots."""
        return self.data / "containerd"

    @property
    def clean_mark(self) -> Path:
        """Exists while the store is known to hold images and nothing else."""
        return self.data / "clean"

    def private(self, folder: str) -> Path:
        """Return what the node sees at one of `PRIVATE_FOLDERS`."""
        return self.data / "private" / folder.strip("/").replace("/", "-")


def containerd_config(node: Node, cni: Path) -> str:
    """Return containerd's settings: local images only, and nothing outside the node's folders."""
    return f"""version = 2
root = "{node.store}"
state = "{node.state}/containerd"
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]

[grpc]
  address = "{node.socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # In a sandbox that may not lower oom_score_adj, no container would start otherwise.
  restrict_oom_score_adj = true
  # The name spaces of pods are mounts too: where the node's mounts are, they go away with them.
  netns_mounts_under_state_dir = true
  tolerate_missing_hugetlb_controller = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "{node.state}/cni"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{node.state}/registries"
"""


def no_registry() -> str:
    """Return settings that refuse every pull at once: a test of a missing image must not wait for a name server."""
    return 'server = "http://127.0.0.1:1"\n\n[host."http://127.0.0.1:1"]\n  capabilities = ["pull", "resolve"]\n'


def cni_config(node: Node) -> str:
    """Return the pods' network: one routed pair of links each, so that service addresses work between neighbours."""
    ipam = {
        "type": "host-local",
        "dataDir": f"{node.state}/addresses",
        "ranges": [[{"subnet": node.network.node_pods(node.number)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugin = {"type": "ptp", "ipMasq": False, "mtu": 1400, "ipam": ipam}
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [plugin]}, indent=1)


def kubelet_config(node: Node, plane: ControlPlane, cgroup: str) -> dict[str, Any]:
    """Return the kubelet's settings, tuned for short tests on a small machine with cgroups of either version."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "healthzBindAddress": node.address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{plane.tls}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{plane.tls}/{node.name}.crt",
        "tlsPrivateKeyFile": f"{plane.tls}/{node.name}.key",
        "containerRuntimeEndpoint": f"unix://{node.socket}",
        "clusterDNS": [node.network.dns_service],
        "clusterDomain": DOMAIN,
        "resolvConf": f"{node.state}/resolv.conf",
        "failSwapOn": False,
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup,
        "enforceNodeAllocatable": [],
        "makeIPTablesUtilChains": False,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "maxPods": 200,
        "serializeImagePulls": False,
        "nodeStatusUpdateFrequency": "4s",
        "nodeLeaseDurationSeconds": 12,
        "syncFrequency": "10s",
        "volumeStatsAggPeriod": "0s",
        "eventRecordQPS": 0,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "registryPullQPS": 0,
        "shutdownGracePeriod": "0s",
        "volumePluginDir": f"{node.state}/volume-plugins",
    }


def entry_script(node: Node) -> str:
    """Return the shell script that makes the node's view of the file system and becomes containerd in it."""
    binds = [f"mount --bind '{node.private(folder)}' '{folder}'" for folder in PRIVATE_FOLDERS]
    # Shared among the node's own processes and containers; the machine is above it as a master that hears nothing.
    return "\n".join(["set -e", *binds, "mount --make-rshared /", 'exec "$@"'])


def containerd(node: Node) -> list[str]:
    """Return containerd's command."""
    return ["containerd", "--config", f"{node.state}/containerd.toml"]


def kubelet(kube: Path, node: Node, plane: ControlPlane) -> list[str]:
    """Return the kubelet's command."""
    return [
        str(kube),
        "kubelet",
        f"--config={node.state}/kubelet.json",
        f"--kubeconfig={plane.folder}/{node.name}.kubeconfig",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
    ]


def proxy(kube: Path, node: Node, plane: ControlPlane) -> list[str]:
    """Return kube-proxy's command; one serves all nodes, because they share the machine's network."""
    return [
        str(kube),
        "kube-proxy",
        f"--kubeconfig={plane.config('proxy')}",
        f"--hostname-override={node.name}",
        # The machine's own iptables rules stay untouched.
        "--proxy-mode=nftables",
        f"--bind-address={node.address}",
        f"--healthz-bind-address={node.address}:10256",
        f"--metrics-bind-address={node.address}:10249",
        # The machine's limits are not ours to set.
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
    ]
