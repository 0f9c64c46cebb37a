"""The local cluster behind the common interface."""

import os
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from tests.cluster import containers, images, local, preparation, process
from tests.cluster.cluster import Description
from tests.cluster.errors import ClusterError
from tests.cluster.images import Source
from tests.cluster.network import Network
from tests.cluster.paths import state_dir
from tests.cluster.progress import Progress


class Local:
    """Kubernetes as processes of this machine."""

    def start(self, description: Description, count: int, progress: Progress) -> Description:
        """Start it; needs root."""
        layout = local.start(count, progress)
        names = tuple(node.name for node in layout.nodes)
        address = layout.network.node(1)
        return replace(description, nodes=names, service_address=address, network=layout.network.second)

    def stop(self, description: Description | None) -> None:
        """Stop it; a user without root can have none."""
        if os.geteuid() == 0:
            local.stop(len(description.nodes) if description is not None else 0)

    def alive(self, description: Description) -> str:
        """Look at the processes' records."""
        records = {record.name: record for record in process.load(local.records_dir())}
        wanted = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns"]
        wanted += [f"{program}-{node}" for program in ("containerd", "kubelet") for node in description.nodes]
        dead = [name for name in wanted if name not in records or not process.alive(records[name])]
        return f"not running: {', '.join(dead)}" if dead else ""

    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""
        return state_dir() / "control-plane" / "admin.kubeconfig"

    def audit_log(self) -> Path:
        """Return the API server's file."""
        return state_dir() / "control-plane" / "audit.log"

    def prepare(self, out: TextIO | None) -> None:
        """Compile and fetch programs and the base image."""
        local.check_machine()
        preparation.prepare(preparation.EVERYTHING, out)

    def build(self, sources: tuple[Source, ...], progress: Progress | None) -> None:
        """Build with buildah."""
        local.check_machine()
        images.build(sources, progress)

    def load(self, description: Description, names: Sequence[str]) -> None:
        """Import into each node's containerd what it lacks."""
        found = [images.layout().image(name) for name in names]
        missing = [name for name, image in zip(names, found, strict=True) if image is None]
        if missing:
            raise ClusterError(f"not built: {', '.join(missing)}")
        wanted = [image for image in found if image is not None]
        nodes = local.Layout(Network(description.network), len(description.nodes)).nodes
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: containers.load(node, wanted), nodes))

    def pin(self, description: Description, name: str) -> str:
        """Name the image by its digest in each node's containerd."""
        image = images.layout().image(name)
        if image is None:
            raise ClusterError(f"not built: {name}")
        for node in local.Layout(Network(description.network), len(description.nodes)).nodes:
            containers.pin(node, name, image.digest)
        return f"{name}@{image.digest}"

    def freeze(self, node: str, *, frozen: bool) -> None:
        """Stop the kubelet's process, or let it go on."""
        records = [record for record in process.load(local.records_dir()) if record.name == f"kubelet-{node}"]
        if not records:
            raise ClusterError(f"{node} has no kubelet")
        process.send(records[0], signal.SIGSTOP if frozen else signal.SIGCONT)

    def leftovers(self) -> list[str]:
        """Name processes, groups, links, tables, mounts and folders that are still there."""
        return local.leftovers()
