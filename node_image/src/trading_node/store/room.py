"""Room for what must still be written when there is no more for new orders."""

import os
from pathlib import Path

RESERVE_BYTES = 64 * 1024 * 1024
"""Kept for orders that get out of positions, some two hundred thousand events; less where there is little at all."""
_SHARE = 16
_MEBIBYTE = 1024 * 1024


def free_bytes(directory: Path) -> int:
    """Return how much the volume of a folder still takes. Raises OSError."""
    volume = os.statvfs(directory)
    return volume.f_bavail * volume.f_frsize


def shortage(directory: Path, *, used: int, limit: int) -> str:
    """Return what is short; empty where there is room enough. Raises OSError.

    used, limit: bytes that the journal holds and may hold.
    """
    volume = os.statvfs(directory)
    free, total = volume.f_bavail * volume.f_frsize, volume.f_blocks * volume.f_frsize
    if free < min(RESERVE_BYTES, total // _SHARE):
        return f"the volume of {directory} has {free // _MEBIBYTE} MiB left, which are kept for orders that only reduce"
    if limit - used < min(RESERVE_BYTES, limit // _SHARE):
        return f"the journal holds {used} of the {limit} bytes that it may, and the rest is for orders that only reduce"
    return ""
