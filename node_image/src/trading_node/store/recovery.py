"""What an earlier run left of a journal: which records are there, and whether any are missing that must not be."""

import logging
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from trading_node.store.frames import Record, good_end, is_of_another_version, salvage
from trading_node.store.segment import COPY, Segment
from trading_node.store.segment_file import write_whole

SUFFIX = ".journal"
CHECKPOINT = "checkpoint"
GAPS = "gaps"
"""Holds a line for each stretch of records that is known to be gone: its first and its last number."""
_log = logging.getLogger(__name__)
_CHECKPOINT = struct.Struct("<QQI")


class JournalError(Exception):
    """The journal cannot do what it is there for; says why."""


class JournalInUseError(JournalError):
    """Another process writes the journal: it may be about to end."""


class JournalFullError(JournalError):
    """No room for another event, on the disk or within the limit."""


class JournalDamagedError(JournalError):
    """Records that were on disk are missing or unreadable."""


def pack_checkpoint(acked: int, synced: int) -> bytes:
    """Return the checkpoint's bytes: up to where the database has everything, and up to where the disk had it."""
    return _CHECKPOINT.pack(acked, synced, crc32(struct.pack("<QQ", acked, synced)))


@dataclass(frozen=True, slots=True)
class Recovered:
    """What an earlier run left."""

    segments: list[Segment]
    """Files with records that are not acknowledged."""
    missing: int
    """How many records between these are gone, and were not told of before."""


def recover(directory: Path, checkpoint: tuple[int, int] | None, *, salvage_damage: bool) -> Recovered:
    """Return what is not yet acknowledged; remove or put aside the other files.

    A gap among records that the disk was never known to hold is what a power failure may leave: it is told, and the
    files around it are kept aside later. Raises JournalDamagedError for any other, and OSError.
    """
    acked, synced = checkpoint or (0, 0)
    for copy in directory.glob(f"*{COPY}"):
        copy.unlink()  # The file itself is still there.
    told = _Gaps(_known_gaps(directory / GAPS, acked), -1 if salvage_damage else synced)
    expected = acked + 1 if checkpoint else None
    segments: list[Segment] = []
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        data = path.read_bytes()
        if is_of_another_version(data):
            raise JournalError(f"{path} was written by another release: start that one once, or move the file away")
        sequences = [record.sequence for record in salvage(data)]
        segment = Segment(path, int(path.stem), len(data), max(sequences, default=int(path.stem) - 1))
        start = segment.first if expected is None else expected
        gaps = _gaps([s for s in sequences if s > acked], start)
        told.accept(gaps, path, good_end(data))
        segment.damaged = bool(gaps)
        if gaps and segments and segments[-1].last < gaps[0].start:
            segments[-1].damaged = True  # The gap may be its end.
        expected = max(start, segment.last + 1)
        if sequences and segment.last > acked:
            segments.append(segment)
        else:
            # One without a record too, whatever came before it: its name is the next file's, which must not be taken
            # for it and removed with it.
            segment.drop()
    end = range(acked + 1 if expected is None else expected, synced + 1)
    if end:
        told.accept([end], directory, None)
        for segment in segments[-1:]:
            segment.damaged = True
    _remember_gaps(directory / GAPS, told.known)
    return Recovered(segments, told.missing)


class _Gaps:
    """The stretches of records that are gone."""

    def __init__(self, known: list[range], certain: int) -> None:
        """Take those that an earlier start accepted, and up to where none is accepted."""
        self.known = known
        self.missing = 0
        self._certain = certain

    def accept(self, gaps: list[range], path: Path, offset: int | None) -> None:
        """Tell new ones. Raises JournalDamagedError for records that the disk had."""
        for gap in gaps:
            if any(other.start <= gap.start and gap.stop <= other.stop for other in self.known):
                continue
            certain = range(gap.start, min(gap.stop, self._certain + 1))
            if certain:
                raise _damage(path, offset, certain)
            _log.error("%s: the records %d to %d of the journal are gone", path, gap[0], gap[-1])
            self.known.append(gap)
            self.missing += len(gap)


def _gaps(present: list[int], start: int) -> list[range]:
    """Return the stretches of numbers from `start` that are missing before one that is present."""
    gaps: list[range] = []
    expected = start
    for sequence in present:
        if sequence > expected:
            gaps.append(range(expected, sequence))
        expected = max(expected, sequence + 1)
    return gaps


def _known_gaps(path: Path, acked: int) -> list[range]:
    """Return the gaps that an earlier start accepted and that are still in the way.

    What came behind them is synced by now, so that without this list the next start would take them for damage.
    """
    try:
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        gaps = [range(int(first), int(last) + 1) for first, last in lines]
    except FileNotFoundError:
        return []
    except ValueError:
        return []  # It is not whole; what it held is told again.
    return [gap for gap in gaps if gap and gap[-1] > acked]


def _remember_gaps(path: Path, gaps: list[range]) -> None:
    if not gaps:
        path.unlink(missing_ok=True)
        return
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_whole(fd, "".join(f"{gap[0]} {gap[-1]}\n" for gap in gaps).encode(), 0)
        os.fdatasync(fd)
    finally:
        os.close(fd)


def sync_recovered(segments: list[Segment]) -> None:
    """Ask the disk to hold what was found: the killed process that wrote it may have asked nobody. Raises OSError."""
    for segment in segments:
        segment.fd = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            segment.sync(finished=True)
        except OSError:
            segment.sync(finished=True)  # Written anew, see there.
        finally:
            segment.release()


def _damage(path: Path, offset: int | None, lost: range) -> JournalDamagedError:
    where = "" if offset is None else f" at byte {offset}"
    return JournalDamagedError(
        f"{path} is damaged{where}: the records {lost[0]} to {lost[-1]} were on disk and are gone. Put the "
        f"file back from a copy, or start once with `salvage: true` to go on without them and reconcile with the venue"
    )


def unacknowledged(segments: list[Segment], acked: int) -> Iterator[Record]:
    """Give the records behind the acknowledged ones, reading one file at a time."""
    last = acked
    for segment in segments:
        for record in salvage(segment.path.read_bytes()):
            if record.sequence > last:
                last = record.sequence
                yield record


def read_checkpoint(path: Path) -> tuple[int, int] | None:
    """Return what was acknowledged and what was synced; None where nothing trustworthy is told."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(data) < _CHECKPOINT.size:
        return None
    acked, synced, checksum = _CHECKPOINT.unpack_from(data)
    return (acked, synced) if checksum == crc32(data[:16]) else None
