"""Room that is kept for getting out of positions."""

import os
from pathlib import Path

import pytest

from tests.unit.books.test_books import disagreement, life, settings, tell
from tests.waiting import eventually
from trading_api.policies import State
from trading_node.store import writer
from trading_node.store.books import Books
from trading_node.store.room import RESERVE_BYTES, free_bytes, shortage
from trading_operator.quantity import quantity

GIB = 1024**3
MIB = 1024**2


class Volume:
    """A volume of a size, as the system tells of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, total: int, free: int) -> None:
        self.total, self.free = total, free
        monkeypatch.setattr(os, "statvfs", self.told)

    def told(self, _: Path) -> os.statvfs_result:
        return os.statvfs_result(
            (4096, 4096, self.total // 4096, self.free // 4096, self.free // 4096, 0, 0, 0, 0, 255)
        )


@pytest.mark.parametrize(
    ("room", "journal", "says"),
    [
        ((10 * GIB, 65 * MIB), (0, GIB), ""),
        ((10 * GIB, 63 * MIB), (0, GIB), "has 63 MiB left"),
        ((160 * MIB, 11 * MIB), (0, GIB), ""),
        ((160 * MIB, 9 * MIB), (0, GIB), "has 9 MiB left"),
        ((10 * GIB, 5 * GIB), (GIB - 65 * MIB, GIB), ""),
        ((10 * GIB, 5 * GIB), (GIB - 63 * MIB, GIB), "of the 1073741824 bytes"),
        ((10 * GIB, 5 * GIB), (1800, 2000), ""),
        ((10 * GIB, 5 * GIB), (1900, 2000), "the journal holds 1900 of the 2000 bytes"),
    ],
)
def test_what_counts_as_short(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, room: tuple[int, int], journal: tuple[int, int], says: str
) -> None:  # fmt: skip
    (total, free), (used, limit) = room, journal
    Volume(monkeypatch, total, free)
    told = shortage(tmp_path, used=used, limit=limit)
    assert (says in told) if says else not told
    assert free_bytes(tmp_path) == free


def test_new_orders_wait_while_there_is_little_room_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SYNC_AFTER_SECONDS", 0.02)
    volume = Volume(monkeypatch, 10 * GIB, RESERVE_BYTES - 4096)
    books = Books(settings(tmp_path))
    eventually(lambda: not books.health().ok, "the books are unwell", every=0.005)
    health = books.health()
    assert "has 63 MiB left" in health.reason
    assert health.may_start
    assert books.stats().free_bytes == RESERVE_BYTES - 4096
    events = life("O-1")
    tell(books, events)
    assert books.wait_written(20)
    volume.free = GIB
    eventually(lambda: books.health().ok, "the books are well again", every=0.005)
    books.close()
    assert disagreement(tmp_path, events) == []


def test_the_default_volume_holds_a_full_journal_and_much_more(tmp_path: Path) -> None:
    size = quantity(State().size)
    assert size is not None
    assert size >= 8 * settings(tmp_path).journal_bytes + RESERVE_BYTES
