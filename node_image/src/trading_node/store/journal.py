"""The journal: every event is on disk before the code that caused it goes on, and leaves when the database has it.

`append` hands one frame to the operating system, so a killed process loses nothing. `sync` asks the disk; the writer
calls it for events that the database has not taken soon, so a power failure loses only what neither had yet. What a
crash left is only read, never appended to; a torn end is normal. Records that were once on disk for certain and are
missing now are damage, and damage is refused until somebody says `salvage`.

A sync that fails is not simply asked again: the system forgets what it could not write, and the next one would succeed.
The file is in doubt, `failure` says so, the next event begins another file, and the one in doubt is written anew.

One thread appends, one other thread reads, acknowledges and syncs.
"""

import errno
import fcntl
import os
import threading
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from trading_node.store.frames import HEADER, HEADER_SIZE, Record, pack_frame, read_frame, read_frames
from trading_node.store.recovery import (
    CHECKPOINT,
    SUFFIX,
    JournalDamagedError,
    JournalError,
    JournalFullError,
    JournalInUseError,
    Recovered,
    pack_checkpoint,
    read_checkpoint,
    recover,
    sync_recovered,
    unacknowledged,
)
from trading_node.store.segment import Segment
from trading_node.store.segment_file import STEP_BYTES, SegmentFile, sync_directory

__all__ = [
    "Journal",
    "JournalDamagedError",
    "JournalError",
    "JournalFullError",
    "JournalInUseError",
    "SyncPolicy",
    "open_journal",
]

_CHUNK = 256 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SyncPolicy(StrEnum):
    """When the disk itself is asked to hold what was written."""

    ALWAYS = "always"
    """Before the next line of trading code runs: safe against a power failure, milliseconds an event."""
    BEHIND = "behind"
    """When the database has not taken an event soon after it was written."""
    NEVER = "never"
    """Never: safe against a killed process only."""


class Journal:
    """A queue on disk. `open_journal` makes it."""

    def __init__(
        self, directory: Path, lock: int, recovered: Recovered, acked: int, synced: int,
        *, segment_bytes: int, max_bytes: int, policy: SyncPolicy,
    ) -> None:  # fmt: skip
        self.directory = directory
        self._lock_fd = lock
        self._segment_bytes = segment_bytes
        self.max_bytes = max_bytes
        self._policy = policy
        self._guard = threading.Lock()
        """Held to look at the segments and to change them."""
        self._disk = threading.Lock()
        """Held while the disk is asked and while files are closed."""
        self._recovered = recovered.segments
        self._segments: list[Segment] = []
        self._replaced: list[Segment] = []
        """Files without a record, begun anew under the same name; only to be closed."""
        self._file: SegmentFile | None = None
        """What is written to; None where that went wrong and another file is to be begun."""
        self._newest: Segment
        """The segment of that file."""
        self._checkpoint_fd = os.open(directory / CHECKPOINT, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._acked = acked
        self._synced = synced
        self._last = max([acked, synced, *(segment.last for segment in recovered.segments)])
        self._read_last = acked
        self._backlog = unacknowledged(list(recovered.segments), acked)
        self.missing = recovered.missing
        """Records that were gone when the journal was opened."""
        self.failure = ""
        """Why the disk may lack something that the database lacks as well, where that is so."""
        self._closed = False
        self._reading: tuple[Segment, int, int] | None = None
        try:
            self._rotate()
        except OSError:
            os.close(self._checkpoint_fd)
            raise

    @property
    def last_sequence(self) -> int:
        """Sequence number of the newest record."""
        return self._last

    @property
    def acked_sequence(self) -> int:
        """Up to here the database has everything."""
        return self._acked

    @property
    def has_unread(self) -> bool:
        """Whether `read` would return something."""
        return self._last > self._read_last

    @property
    def size(self) -> int:
        """Bytes on disk."""
        with self._guard:
            return sum(segment.size for segment in (*self._recovered, *self._segments))

    def append(self, payload: bytes, time_ns: int) -> int:
        """Write one record and return its sequence number.

        Raises JournalFullError or JournalError; the journal then holds what it held before, or the record too, where
        it is the disk that does not confirm it.
        """
        if self._closed:
            raise JournalError(f"the journal in {self.directory} is closed")
        sequence = self._last + 1
        frame = pack_frame(sequence, time_ns, payload)
        segment, file = self._newest, self._file
        begin = segment.size
        end = begin + len(frame)
        if file is not None and end <= file.mapped and end <= self._segment_bytes:
            file.mapping[begin:end] = frame  # All that most events need: every call here is paid by every order.
        else:
            segment = self._write(frame)
            end = segment.size + len(frame)
        segment.size = end
        segment.last = self._last = sequence
        if self._policy is SyncPolicy.ALWAYS:
            self.sync()
        return sequence

    def _write(self, frame: bytes) -> Segment:
        """Write a frame behind what there is, in a new file where there is no room, and return its segment."""
        try:
            file = self._file
            if file is None or self._newest.in_doubt or self._is_full(self._newest, len(frame)):
                file = self._make_room(len(frame))
            file.write(frame, self._newest.size)
        except OSError as error:
            if self._file is not None and not self._file.cut(self._newest.size):
                self._file = None  # A torn end that cannot be cut off: go on in another file, its reader stops there.
            text = f"{self.directory}: {error.strerror}"
            raise (JournalFullError if error.errno in _FULL else JournalError)(text) from error
        return self._newest

    def read(self, limit: int) -> list[Record]:
        """Return the next records, oldest first; each is returned once. Empty when there is nothing new.

        Raises JournalError where a record of this run is not there any more.
        """
        records: list[Record] = []
        for record in self._backlog:
            records.append(record)
            if len(records) == limit:
                break
        while len(records) < limit and self._read_live(records, limit):
            pass
        if records:
            self._read_last = records[-1].sequence
        return records

    def ack(self, sequence: int) -> None:
        """The database has everything up to this record: forget it."""
        with self._disk:
            self._acked = max(self._acked, sequence)
            self._write_checkpoint()
            with self._guard:
                done = [s for s in self._recovered if s.last <= self._acked]
                self._recovered = [s for s in self._recovered if s.last > self._acked]
                keep = self._segments[-1:]
                done += [s for s in self._segments[:-1] if s.last <= self._acked]
                self._segments = [s for s in self._segments[:-1] if s.last > self._acked] + keep
            if done:
                with suppress(OSError):  # Or after a power failure they would seem to have been lost.
                    os.fdatasync(self._checkpoint_fd)
            for segment in done:
                with suppress(OSError):  # A file that stays is removed at the next start.
                    segment.drop()
            if self.failure and not self._is_in_doubt():
                self.failure = ""
            self._close_replaced()

    def oldest(self) -> Record | None:
        """Return the oldest record that is not acknowledged. Reads a whole file: ask seldom. Raises OSError."""
        with self._guard:
            segments = [s for s in (*self._recovered, *self._segments) if s.last > self._acked]
        return next(unacknowledged(segments, self._acked), None)

    @property
    def is_synced(self) -> bool:
        """Whether the disk holds everything that was written."""
        return self._synced >= self._last and not self.failure

    def sync(self) -> None:
        """Ask the disk to hold everything written so far, as the policy wants.

        Raises JournalError when it cannot; `failure` says so as long as that is so.
        """
        with self._disk:
            last = self._last
            with self._guard:
                segments, newest = list(self._segments), self._newest
            if self._policy is SyncPolicy.NEVER:
                for segment in segments:
                    if segment is not newest:
                        segment.release()
            else:
                self._sync(segments, newest, last)
            self._close_replaced()

    def _sync(self, segments: list[Segment], newest: Segment, last: int) -> None:
        trouble: OSError | None = None
        for segment in segments:
            try:
                segment.sync(finished=self._closed or segment is not newest)
            except OSError as error:
                trouble = trouble or error
                self._begin_another(segment)
            if trouble is None:
                self._synced = max(self._synced, min(segment.last, last))
        if trouble is None:
            self._synced = max(self._synced, last)  # No segment has those that a crash took.
        self._write_checkpoint()
        if trouble is None:
            self.failure = ""
            return
        text = f"{self.directory}: the disk does not confirm what was written: {trouble.strerror}"
        if self._is_in_doubt():
            self.failure = text
        raise JournalError(text) from trouble

    def _begin_another(self, segment: Segment) -> None:
        """See to it that the next record goes into another file: what is mapped is taken without a question."""
        with self._guard:
            if segment is self._newest and self._file is not None:
                self._file.mapped = 0

    def _is_in_doubt(self) -> bool:
        with self._guard:
            return any(segment.in_doubt and segment.last > self._acked for segment in self._segments)

    def _close_replaced(self) -> None:
        with self._guard:
            replaced, self._replaced = self._replaced, []
        for segment in replaced:
            segment.release()

    def close(self) -> None:
        """Sync and release the directory."""
        self._closed = True
        try:
            if self._file is not None:
                self._file.finish(self._newest.size)
            self.sync()
        finally:
            if self._reading:
                os.close(self._reading[1])
                self._reading = None
            for segment in self._segments:
                segment.release()
            for fd in (self._checkpoint_fd, self._lock_fd):
                os.close(fd)

    def _read_live(self, records: list[Record], limit: int) -> bool:
        """Read on in the segments of this run; False when there is nothing more at present."""
        if self._reading is None:
            segment = self._next_segment(self._read_last)
            if segment is None:
                return False
            self._reading = (segment, os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC), HEADER_SIZE)
        segment, fd, offset = self._reading
        size = segment.size
        if offset == size:
            return self._leave(segment, fd)
        data = os.pread(fd, min(_CHUNK, size - offset), offset)
        behind = 0
        for record, end in read_frames(data, 0):
            behind = end
            records.append(record)
            if len(records) >= limit:
                break
        if not behind and len(data) == _CHUNK:
            data = os.pread(fd, size - offset, offset)  # One record is longer than a chunk.
            if (found := read_frame(data, 0)) is not None:
                records.append(found[0])
                behind = found[1]
        if not behind:  # The next start says which records are gone, and goes on behind them.
            raise JournalError(f"{segment.path} does not give back at byte {offset} what was written there")
        self._reading = (segment, fd, offset + behind)
        return True

    def _leave(self, segment: Segment, fd: int) -> bool:
        """Go on to the next segment if this one gets no more records."""
        with self._guard:
            grows = segment is self._segments[-1]
        if grows or self._reading is None or self._reading[2] < segment.size:
            return False
        os.close(fd)
        self._reading = None
        self._read_last = segment.last
        return True

    def _next_segment(self, sequence: int) -> Segment | None:
        with self._guard:
            return next((s for s in self._segments if s.last > sequence), None)

    def _is_full(self, segment: Segment, length: int) -> bool:
        return segment.size + length > self._segment_bytes and segment.last >= segment.first

    def _make_room(self, length: int) -> SegmentFile:
        if self.size + length > self.max_bytes:
            raise OSError(errno.ENOSPC, f"the journal holds its limit of {self.max_bytes} bytes")
        return self._rotate()

    def _rotate(self) -> SegmentFile:
        first = self._last + 1
        path = self.directory / f"{first:020d}{SUFFIX}"
        path.unlink(missing_ok=True)  # One without a record: of what is in doubt nothing is used again.
        file = SegmentFile(path, min(STEP_BYTES, self._segment_bytes))
        try:
            file.write(HEADER, 0)
            sync_directory(self.directory)
            if self._file is not None:
                self._file.finish(self._newest.size)
        except OSError:
            file.finish(0)
            os.close(file.fd)
            path.unlink(missing_ok=True)
            raise
        segment = Segment(path, first, HEADER_SIZE, first - 1, fd=file.fd)
        with self._guard:
            self._file = file
            self._replaced += [s for s in self._segments if s.path == path]
            self._segments = [*(s for s in self._segments if s.path != path), segment]
            self._newest = segment
        return file

    def _write_checkpoint(self) -> None:
        with suppress(OSError):  # Without it more is replayed, which changes nothing.
            os.pwrite(self._checkpoint_fd, pack_checkpoint(self._acked, self._synced), 0)


def open_journal(
    directory: Path,
    *,
    segment_bytes: int = 8 * 1024 * 1024,
    max_bytes: int = 1024 * 1024 * 1024,
    policy: SyncPolicy = SyncPolicy.BEHIND,
    salvage_damage: bool = False,
) -> Journal:
    """Return the journal in a directory, with what an earlier run left to be read first.

    Raises JournalError when the directory cannot be used or another process uses it, and JournalDamagedError when
    records are missing that were on disk; `salvage_damage` goes on without them and keeps the file aside.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"the journal's folder {directory} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        says = f"another process writes the journal in {directory}: stop it, or name another"
        raise JournalInUseError(says) from error
    try:
        checkpoint = read_checkpoint(directory / CHECKPOINT)
        recovered = recover(directory, checkpoint, salvage_damage=salvage_damage)
        if policy is not SyncPolicy.NEVER:
            sync_recovered(recovered.segments)
        acked, synced = checkpoint or (0, 0)
        return Journal(
            directory, lock, recovered, acked, synced, segment_bytes=segment_bytes, max_bytes=max_bytes, policy=policy
        )
    except OSError as error:
        os.close(lock)
        raise JournalError(f"the journal in {directory} cannot be used: {error.strerror}") from error
    except BaseException:
        os.close(lock)
        raise
