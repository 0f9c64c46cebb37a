"""Folders that no disk has to sync: what these tests say does not hang on a disk, and disks are slow."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED = Path("/dev/shm")


@contextmanager
def memory_folder() -> Iterator[Path]:
    """Make a folder in memory where the machine has such a place, else in the usual one; gone with the block."""
    with tempfile.TemporaryDirectory(dir=SHARED if os.access(SHARED, os.W_OK) else None) as path:
        yield Path(path)
