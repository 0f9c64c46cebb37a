"""A Debian trixie with its Python as a folder: what the local base image consists of.

A file of its own, because its hash is part of the base image's name: another way to commit makes no other image.
"""

import platform
import shutil
from pathlib import Path

from tests.cluster.buildah import free_of_mounts, remove_tree
from tests.cluster.packages import debian_mirror
from tests.cluster.paths import cache_dir
from tests.cluster.progress import Stage
from tests.cluster.recipe import Recipe, hash_files, obtain
from tests.cluster.shell import follow

_SUITE = "trixie"
_PACKAGES = ("python3", "python3-venv", "python3-pip-whl", "ca-certificates", "netbase", "tzdata")
_NEEDLESS = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/bash-completion",
    "usr/share/lintian",
    "var/lib/apt/lists",
    "var/cache/apt",
    "var/cache/debconf",
    "var/log",
    "usr/lib/python3.13/test",
    "usr/lib/python3.13/idlelib",
    "usr/lib/python3.13/pydoc_data",
    "usr/lib/python3.13/turtledemo",
)
_KEPT_EMPTY = ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def recipe() -> Recipe:
    """Return the base image's recipe: this file is most of it."""
    own = Path(__file__)
    return Recipe("base-image", _SUITE, {"machine": platform.machine(), "steps": hash_files(own.parent, [own])})


def tree(stage: Stage) -> Path:
    """Return the folder, made if the cache lacks it."""
    return obtain(recipe(), lambda out: _tree(out, stage)) / "root"


def _tree(out: Path, stage: Stage) -> None:
    root = out / "root"
    log = cache_dir() / "logs" / "debootstrap.log"
    keyring = [f"--keyring={_KEYRING}"] if _KEYRING.exists() else []
    command = ["debootstrap", "--variant=minbase", *keyring, f"--include={','.join(_PACKAGES)}", _SUITE]
    steps = {"I: Retrieving": "fetching packages", "I: Extracting": "unpacking", "I: Configuring": "configuring"}

    def tell(text: str) -> None:
        for beginning, step in steps.items():
            if text.startswith(beginning):
                stage.say(f"{step} ({text.split()[2].rstrip('.')})")

    try:
        follow(free_of_mounts([*command, root, debian_mirror()]), tell, log=log)
        slim(root)
        _local_bin(root)
    except BaseException:
        remove_tree(root)
        raise


def slim(root: Path) -> None:
    """Take away what no container reads; package managers inside still work."""
    for name in _NEEDLESS:
        shutil.rmtree(root / name, ignore_errors=True)
    for name in _KEPT_EMPTY:
        (root / name).mkdir(parents=True, exist_ok=True)
    for cache in root.glob("usr/**/__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)


def _local_bin(root: Path) -> None:
    # The official image has its Python there, and Dockerfiles and the pod's command rely on the names.
    local = root / "usr/local/bin"
    local.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3", "python3.13"):
        (local / name).symlink_to("/usr/bin/python3.13")
