"""Everything that is built once, in two lanes: the compiler keeps the cores busy while packages are fetched."""

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from tests.cluster import debian_tree, programs, shell
from tests.cluster.buildah import is_root
from tests.cluster.packages import CLUSTER, IMAGES, require_packages
from tests.cluster.progress import Progress
from tests.cluster.recipe import built

_COMPILED = ("kube", "gcsfuse")
_FETCHED = ("kubectl-helm", "fake-gcs")


def prepare() -> None:
    """Build and fetch what the cache lacks; the first failure, or an interrupt, ends both lanes."""
    known = programs.all_components()
    wanted = [name for name in (*_COMPILED, *_FETCHED) if not built(known[name].recipe)]
    base = is_root() and not built(debian_tree.recipe())
    progress = Progress(len(wanted) + base)
    require_packages([*CLUSTER, *IMAGES], progress)
    lanes: list[Callable[[], None]] = [
        lambda: _obtain(_COMPILED, progress),
        lambda: _fetch(progress, base=base),
    ]
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


def _fetch(progress: Progress, *, base: bool) -> None:
    _obtain(_FETCHED, progress)
    if base:
        with progress.stage("base image") as stage:
            debian_tree.tree(stage)
