"""A disk that can fail, and what it holds when the power is cut."""

import errno
import os
from pathlib import Path

import pytest


class Disk:
    """What the disk was asked to hold; the files themselves are what the system holds.

    As on Linux, what could not be written is forgotten: a later sync of the same file succeeds and writes none of it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held: dict[int, bytes] = {}
        self.forgotten: set[int] = set()
        self.fails = False
        self.asked: list[str] = []
        """Names of the files that it was asked to hold."""
        monkeypatch.setattr(os, "fdatasync", self.sync)

    def sync(self, fd: int) -> None:
        self.asked.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        status = os.fstat(fd)
        if self.fails:
            self.forgotten.add(status.st_ino)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if status.st_ino not in self.forgotten:
            self.held[status.st_ino] = os.pread(fd, status.st_size, 0)

    def write_back(self, path: Path) -> None:
        """Hold a file as it is now: the system writes what it likes, when it likes."""
        self.held[path.stat().st_ino] = path.read_bytes()

    @property
    def segments_asked(self) -> int:
        """How often a file with records was asked onto it."""
        return sum(name.endswith(".journal") for name in self.asked)

    def cut_power(self, directory: Path, after: Path, *, keep: tuple[str, ...] = ()) -> None:
        """Make the folder as it is afterwards; `keep` names files of which everything came to be written."""
        after.mkdir()
        for path in directory.iterdir():
            held = path.read_bytes() if path.name in keep else self.held.get(path.stat().st_ino, b"")
            (after / path.name).write_bytes(held)
