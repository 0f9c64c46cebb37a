"""The one cluster of this machine: bringing it up, finding it again, taking it down, and working with it."""

import datetime as dt
import getpass
import json
import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol, TextIO

from tests.cluster import process, programs
from tests.cluster.errors import ClusterError
from tests.cluster.images import ALL, Source
from tests.cluster.packages import docker_has_image, machine_has_docker
from tests.cluster.paths import REPOSITORY, cache_dir, data_dir, state_dir
from tests.cluster.progress import Progress
from tests.cluster.recipe import locked
from tests.cluster.shell import run

_BASE_IMAGE = "python:3.13-slim-trixie"


@dataclass(frozen=True)
class Description:
    """What is known of the cluster from outside its processes."""

    provider: str
    nodes: tuple[str, ...]
    service_address: str
    """Where pods reach servers that run on this machine."""
    user: str
    checkout: str
    started: str
    state: str = "starting"
    network: int = 0

    def save(self) -> None:
        """Write it whole or not at all."""
        path = _description_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        temporary.rename(path)


def parse_description(text: str) -> Description | None:
    """Return the description in a file's text; None when a crash left something else there."""
    try:
        data = json.loads(text)
        return Description(**{**data, "nodes": tuple(data["nodes"])})
    except (ValueError, TypeError, KeyError):
        return None


class Provider(Protocol):
    """A way to run a cluster."""

    def start(self, description: Description, count: int, progress: Progress) -> Description:
        """Start it and return its completed description; a failure may leave parts, which `stop` removes."""

    def stop(self, description: Description | None, /) -> None:
        """Remove everything of it, however little there is."""

    def alive(self, description: Description) -> str:
        """Return what is wrong with the running cluster; empty when nothing is."""

    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""

    def audit_log(self) -> Path | None:
        """Return the log of what pods write to the API, where there is one."""

    def prepare(self, out: TextIO | None, /) -> None:
        """Build and fetch what it and its images consist of, as far as that is made once."""

    def build(self, sources: tuple[Source, ...], progress: Progress | None) -> None:
        """Build the images that have changed."""

    def load(self, description: Description, names: Sequence[str], /) -> None:
        """Give the nodes the built images that they lack."""

    def pin(self, description: Description, name: str, /) -> str:
        """Let the nodes find a loaded image by its digest, and return the name with tag and digest."""

    def freeze(self, node: str, *, frozen: bool) -> None:
        """Stop a node's kubelet from running, or let it run on."""

    def leftovers(self) -> list[str]:
        """Name what is still on the machine."""


class Cluster:
    """A running cluster."""

    def __init__(self, description: Description, provider: Provider) -> None:
        self.description = description
        self._provider = provider

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._provider.kubeconfig()

    @property
    def audit_log(self) -> Path | None:
        """The API server's audit log of pods' writes, one JSON event a line; None where it is out of reach."""
        return self._provider.audit_log()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes."""
        return self.description.nodes

    @property
    def service_address(self) -> str:
        """Where pods reach servers that run on this machine."""
        return self.description.service_address

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, in which kubectl and helm are found and find the cluster."""
        path = f"{programs.kubectl_folder()}{os.pathsep}{os.environ.get('PATH', '')}"
        # helm must not read, nor write, what the person at this machine has configured.
        helm = {f"HELM_{part}_HOME": str(cache_dir() / "helm" / part.lower()) for part in ("CACHE", "CONFIG", "DATA")}
        return {**os.environ, **helm, "KUBECONFIG": str(self.kubeconfig), "PATH": path}

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl as the administrator and return what it printed."""
        program = programs.kubectl_folder() / "kubectl"
        return run([program, "--kubeconfig", self.kubeconfig, *arguments], stdin=stdin, timeout=timeout)

    def helm(self, *arguments: str, timeout: float = 300) -> str:
        """Run helm as the administrator and return what it printed."""
        return run([programs.kubectl_folder() / "helm", *arguments], env=self.environment, timeout=timeout)

    def images(self, sources: tuple[Source, ...] = ALL, progress: Progress | None = None) -> None:
        """Build the images that have changed since and give them to the nodes."""
        self._provider.build(sources, progress)
        self._provider.load(self.description, [source.name for source in sources])

    def pinned(self, source: Source) -> str:
        """Return a loaded image's name with its digest, as mode Live wants it."""
        return self._provider.pin(self.description, source.name)

    def partition(self, node: str) -> None:
        """Cut a node off: its kubelet stands still, its pods run on, and after 20 s the cluster gives it up."""
        self._provider.freeze(self._known(node), frozen=True)

    def heal(self, node: str) -> None:
        """Let a node that was cut off come back."""
        self._provider.freeze(self._known(node), frozen=False)

    def _known(self, node: str) -> str:
        if node not in self.nodes:
            raise ClusterError(f"there is no node {node}; there are: {', '.join(self.nodes)}")
        return node


def choose_provider(wish: str, *, docker: bool, kind: bool, base_image: bool) -> str:
    """Return `kind` or `local`: the wish if there is one, else kind where all that it needs is there."""
    if wish not in {"", "kind", "local"}:
        raise ClusterError(f"TRADING_CLUSTER={wish}: write kind or local, or leave it out")
    if wish:
        return wish
    return "kind" if docker and kind and base_image else "local"


def _provider(name: str) -> Provider:
    from tests.cluster.kind import Kind  # noqa: PLC0415 - each provider needs this module's types
    from tests.cluster.local_provider import Local  # noqa: PLC0415

    return Kind() if name == "kind" else Local()


def _find_provider() -> str:
    kind = shutil.which("kind") is not None
    docker = kind and machine_has_docker()
    # Images cannot be built, nor nodes be made, where Docker has no registry.
    pulls = docker and docker_has_image(_BASE_IMAGE)
    return choose_provider(os.environ.get("TRADING_CLUSTER", ""), docker=docker, kind=kind, base_image=pulls)


def _description_file() -> Path:
    return state_dir() / "cluster.json"


def describe() -> Description | None:
    """Return the description of the machine's cluster, whatever its state, or None."""
    try:
        return parse_description(_description_file().read_text(encoding="utf-8"))
    except OSError:
        return None


def trouble() -> str:
    """Return what is wrong with the machine's cluster; empty when it runs or when there is none."""
    description = describe()
    if description is None:
        return ""
    if description.state != "running":
        return f"it is {description.state}"
    return _provider(description.provider).alive(description)


def running() -> Cluster | None:
    """Return the machine's cluster if it runs."""
    description = describe()
    if description is None or trouble():
        return None
    return Cluster(description, _provider(description.provider))


def prepare(out: TextIO | None = None) -> None:
    """Build and fetch, once, everything that the machine's cluster and the images consist of; progress goes to `out`.

    All at once is faster than each part when it is needed: the processors compile while packages are fetched.
    """
    found = running()
    _provider(found.description.provider if found is not None else _find_provider()).prepare(out)


def up(count: int = 2, progress: Progress | None = None) -> Cluster:
    """Return the machine's cluster, started unless it runs; what an earlier one left behind is removed first.

    When the start fails or is interrupted nothing of it stays.
    """
    with locked(cache_dir() / "locks" / "cluster"):
        found = running()
        if found is not None:
            if len(found.nodes) < count:
                raise ClusterError(f"the running cluster has {len(found.nodes)} nodes: run `down` first to get {count}")
            return found
        name = _find_provider()
        provider = _provider(name)
        _remove()
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        description = Description(name, (), "", _user(), str(REPOSITORY), now)
        description.save()
        try:
            complete = provider.start(description, count, progress or Progress())
            replace(complete, state="running").save()
        except BaseException:
            _remove()
            raise
        return Cluster(replace(complete, state="running"), provider)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A user id without a name.
        return str(os.geteuid())


def down() -> None:
    """Stop the machine's cluster and remove what it, or a crashed one, left; without one, do nothing."""
    with locked(cache_dir() / "locks" / "cluster"):
        _remove()


def _remove() -> None:
    description = describe()
    names = {description.provider} if description is not None else {"local"}
    for name in names:
        _provider(name).stop(description)
    records = state_dir() / "processes"
    for record in process.load(records):
        process.stop(record, records=records)
    shutil.rmtree(data_dir(), ignore_errors=True)
    shutil.rmtree(state_dir(), ignore_errors=True)


def leftovers() -> list[str]:
    """Name everything of a cluster that is still on the machine; empty after `down`."""
    description = describe()
    return _provider(description.provider if description is not None else "local").leftovers()


def build_images(sources: tuple[Source, ...] = ALL, progress: Progress | None = None) -> None:
    """Build the images that have changed, with or without a running cluster; a running one gets them."""
    found = running()
    if found is not None:
        found.images(sources, progress)
    else:
        _provider(_find_provider()).build(sources, progress)


def exports(cluster: Cluster) -> str:
    """Return the lines that a shell evaluates to work with the cluster."""
    folder = shlex.quote(str(programs.kubectl_folder()))
    return f'export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}\nexport PATH={folder}:"$PATH"'
