"""Taking away what was built once: the cache of this user."""

from pathlib import Path

from tests.cluster.buildah import remove_tree
from tests.cluster.errors import ClusterError
from tests.cluster.paths import cache_dir


def occupied(folder: Path) -> int:
    """Return the bytes that a folder takes on its disk; a file with several names counts once."""
    found = {}
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except OSError:
            # Somebody else's temporary file.
            continue
        found[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(found.values())


def purge() -> int:
    """Remove the cache and return how many bytes that freed. Nothing may be running or building from it."""
    folder = cache_dir()
    before = occupied(folder)
    remove_tree(folder)
    if folder.exists():
        raise ClusterError(f"{folder} could not be removed as a whole: {occupied(folder):,} bytes are left")
    return before


def readable(size: int) -> str:
    """Return a number of bytes as a person reads it, such as 6.6 GB."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
