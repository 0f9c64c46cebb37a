"""What an earlier run left of a journal: which records are there, and whether any are missing that must not be."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from trading_node.store.frames import Record, good_end, is_of_another_version, salvage

SUFFIX = ".journal"
CHECKPOINT = "checkpoint"
_CHECKPOINT = struct.Struct("<QQI")


class JournalError(Exception):
    """The journal cannot do what it is there for; says why."""


class JournalInUseError(JournalError):
    """Another process writes the journal: it may be about to end."""


class JournalFullError(JournalError):
    """No room for another event, on the disk or within the limit."""


class JournalDamagedError(JournalError):
    """Records that were on disk are missing or unreadable."""


@dataclass(slots=True)
class Segment:
    """One file of the journal."""

    path: Path
    first: int
    size: int
    last: int
    """Sequence number of the newest whole record; first - 1 when there is none."""
    damaged: bool = False

    def drop(self) -> None:
        """Remove the file, or keep it under another name when it is evidence."""
        if self.damaged:
            self.path.rename(self.path.with_suffix(".damaged"))
        else:
            self.path.unlink(missing_ok=True)


def pack_checkpoint(acked: int, synced: int) -> bytes:
    """Return the checkpoint's bytes: up to where the database has everything, and up to where the disk had it."""
    return _CHECKPOINT.pack(acked, synced, crc32(struct.pack("<QQ", acked, synced)))


def recover(directory: Path, checkpoint: tuple[int, int] | None, *, salvage_damage: bool) -> list[Segment]:
    """Return the segments that hold records not yet acknowledged; remove the others."""
    acked, synced = checkpoint or (0, 0)
    expected = acked + 1
    segments: list[Segment] = []
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        data = path.read_bytes()
        if is_of_another_version(data):
            raise JournalError(f"{path} was written by another release: start that one once, or move the file away")
        sequences = [record.sequence for record in salvage(data)]
        segment = Segment(path, int(path.stem), len(data), max(sequences, default=int(path.stem) - 1))
        lost = _missing([s for s in sequences if s > acked], expected, synced)
        if lost and not salvage_damage:
            raise _damage(path, good_end(data), lost)
        segment.damaged = bool(lost)
        expected = max(expected, segment.last + 1)
        if sequences and segment.last > acked:
            segments.append(segment)
        else:
            # One without a record too, whatever came before it: its name is the next file's, which must not be taken
            # for it and removed with it.
            segment.drop()
    if expected <= synced and not salvage_damage:
        raise _damage(directory, None, range(expected, synced + 1))
    return segments


def _missing(present: list[int], start: int, synced: int) -> range:
    """Return the first stretch of numbers from `start` that is missing before one that is present."""
    expected = start
    for sequence in present:
        if sequence > expected:
            return range(expected, min(sequence - 1, synced) + 1)
        expected = max(expected, sequence + 1)
    return range(0)


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
