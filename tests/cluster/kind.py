"""A cluster of kind, where Docker and a registry are there."""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from tests.cluster import images, preparation, programs
from tests.cluster.cluster import Description
from tests.cluster.errors import ClusterError
from tests.cluster.images import Source
from tests.cluster.paths import cache_dir, state_dir
from tests.cluster.progress import Progress
from tests.cluster.shell import follow, run

NAME = "trading-operator"


def config(count: int) -> str:
    """Return kind's settings: workers that tests can drain, and the local cluster's patience with lost nodes."""
    patch = (
        "kind: ClusterConfiguration\n"
        "controllerManager:\n  extraArgs:\n"
        '    node-monitor-grace-period: "20s"\n    node-monitor-period: "2s"\n'
        '    kube-api-qps: "500"\n    kube-api-burst: "1000"\n'
    )
    nodes = [{"role": "control-plane", "kubeadmConfigPatches": [patch]}, *({"role": "worker"} for _ in range(count))]
    return json.dumps({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes})


def gateway(inspection: str) -> str:
    """Return the IPv4 gateway of a Docker network: the machine, as its containers see it."""
    for entry in json.loads(inspection)[0]["IPAM"]["Config"]:
        address = entry.get("Gateway", "")
        if address and ipaddress.ip_address(address).version == 4:
            return str(address)
    raise ClusterError("Docker's network `kind` has no IPv4 gateway: pods could not reach servers on this machine")


def wait_for_nodes(kubeconfig: Path) -> None:
    """Wait until all nodes are ready, with our own kubectl: the machine may have none."""
    kubectl = programs.kubectl_folder() / "kubectl"
    wait = ["wait", "node", "--all", "--for=condition=Ready", "--timeout=120s"]
    run([kubectl, "--kubeconfig", kubeconfig, *wait], timeout=130)


class Kind:
    """Kubernetes in Docker."""

    def start(self, description: Description, count: int, progress: Progress) -> Description:
        """Create the cluster; kind waits for its control plane."""
        with progress.stage("kind cluster") as stage:
            settings = state_dir() / "kind.json"
            settings.write_text(config(count), encoding="utf-8")
            command = ["kind", "create", "cluster", "--name", NAME, "--kubeconfig", str(self.kubeconfig())]
            log = cache_dir() / "logs" / "kind.log"
            follow([*command, "--config", str(settings), "--wait", "120s"], stage.say, log=log)
            stage.say("waiting for nodes")
            wait_for_nodes(self.kubeconfig())
        names = run(["kind", "get", "nodes", "--name", NAME]).split()
        workers = tuple(sorted(name for name in names if "worker" in name))
        address = gateway(run(["docker", "network", "inspect", "kind"]))
        return replace(description, nodes=workers, service_address=address)

    def stop(self, _: Description | None) -> None:
        """Delete the cluster; kind does nothing when there is none."""
        run(["kind", "delete", "cluster", "--name", NAME, "--kubeconfig", self.kubeconfig()])

    def alive(self, description: Description) -> str:
        """Ask Docker for the nodes' containers."""
        up = set(run(["docker", "ps", "--format", "{{.Names}}"]).split())
        dead = [node for node in (*description.nodes, f"{NAME}-control-plane") if node not in up]
        return f"not running: {', '.join(dead)}" if dead else ""

    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""
        return state_dir() / "kind.kubeconfig"

    def audit_log(self) -> None:
        """It would be inside of a container."""

    def prepare(self, out: TextIO | None) -> None:
        """Fetch what runs beside the cluster; Docker fetches the rest."""
        preparation.prepare(preparation.TOOLS, out)

    def build(self, sources: tuple[Source, ...], progress: Progress | None) -> None:
        """Build with Docker."""
        images.build_with_docker(sources, progress)

    def load(self, _: Description, names: Sequence[str]) -> None:
        """Copy the images into the nodes; kind skips those that they have."""
        run(["kind", "load", "docker-image", "--name", NAME, *names], timeout=600)

    def pin(self, description: Description, name: str) -> str:
        """Name the image by its digest in each node; Docker's own digest is another one."""
        digest = ""
        for node in description.nodes:
            ctr = ["docker", "exec", node, "ctr", "--namespace", "k8s.io", "images"]
            rows = [text.split() for text in run([*ctr, "list", f"name=={name}"]).splitlines()[1:]]
            if not rows:
                raise ClusterError(f"{node} has no {name}: load it first")
            digest = rows[0][2]
            run([*ctr, "tag", "--force", name, f"{name.rpartition(':')[0]}@{digest}"])
        return f"{name}@{digest}"

    def freeze(self, node: str, *, frozen: bool) -> None:
        """Stop the kubelet inside the node's container, or let it go on."""
        number = "SIGSTOP" if frozen else "SIGCONT"
        run(["docker", "exec", node, "systemctl", "kill", f"--signal={number}", "kubelet"])

    def leftovers(self) -> list[str]:
        """Name containers that are still there."""
        label = f"label=io.x-k8s.kind.cluster={NAME}"
        names = run(["docker", "ps", "--all", "--filter", label, "--format", "{{.Names}}"])
        return [f"container {name}" for name in names.split()]
