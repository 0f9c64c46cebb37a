"""Debian packages that the cluster stands on, installed when they are missing and we may."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.paths import cache_dir
from tests.cluster.progress import Progress
from tests.cluster.recipe import locked
from tests.cluster.shell import follow, run, succeeds

# A file (or a pattern of it) that each package brings, to tell without asking dpkg whether it is there.
WITNESSES: dict[str, tuple[str, ...]] = {
    "buildah": ("/usr/bin/buildah",),
    "containerd": ("/usr/bin/containerd", "/usr/local/bin/containerd"),
    "containernetworking-plugins": ("/usr/lib/cni/bridge", "/opt/cni/bin/bridge"),
    "debootstrap": ("/usr/sbin/debootstrap",),
    "iproute2": ("/usr/sbin/ip", "/sbin/ip", "/bin/ip"),
    "nftables": ("/usr/sbin/nft", "/sbin/nft"),
    "redis-server": ("/usr/bin/redis-server",),
    "runc": ("/usr/sbin/runc", "/usr/bin/runc", "/usr/local/bin/runc"),
    "debian-archive-keyring": ("/usr/share/keyrings/debian-archive-keyring.gpg",),
    "postgresql": ("/usr/lib/postgresql/*/bin/initdb",),
}
CLUSTER = (
    "containerd",
    "runc",
    "containernetworking-plugins",
    "iproute2",
    "nftables",
)
IMAGES = ("buildah", "debootstrap", "debian-archive-keyring")
_POLICY = Path("/usr/sbin/policy-rc.d")


def missing(packages: Iterable[str]) -> list[str]:
    """Return those packages of which no witness is there."""
    root = Path("/")
    return [name for name in packages if not any(any(root.glob(path.lstrip("/"))) for path in WITNESSES[name])]


def require_packages(packages: Sequence[str], progress: Progress | None = None) -> None:
    """Install what is missing with apt-get; say what to do where that cannot be done."""
    if not missing(packages):
        return
    with locked(cache_dir() / "locks" / "apt"):
        wanted = missing(packages)
        if not wanted:
            return
        command = f"apt-get install --no-install-recommends {' '.join(wanted)}"
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise ClusterError(
                f"these Debian packages (or the same programs from elsewhere) are needed: {', '.join(wanted)}.\n"
                f"Install them as root: {command}"
            )
        log = cache_dir() / "logs" / "apt.log"
        with (progress or Progress(1)).stage(f"Debian packages ({', '.join(wanted)})") as stage, _services_stay_off():
            apt = {"DEBIAN_FRONTEND": "noninteractive"}
            stage.say("apt-get update")
            follow(["apt-get", "update"], lambda _: None, log=log, env=apt)
            stage.say("apt-get install")
            install = ["apt-get", "install", "--yes", "--no-install-recommends", *wanted]
            follow(install, lambda _: None, log=log, env=apt)


@contextmanager
def _services_stay_off() -> Iterator[None]:
    """Debian starts a server when it is installed; ours are started by us alone, with their own data and ports."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def machine_has_docker() -> bool:
    """Whether a Docker daemon answers."""
    return shutil.which("docker") is not None and succeeds(["docker", "info"], timeout=20)


def docker_has_image(image: str) -> bool:
    """Whether the image is there or can be pulled: without a registry kind cannot make a node."""
    return succeeds(["docker", "image", "inspect", image]) or succeeds(["docker", "pull", image], timeout=300)


def debian_mirror() -> str:
    """Return the mirror that this machine's apt uses, for a debootstrap of another suite."""
    listing = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(CREATED_BY)"])
    mirror = choose_mirror(listing)
    if mirror is None:
        raise ClusterError(
            "apt has no Debian mirror configured: the base image is made from one (see `man sources.list`)"
        )
    return mirror


def choose_mirror(listing: str) -> str | None:
    """Return the first repository that is a whole Debian archive, not one of the security or third-party kind."""
    for text in listing.splitlines():
        uri = text.split(" ")[0].rstrip("/")
        if uri.endswith("/debian"):
            return uri
    return None
