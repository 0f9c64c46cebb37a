"""Working on a node's containerd from outside: its images, and clearing away what pods left."""

import functools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.images import layout, store_lock
from tests.cluster.node import Node
from tests.cluster.oci import Image
from tests.cluster.shell import run
from tests.waiting import eventually


def ctr(node: Node, *arguments: str | Path, timeout: float = 300) -> str:
    """Run containerd's own client in the namespace where Kubernetes keeps its containers."""
    return run(["ctr", "--address", node.socket, "--namespace", "k8s.io", *arguments], timeout=timeout)


def digests(node: Node) -> dict[str, str]:
    """Return the node's images by name."""
    rows = [text.split() for text in ctr(node, "images", "list").splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > 2}


def pinned(name: str, digest: str) -> str:
    """Return the name by which Kubernetes finds an image that is asked for with tag and digest: it drops the tag."""
    return f"{name.rpartition(':')[0]}@{digest}"


def pin(node: Node, name: str, digest: str) -> None:
    """Give an image of the node a name with its digest as well, and take that from those that it replaced."""
    wanted = pinned(name, digest)
    there = digests(node)
    if there.get(name) != digest:
        raise ClusterError(f"{node.name} has no {name} of digest {digest}: load it first")
    if wanted not in there:
        ctr(node, "images", "tag", name, wanted)
    if stale := [other for other in there if other.startswith(pinned(name, "")) and other != wanted]:
        ctr(node, "images", "remove", *stale)


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
        with store_lock():
            # By name: one may have been replaced since we were called.
            newest = [layout().image(image.name) for image in wanted]
            layout().archive([image for image in newest if image is not None], archive, has)
        ctr(node, "images", "import", *_import_options(), archive)
    if replaced := forgotten(digests(node)):
        ctr(node, "images", "remove", *replaced)
    return [image.name for image in wanted]


def forgotten(there: Mapping[str, str]) -> list[str]:
    """Return the entries that keep a replaced image on the node.

    Kubernetes has each image a second time, under the hash of its settings, and that one stays when the name moves on.
    """
    named = {digest for name, digest in there.items() if not name.startswith("sha256:")}
    return [name for name, digest in there.items() if digest not in named]


@functools.cache
def _import_options() -> tuple[str, ...]:
    # Newer versions of the client leave unpacking to a service that wants every layer in the archive.
    return ("--local",) if "--local" in run(["ctr", "images", "import", "--help"]) else ()


def clear(node: Node, seconds: float = 10) -> None:
    """Remove every container, so that the store holds images and nothing else; its processes must be gone."""
    eventually(
        lambda: _clear_once(node), f"containers of {node.name} removed", within=seconds, failure=ClusterError, every=0.1
    )


def _clear_once(node: Node) -> bool:
    containers = ctr(node, "containers", "list", "--quiet").split()
    try:
        # containerd removes the tasks itself as it sees them end; we help where it missed one, and it may be faster.
        if tasks := ctr(node, "tasks", "list", "--quiet").split():
            ctr(node, "tasks", "delete", "--force", *tasks)
        if containers:
            ctr(node, "containers", "delete", *containers)
    except ClusterError:
        return False
    return not containers
