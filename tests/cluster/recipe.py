"""Things that are built once: a cache entry is named by the hash of everything that went into it."""

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.paths import cache_dir


@dataclass(frozen=True)
class Recipe:
    """How something is made: its name, its version, and every input that would make it different."""

    name: str
    version: str
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of the cache entry: readable first, then unmistakable."""
        text = json.dumps([self.name, self.version, dict(sorted(self.inputs.items()))])
        return f"{self.name}-{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def hash_files(root: Path, files: Iterable[Path]) -> str:
    """One hash over the names, modes and contents of files, wherever the root lies and in whatever order they come."""
    digest = hashlib.sha256()
    for file in sorted(files):
        executable = file.stat().st_mode & 0o111 != 0
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(root)}\0{executable}\0{content}\n".encode())
    return digest.hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; it ends with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def entry(recipe: Recipe) -> Path:
    """Where the cache has, or would have, what the recipe makes."""
    return cache_dir() / recipe.key


def built(recipe: Recipe) -> bool:
    """Whether the cache has it."""
    return entry(recipe).is_dir()


def obtain(recipe: Recipe, build: Callable[[Path], None]) -> Path:
    """Return the folder of the recipe's result; `build` fills an empty one when the cache has none.

    Only a whole result gets its name: it is made beside it and renamed. A second process that wants the same waits
    and finds it made. Older entries of the same name stay, as another checkout may be using them.
    """
    result = entry(recipe)
    if result.is_dir():
        return result
    with locked(cache_dir() / "locks" / recipe.key):
        if result.is_dir():
            return result
        work = Path(tempfile.mkdtemp(prefix=f".{recipe.name}-", dir=cache_dir()))
        try:
            work.chmod(0o755)
            build(work)
            work.rename(result)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return result
