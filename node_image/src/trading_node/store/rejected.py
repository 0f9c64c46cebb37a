"""Events that the database refused, in a file beside the journal until a person has dealt with them."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from trading_node.store.segment_file import sync_directory

REJECTED = "rejected.jsonl"


@dataclass(frozen=True, slots=True)
class Rejected:
    """One event, and why the database did not take it."""

    payload: bytes
    error: str


def put_aside(path: Path, payload: bytes, error: str) -> None:
    """Append an event; the disk holds it afterwards, as the journal is about to forget it. Raises OSError."""
    line = json.dumps({"error": error, "event": payload.decode(errors="surrogateescape")}) + "\n"
    is_new = not path.exists()
    with path.open("ab+") as file:
        if not is_new and not _ends_whole(file):
            line = "\n" + line  # What a full disk has cut off must not take this one with it.
        file.write(line.encode())
        file.flush()
        os.fdatasync(file.fileno())
    if is_new:
        sync_directory(path.parent)


def _ends_whole(file: BinaryIO) -> bool:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 1))
    return file.read(1) in (b"\n", b"")


def count_rejected(path: Path) -> int:
    """Return how many events are in the file; 0 where there is none. Raises OSError."""
    try:
        with path.open("rb") as file:
            return sum(1 for line in file if line.strip())
    except FileNotFoundError:
        return 0


def read_rejected(path: Path) -> list[Rejected]:
    """Return the events in the file. Raises OSError, and ValueError for a line that is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found: list[Rejected] = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            found.append(Rejected(str(entry["event"]).encode(errors="surrogateescape"), str(entry["error"])))
        except (ValueError, LookupError, TypeError) as error:
            raise ValueError(f"line {number} of {path} is no refused event") from error
    return found


def move_away(path: Path) -> Path:
    """Give the file another name, after which the books count as well, and return it. Raises OSError."""
    now = datetime.now(UTC)
    moved = path.with_name(f"{path.stem}-{now:%Y%m%dT%H%M%S.%fZ}{path.suffix}")
    path.rename(moved)
    sync_directory(path.parent)
    return moved
