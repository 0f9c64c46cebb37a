"""What the database does not take soon is on the disk, whatever the database is doing."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.books.disk import Disk
from tests.unit.books.test_books import life, settings, tell
from tests.waiting import eventually
from trading_node.store import writer
from trading_node.store.books import Books


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(writer, "SYNC_AFTER_SECONDS", 0.02)
    return Disk(monkeypatch)


@pytest.fixture
def goes_on() -> Iterator[threading.Event]:
    """Ends what hangs, at the latest with the test."""
    event = threading.Event()
    yield event
    event.set()


async def away(*_: object) -> None:
    raise OSError("away")


def hanging(goes_on: threading.Event) -> Any:
    async def hang(*_: object) -> None:
        await asyncio.to_thread(goes_on.wait)
        raise OSError("away")

    return hang


@pytest.mark.parametrize("how", ["away at the start", "hanging at the start", "hanging", "away"])
def test_an_event_that_waits_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk, goes_on: threading.Event, how: str
) -> None:
    place = "migrate" if "start" in how else "write_batch"
    monkeypatch.setattr(writer, place, hanging(goes_on) if "hanging" in how else away)
    books = Books(settings(tmp_path))
    for number in range(2):
        asked = disk.segments_asked
        tell(books, life(f"O-{number}"))
        eventually(lambda: books.journal.is_synced, "the disk has it", every=0.005)
        assert disk.segments_asked > asked
    assert books.stats().lag_seconds > 0
    assert books.stats().queue_depth == 10
    assert books.health().ok
    goes_on.set()
    assert books.close(0.01) == 10


def test_what_was_left_to_the_next_run_counts_as_lag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    monkeypatch.setattr(writer, "migrate", away)
    books = Books(settings(tmp_path))
    tell(books, life("O-1"))
    books.close(0.01)
    books = Books(settings(tmp_path))
    eventually(lambda: books.stats().lag_seconds > 0, "the lag shows", every=0.005)
    books.close(0.01)


def test_books_on_a_disk_that_fails_are_unwell_until_it_holds_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    monkeypatch.setattr(writer, "migrate", away)
    books = Books(settings(tmp_path))
    disk.fails = True
    tell(books, life("O-1"))
    eventually(lambda: not books.health().ok, "the books are unwell", every=0.005)
    assert "does not confirm" in books.health().reason
    asked = disk.segments_asked
    disk.fails = False
    eventually(lambda: "another file" in books.writer.last_error, "it was asked again", every=0.005)
    assert not books.health().ok
    assert disk.segments_asked == asked  # To ask again would be answered with success.
    tell(books, life("O-2"))
    eventually(lambda: books.health().ok and books.journal.is_synced, "the books are well again", every=0.005)
    disk.cut_power(tmp_path / "journal", tmp_path / "after", keep=("checkpoint",))
    assert books.close(0.01) == 10

    monkeypatch.undo()
    (tmp_path / "next").mkdir()
    (tmp_path / "after").rename(tmp_path / "next" / "journal")
    books = Books(settings(tmp_path / "next"))
    assert books.wait_written(20)
    assert books.stats().events_written == 10
    assert books.stats().missing == 0
    books.close()
