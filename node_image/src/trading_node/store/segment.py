"""One file of the journal as its index knows it, and whether the disk is known to hold it."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from trading_node.store.frames import salvage
from trading_node.store.segment_file import sync_directory, write_whole

COPY = ".copy"
"""What a file that is written anew is called until the disk holds it."""


@dataclass(slots=True)
class Segment:
    """One file of the journal."""

    path: Path
    first: int
    size: int
    last: int
    """Sequence number of the newest whole record; first - 1 when there is none."""
    damaged: bool = False
    fd: int | None = None
    """Open as long as the disk may lack something of the file."""
    in_doubt: bool = False
    """Whether a sync failed: the system may have dropped what it could not write, and the next sync would succeed."""

    def sync(self, *, finished: bool) -> None:
        """Ask the disk to hold the file, and release it where nothing more is written to it.

        Raises OSError. From then on the file is in doubt until it is written anew, which needs it to be finished.
        """
        if self.fd is None:
            return
        if self.in_doubt and not finished:
            raise OSError(errno.EIO, "an earlier sync failed; the next event begins another file")
        try:
            if self.in_doubt:
                self.fd = self._write_anew(self.fd)
            else:
                os.fdatasync(self.fd)
        except OSError:
            self.in_doubt = True
            raise
        self.in_doubt = False
        if finished:
            self.release()

    def release(self) -> None:
        """Close the file."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def drop(self) -> None:
        """Remove the file, or keep it under another name when it is evidence. Raises OSError."""
        self.release()
        if self.damaged:
            self.path.rename(self.path.with_suffix(".damaged"))
        else:
            self.path.unlink(missing_ok=True)

    def _write_anew(self, old: int) -> int:
        """Put a copy that the disk holds in the file's place, byte for byte, and return its descriptor."""
        data = os.pread(old, self.size, 0)
        if len(salvage(data)) <= self.last - self.first and not self.damaged:
            raise OSError(errno.EIO, "what was written cannot be read back")
        copy = self.path.with_suffix(COPY)
        fd = os.open(copy, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            write_whole(fd, data, 0)
            os.fdatasync(fd)
            copy.rename(self.path)
            sync_directory(self.path.parent)
        except OSError:
            os.close(fd)
            copy.unlink(missing_ok=True)
            raise
        os.close(old)
        return fd
