"""Everything that is built once, in two lanes: the compiler keeps the cores busy while packages are fetched."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TextIO

from tests.cluster import debian_tree, programs, shell
from tests.cluster.buildah import is_root
from tests.cluster.packages import CLUSTER, IMAGES, missing, require_packages
from tests.cluster.progress import Progress
from tests.cluster.recipe import built


@dataclass(frozen=True)
class Parts:
    """What is wanted, or of that, what is not there yet."""

    packages: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ()
    fetched: tuple[str, ...] = ()
    base: bool = False
    """Whether the base image's tree belongs to it."""

    @property
    def stages(self) -> int:
        """How many stages it takes to get them."""
        return bool(self.packages) + len(self.compiled) + len(self.fetched) + self.base


TOOLS = Parts(fetched=("kubectl-helm", "fake-gcs"))
"""What also a cluster of kind's needs of us."""
EVERYTHING = Parts((*CLUSTER, *IMAGES), ("kube", "gcsfuse"), TOOLS.fetched, base=True)


def lacking(wanted: Parts) -> Parts:
    """Return what is not there yet. Only root can make the base image, and nobody else builds images from it."""
    known = programs.all_components()
    return Parts(
        packages=tuple(missing(wanted.packages)),
        compiled=tuple(name for name in wanted.compiled if not built(known[name].recipe)),
        fetched=tuple(name for name in wanted.fetched if not built(known[name].recipe)),
        base=wanted.base and is_root() and not built(debian_tree.recipe()),
    )


def prepare(wanted: Parts, out: TextIO | None = None) -> None:
    """Build and fetch what the machine lacks; the first failure, or an interrupt, ends both lanes."""
    parts = lacking(wanted)
    progress = Progress(parts.stages, out=out)
    if parts.compiled:
        progress.write("Kubernetes and its tools are compiled once for this user: some 15 minutes on two processors")
    require_packages(parts.packages, progress)
    in_lanes([lambda: _obtain(parts.compiled, progress), lambda: _fetch(parts, progress)])


def in_lanes(lanes: Sequence[Callable[[], None]]) -> None:
    """Run all at once; the first failure, or an interrupt, ends what the others follow and is raised."""
    with ThreadPoolExecutor(len(lanes)) as pool:
        futures = [pool.submit(lane) for lane in lanes]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            shell.abort()
            raise


def _obtain(names: tuple[str, ...], progress: Progress) -> None:
    known = programs.all_components()
    for name in names:
        known[name].obtain(progress)


def _fetch(parts: Parts, progress: Progress) -> None:
    _obtain(parts.fetched, progress)
    if parts.base:
        with progress.stage("base image") as stage:
            debian_tree.tree(stage)
