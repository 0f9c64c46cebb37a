"""Working on a node's containerd from outside: its images, and clearing away what pods left."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.images import layout
from tests.cluster.node import Node
from tests.cluster.oci import Image
from tests.cluster.shell import run


def ctr(node: Node, *arguments: str | Path, timeout: float = 300) -> str:
    """Run containerd's own client in the namespace where Kubernetes keeps its containers."""
    return run(["ctr", "--address", node.socket, "--namespace", "k8s.io", *arguments], timeout=timeout)


def digests(node: Node) -> dict[str, str]:
    """Return the node's images by name."""
    rows = [text.split() for text in ctr(node, "images", "list").splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > 2}


def load(node: Node, images: Sequence[Image]) -> list[str]:
    """Give the node the images that it lacks, sending only the layers that it lacks; return their names."""
    there = digests(node)
    wanted = [image for image in images if there.get(image.name) != image.digest]
    if not wanted:
        return []
    content = node.store / "io.containerd.content.v1.content/blobs"

    def has(digest: str) -> bool:
        return (content / digest.replace(":", "/")).exists()

    with tempfile.TemporaryDirectory(prefix="trading-import-", dir=node.data) as folder:
        archive = Path(folder) / "images.tar"
        layout().archive(wanted, archive, has)
        # A filter on the platform would ask for layers of others, which the archive does not have.
        ctr(node, "images", "import", "--local", archive) if _has_local(node) else ctr(node, "images", "import", archive)
    return [image.name for image in wanted]


def _has_local(node: Node) -> bool:
    # containerd 1.7 and newer unpack in the daemon through a newer service unless told not to.
    return "--local" in run(["ctr", "images", "import", "--help"])


def clear(node: Node) -> None:
    """Remove every container, so that the store holds images and nothing else; its processes must be gone."""
    tasks = ctr(node, "tasks", "list", "--quiet").split()
    if tasks:
        ctr(node, "tasks", "delete", "--force", *tasks)
    containers = ctr(node, "containers", "list", "--quiet").split()
    if containers:
        ctr(node, "containers", "delete", *containers)
    if ctr(node, "containers", "list", "--quiet").split():
        raise ClusterError(f"containers of {node.name} stay")


def container_ids(node: Node) -> list[str]:
    """Return the ids of the node's containers, sandboxes included."""
    return ctr(node, "containers", "list", "--quiet").split()


def describe(node: Node) -> str:
    """Return the node's images as one line of JSON, for a bug report."""
    return json.dumps(digests(node), sort_keys=True)
