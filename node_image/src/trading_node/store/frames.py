"""The journal's bytes: segments of checksummed frames.

A segment is a header and frames. A frame is a marker, the payload's length, a checksum, a sequence number, the time of
writing and the payload; the checksum covers everything after itself and the length. Sequence numbers count by one over
all segments.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

HEADER = b"TNBOOKS1"
"""Begins a segment; the last byte is the version of this format."""
HEADER_SIZE = len(HEADER)
_MARKER = 0xB00C
_FRAME = struct.Struct("<HIIQQ")
"""Marker, length, checksum, sequence number, time in ns."""
FRAME_OVERHEAD = _FRAME.size
_COVERED = struct.Struct("<IQQ")
_MARKER_BYTES = struct.pack("<H", _MARKER)
MAX_PAYLOAD = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the journal."""

    sequence: int
    time_ns: int
    payload: bytes


def is_of_another_version(data: bytes) -> bool:
    """Whether a segment was written by a release with another format."""
    return len(data) >= HEADER_SIZE and data[:7] == HEADER[:7] and data[7:8] != HEADER[7:8]


def pack_frame(sequence: int, time_ns: int, payload: bytes) -> bytes:
    """Return one frame. Raises ValueError for a payload that is too long."""
    length = len(payload)
    if length > MAX_PAYLOAD:
        raise ValueError(f"an event of {length} bytes is longer than the journal takes ({MAX_PAYLOAD})")
    checksum = crc32(payload, crc32(_COVERED.pack(length, sequence, time_ns)))
    return _FRAME.pack(_MARKER, length, checksum, sequence, time_ns) + payload


def read_frame(data: bytes, offset: int) -> tuple[Record, int] | None:
    """Return the record at an offset and the offset behind it; None where no whole, good frame is."""
    if offset + FRAME_OVERHEAD > len(data):
        return None
    marker, length, checksum, sequence, time_ns = _FRAME.unpack_from(data, offset)
    end = offset + FRAME_OVERHEAD + length
    if marker != _MARKER or length > MAX_PAYLOAD or end > len(data):
        return None
    payload = data[offset + FRAME_OVERHEAD : end]
    if crc32(payload, crc32(_COVERED.pack(length, sequence, time_ns))) != checksum:
        return None
    return Record(sequence, time_ns, payload), end


def read_frames(data: bytes, offset: int) -> Iterator[tuple[Record, int]]:
    """Give the good frames from an offset on, each with the offset behind it, until one is not good."""
    while (found := read_frame(data, offset)) is not None:
        yield found
        offset = found[1]


def good_end(data: bytes) -> int:
    """Return the offset behind the last good frame before any bad one."""
    return max((behind for _, behind in read_frames(data, HEADER_SIZE)), default=HEADER_SIZE)


def salvage(data: bytes) -> list[Record]:
    """Return every good record of a damaged segment, those behind the damage too."""
    records: list[Record] = []
    offset: int | None = HEADER_SIZE
    while offset is not None:
        for record, behind in read_frames(data, offset):
            records.append(record)
            offset = behind
        offset = _find_frame(data, offset)
    return records


def _find_frame(data: bytes, start: int) -> int | None:
    offset = data.find(_MARKER_BYTES, start)
    while offset >= 0:
        if read_frame(data, offset) is not None:
            return offset
        offset = data.find(_MARKER_BYTES, offset + 1)
    return None
