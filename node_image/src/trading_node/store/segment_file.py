"""The file that records are appended to, written through a mapping of it.

To store into the mapping is to write: the operating system has the bytes, and a killed process loses nothing. A call
for each record would cost the trading thread its turn: whatever gives up Python's lock for a microsecond gets it back
when the other threads are done. Room is taken from the disk a piece at a time, before anything is written into it, so
that a full disk is an error here and not a signal later. Where a file cannot be mapped it is written by calls.
"""

import errno
import mmap
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

STEP_BYTES = 1024 * 1024
"""Room that is taken at once."""
_CANNOT = (errno.ENODEV, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.EACCES, errno.EPERM)
"""What file systems answer that cannot reserve room, or cannot map."""


class SegmentFile:
    """One file, open for writing."""

    def __init__(self, path: Path, step_bytes: int = STEP_BYTES) -> None:
        """Begin the file anew. Raises OSError."""
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._step = step_bytes
        self._room = 0
        self._is_mapped = True
        self.mapping: Any = None
        """The mapping, where there is one: to store into it below ``mapped`` is what :meth:`write` would do."""
        self.mapped = 0
        """How many bytes are mapped."""

    def write(self, data: bytes, offset: int) -> None:
        """Write at an offset. Raises OSError; then a part may have been written, see :meth:`cut`."""
        end = offset + len(data)
        if end > self._room and self._is_mapped:
            self._grow(end)
        if self.mapping is None:
            write_whole(self.fd, data, offset)
        else:
            self.mapping[offset:end] = data

    def cut(self, size: int) -> bool:
        """Take back what a write that failed has written behind the good end; return whether that is done."""
        if self.mapping is not None:
            return True  # Room is taken before anything is written.
        try:
            os.ftruncate(self.fd, size)
        except OSError:
            return False
        return True

    def finish(self, size: int) -> None:
        """Write no more: give back the room behind the good end. The descriptor stays open, for syncing."""
        if self.mapping is not None:
            self.mapping.close()
            self.mapping, self.mapped = None, 0
        if self._room > size:
            with suppress(OSError):  # Room that stays is read as a torn end.
                os.ftruncate(self.fd, size)

    def _grow(self, end: int) -> None:
        room = max(end, self._room + self._step)
        try:
            os.posix_fallocate(self.fd, self._room, room - self._room)
            grown = mmap.mmap(self.fd, room)
        except OSError as error:
            if error.errno not in _CANNOT or self.mapping is not None:
                raise
            self._is_mapped = False
            self._room = room  # It may have been taken, and is to be given back.
            return
        if self.mapping is not None:
            self.mapping.close()
        self.mapping = grown
        self.mapped = self._room = room


def write_whole(fd: int, data: bytes, offset: int) -> None:
    """Write all of it at an offset. Raises OSError; then a part may have been written."""
    written = os.pwrite(fd, data, offset)
    while written < len(data):
        written += os.pwrite(fd, data[written:], offset + written)


def sync_directory(directory: Path) -> None:
    """Ask the disk to hold the names of the files in a folder. Raises OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
