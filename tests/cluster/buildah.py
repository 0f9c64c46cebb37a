"""Building images without a Docker daemon: buildah, with a store of its own and the machine's pip settings."""

import configparser
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.paths import cache_dir
from tests.cluster.shell import follow, run

_CERTIFICATES = Path("/etc/ssl/certs")
# What tells pip where and how to fetch; the rest of the machine's settings is about the machine.
_PIP_OPTIONS = {"cert", "client-cert", "index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries"}


class Buildah:
    """Runs buildah on a store in the cache, inside a mount namespace that takes every mount away with it."""

    def __init__(self, run_root: Path) -> None:
        self._run_root = run_root

    def command(self, *arguments: str | Path) -> list[str | Path]:
        """Return the whole command line."""
        store = cache_dir() / "buildah"
        # Settings of the machine's own containers (search registries, policies) must not change our builds.
        options: list[str | Path] = ["--root", store, "--runroot", self._run_root, "--storage-driver", "overlay"]
        return ["unshare", "--mount", "--propagation", "private", "--", "buildah", *options, *arguments]

    def __call__(self, *arguments: str | Path, timeout: float = 600) -> str:
        """Run it and return what it printed."""
        return run(self.command(*arguments), env=_ENVIRONMENT, timeout=timeout).strip()

    def follow(self, *arguments: str | Path, log: Path, on_line: Callable[[str], None]) -> None:
        """Run it with its output handed on line by line."""
        follow(self.command(*arguments), on_line, log=log, env=_ENVIRONMENT)

    def image_id(self, name: str) -> str | None:
        """Return the id of a local image, or None."""
        found = self("images", "--all", "--no-trunc", "--format", "{{.Name}}:{{.Tag}} {{.ID}}")
        images = dict(text.split(" ", 1) for text in found.splitlines())
        return images.get(name)

    def tidy(self) -> None:
        """Throw the cached steps away when they have become many; the next builds make those that they need."""
        nameless = [text for text in self("images", "--all", "--format", "{{.Name}}").splitlines() if text == "<none>"]
        if len(nameless) > _CACHED_STEPS:
            self("rmi", "--prune", "--force")


_CACHED_STEPS = 150
_ENVIRONMENT = {"BUILDAH_ISOLATION": "chroot", "BUILDAH_FORMAT": "oci", "REGISTRY_AUTH_FILE": "/dev/null"}


@contextmanager
def buildah() -> Iterator[Buildah]:
    """Give a buildah for one task; what it notes about running mounts ends with the task."""
    with tempfile.TemporaryDirectory(prefix="trading-buildah-") as name:
        yield Buildah(Path(name))


@contextmanager
def network_access() -> Iterator[list[str]]:
    """Give the mounts with which pip inside a build fetches like pip on this machine; nothing of it stays inside."""
    with tempfile.TemporaryDirectory(prefix="trading-pip-") as name:
        listing = run([sys.executable, "-m", "pip", "config", "list"])
        settings = pip_settings(listing)
        config = Path(name) / "pip.conf"
        config.write_text(pip_config(settings), encoding="utf-8")
        mounts = [f"{config}:/etc/pip.conf:ro"]
        if _CERTIFICATES.is_dir():
            mounts.append(f"{_CERTIFICATES}:{_CERTIFICATES}:ro")
        for option in ("cert", "client-cert"):
            file = settings.get(option)
            if file and Path(file).exists() and _CERTIFICATES not in Path(file).parents:
                mounts.append(f"{file}:{file}:ro")
        yield [word for mount in mounts for word in ("--volume", mount)]


def pip_settings(listing: str) -> dict[str, str]:
    """Return the settings in the output of `pip config list` that a build needs; the environment's win, as in pip."""
    found: dict[str, str] = {}
    for text in sorted(listing.splitlines(), key=lambda line: line.startswith(":env:")):
        key, separator, value = text.partition("=")
        option = key.rpartition(".")[2]
        if separator and option in _PIP_OPTIONS:
            # pip prints the value as a Python literal and folds several addresses into lines of one string.
            found[option] = value.strip().strip("'\"").replace("\\n", " ")
    return found


def pip_config(settings: Mapping[str, str]) -> str:
    """Return a pip.conf with the settings."""
    parser = configparser.RawConfigParser()
    parser["global"] = dict(settings)
    out = io.StringIO()
    parser.write(out)
    return out.getvalue()


def free_of_mounts(command: Sequence[str | Path]) -> list[str | Path]:
    """Return the command in a mount namespace of its own: what it mounts goes when it goes, however it ends."""
    return ["unshare", "--mount", "--propagation", "private", "--", *command]


def remove_tree(path: Path) -> None:
    """Remove a tree that foreign tools wrote; another file system mounted inside is left alone."""
    if path.exists():
        subprocess.run(["rm", "-rf", "--one-file-system", str(path)], check=False)
    if path.exists():
        shutil.rmtree(path, ignore_errors=True)


def is_root() -> bool:
    """Whether we may build images and run nodes."""
    return os.geteuid() == 0
