"""The project's images: which there are, what goes into them, and building them when that has changed."""

import json
import platform
import re
import shutil
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import base_image, context, debian_tree, programs
from tests.cluster.buildah import Buildah, buildah, network_access
from tests.cluster.errors import ClusterError
from tests.cluster.oci import Image, Layout
from tests.cluster.packages import IMAGES, machine_has_docker, require_packages
from tests.cluster.paths import REPOSITORY, cache_dir
from tests.cluster.progress import Progress, Stage
from tests.cluster.recipe import Recipe, hash_files, locked
from tests.cluster.shell import follow

PAUSE = "localhost/pause:dev"
_GCSFUSE_BUILDER = "localhost/gcsfuse-builder:dev"


@dataclass(frozen=True)
class Source:
    """An image that a Dockerfile makes; the build context is the repository's root."""

    name: str
    dockerfile: Path
    root: Path = REPOSITORY

    @property
    def title(self) -> str:
        """The name's last part."""
        return self.name.rpartition("/")[2].partition(":")[0]


OPERATOR = Source("localhost/trading-operator:dev", REPOSITORY / "operator/Dockerfile")
NODE = Source("localhost/trading-node:dev", REPOSITORY / "node_image/Dockerfile")
GCSFUSE = Source("localhost/gcsfuse:dev", REPOSITORY / "node_image/gcsfuse/Dockerfile")
ALL = (GCSFUSE, OPERATOR, NODE)


def layout() -> Layout:
    """Return the store of the finished images; it outlives clusters."""
    return Layout(cache_dir() / "images")


def store_lock() -> AbstractContextManager[None]:
    """Keep others from changing the store; for moments, while a build may hold its own lock for minutes."""
    return locked(cache_dir() / "locks" / "image-store")


def fingerprint(source: Source) -> str:
    """Return the hash of everything that an image is made of, as far as this checkout decides it."""
    if not source.dockerfile.exists():
        raise ClusterError(f"there is no {source.dockerfile}")
    wanted = [source.dockerfile, *_inputs(source)]
    inputs = {"files": hash_files(source.root, wanted), "base": debian_tree.recipe().key}
    if source == GCSFUSE:
        inputs["gcsfuse"] = programs.all_components()["gcsfuse"].recipe.key
    return Recipe(source.title, "dev", inputs).key


def _inputs(source: Source) -> list[Path]:
    return context.files(source.root, context.sources(source.dockerfile.read_text(encoding="utf-8")))


def _notes() -> Path:
    return cache_dir() / "images.json"


def _read_notes() -> dict[str, str]:
    try:
        notes: dict[str, str] = json.loads(_notes().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes


def current(source: Source) -> bool:
    """Whether the image is there, made of exactly what the checkout holds now."""
    return _read_notes().get(source.name) == fingerprint(source) and layout().image(source.name) is not None


def build(sources: tuple[Source, ...] = ALL, progress: Progress | None = None) -> list[Image]:
    """Build the images whose inputs have changed and return them all."""
    # One at a time on a machine: two checkouts share the store and the names.
    with locked(cache_dir() / "locks" / "images"):
        stale = [source for source in sources if not current(source)]
        progress = progress or Progress()
        if stale:
            require_packages(IMAGES, progress)
            if GCSFUSE in stale:
                programs.gcsfuse(progress)
            layout().prepare()
        for source in stale:
            with progress.stage(f"image {source.title}") as stage:
                _build(source, stage)
        return [image for source in sources if (image := layout().image(source.name)) is not None]


def _build(source: Source, stage: Stage) -> None:
    key = fingerprint(source)
    arguments = {}
    log = cache_dir() / "logs" / f"image-{source.title}.log"
    log.unlink(missing_ok=True)
    with buildah() as tool, network_access() as mounts, tempfile.TemporaryDirectory(prefix="trading-image-") as name:
        base_image.base_image(tool, stage)
        if source == GCSFUSE:
            arguments["BUILDER"] = _gcsfuse_builder(tool)
        folder = Path(name)
        context.stage(source.root, [source.dockerfile, *_inputs(source)], folder)
        options = [word for key_, value in arguments.items() for word in ("--build-arg", f"{key_}={value}")]
        stage.say("building")
        tool.follow(
            "bud",
            "--pull-never",
            "--layers",
            "--tag",
            source.name,
            *mounts,
            *options,
            "--file",
            folder / source.dockerfile.relative_to(source.root),
            folder,
            log=log,
            on_line=lambda text: stage.say(step) if (step := step_text(text)) else None,
        )
        stage.say("storing")
        with store_lock():
            tool("push", source.name, f"oci:{layout().folder}:{source.name}")
            layout().prune()
        tool.tidy()
    _notes().write_text(json.dumps({**_read_notes(), source.name: key}, indent=1), encoding="utf-8")


def step_text(output: str) -> str:
    """Return what a line of buildah's output says of the step that begins; empty for any other line."""
    found = re.match(r"(?:\[(\d+/\d+)\] )?STEP (\d+/\d+): (.*)", output)
    if found is None:
        return ""
    part, step, instruction = found.groups()
    return f"step {step}{f' of part {part}' if part else ''}: {' '.join(instruction.split())[:60]}"


def _gcsfuse_builder(tool: Buildah) -> str:
    """Make the image that stands in for the Go toolchain's, holding the program that the cache has built already."""
    program = programs.gcsfuse()
    marked = f"localhost/gcsfuse-builder:{program.parent.name}"
    if tool.image_id(marked) is None:
        container = tool("from", "--pull-never", base_image.NAME)
        try:
            tool("copy", container, program, "/usr/local/bin/gcsfuse")
            tool("commit", container, marked)
        finally:
            tool("rm", container)
    tool("tag", marked, _GCSFUSE_BUILDER)
    return _GCSFUSE_BUILDER


def pause() -> Image:
    """Return the image of every pod's first container, made without any tool."""
    store = layout()
    with store_lock():
        store.prepare()
        program = programs.kube().parent / "pause"
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        return store.image(PAUSE) or store.add_program(PAUSE, program, architecture)


def build_with_docker(sources: tuple[Source, ...] = ALL, progress: Progress | None = None) -> None:
    """Build with Docker, from the same files; its own cache decides what has changed."""
    if not machine_has_docker():
        raise ClusterError("no Docker daemon answers")
    progress = progress or Progress(len(sources))
    for source in sources:
        log = cache_dir() / "logs" / f"image-{source.title}.log"
        with progress.stage(f"image {source.title}") as stage, tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            context.stage(source.root, [source.dockerfile, *_inputs(source)], folder)
            file = folder / source.dockerfile.relative_to(source.root)
            command = ["docker", "build", "--progress=plain", "--tag", source.name, "--file", str(file), name]
            follow(command, stage.say, log=log, env={"DOCKER_BUILDKIT": "1"})


def forget() -> None:
    """Delete every built image; the next build starts from the base image."""
    shutil.rmtree(layout().folder, ignore_errors=True)
    _notes().unlink(missing_ok=True)
