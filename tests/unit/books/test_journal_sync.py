"""The journal and the disk under it: what it says the disk holds is held, and its files do not pile up."""

import asyncio
import logging
import mmap
import os
import shutil
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.books.disk import Disk
from tests.unit.books.memory import memory_folder
from tests.unit.books.stories import noted
from tests.unit.books.test_books import life, settings, tell
from tests.unit.books.test_journal import cannot_be_mapped, drain, reopened
from tests.waiting import eventually
from trading_node.store import journal as journal_module
from trading_node.store import writer
from trading_node.store.books import Books
from trading_node.store.journal import SyncPolicy, open_journal
from trading_node.store.recovery import CHECKPOINT, JournalDamagedError, JournalError

WITHOUT_ASKING = [SyncPolicy.BEHIND, SyncPolicy.NEVER]


def open_files(folder: Path) -> tuple[int, int]:
    """Return how many files in a folder this process has open, and how many of them are deleted segments.

    Of this folder alone: other tests leave journals behind as a killed process does.
    """
    targets: list[str] = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            targets.append(str(link.readlink()))
        except FileNotFoundError:  # The folder that is being listed.
            continue
    inside = [target for target in targets if target.startswith(f"{folder.resolve()}/")]
    return len(inside), sum(".journal (deleted)" in target for target in inside)


@pytest.mark.parametrize("policy", WITHOUT_ASKING)
def test_files_that_are_acknowledged_do_not_stay_open(tmp_path: Path, policy: SyncPolicy) -> None:
    """While all is well nobody asks the disk, and the room of what is acknowledged is to come back all the same."""
    before, _ = open_files(tmp_path)
    journal = open_journal(tmp_path, segment_bytes=100, policy=policy)
    for _ in range(60):
        journal.append(b"x" * 30, 1)
        journal.ack(journal.read(10)[-1].sequence)
    count, deleted = open_files(tmp_path)
    assert count <= before + 5  # Lock, checkpoint, what is written and its mapping, what is read.
    assert deleted <= 1  # The reader's, until it goes on.
    journal.close()
    assert open_files(tmp_path) == (before, 0)


@pytest.mark.parametrize("policy", WITHOUT_ASKING)
def test_files_of_the_books_do_not_stay_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: SyncPolicy
) -> None:
    monkeypatch.setattr(
        "trading_node.store.books.open_journal", partial(journal_module.open_journal, segment_bytes=2_000)
    )
    books = Books(settings(tmp_path, sync=policy))
    counts: list[int] = []
    for number in range(5):
        for part in range(10):
            tell(books, life(f"O-{number}-{part}"))
        assert books.wait_written(20)
        count, deleted = open_files(tmp_path)
        assert deleted <= 1
        counts.append(count)
    assert max(counts) <= counts[0] + 3
    books.close()


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("segment_bytes", [70, 4096])
def test_a_sync_that_failed_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mapped: bool, segment_bytes: int
) -> None:
    if not mapped:
        monkeypatch.setattr(mmap, "mmap", cannot_be_mapped)
    disk = Disk(monkeypatch)
    journal = open_journal(tmp_path / "journal", segment_bytes=segment_bytes)
    journal.append(b"one", 1)
    journal.sync()
    journal.append(b"two", 1)
    disk.fails = True
    with pytest.raises(JournalError, match="does not confirm"):
        journal.sync()
    disk.fails = False
    with pytest.raises(JournalError, match="next event begins another file"):
        journal.sync()
    assert "does not confirm" in journal.failure
    disk.cut_power(tmp_path / "journal", tmp_path / "early", keep=(CHECKPOINT,))
    assert reopened(tmp_path / "early") == [b"one"]  # Nothing was promised that is not there.

    journal.append(b"three", 1)
    journal.sync()
    assert journal.failure == ""
    assert journal.is_synced
    disk.cut_power(tmp_path / "journal", tmp_path / "late", keep=(CHECKPOINT,))
    assert reopened(tmp_path / "late") == [b"one", b"two", b"three"]
    assert drain(journal) == [b"one", b"two", b"three"]
    journal.ack(3)
    journal.close()
    assert not list((tmp_path / "journal").glob("*.copy"))


@examples(40)
@given(st.data())
def test_a_disk_that_fails_now_and_then_loses_nothing_that_was_confirmed(data: st.DataObject) -> None:
    """Whatever happens in which order: after a power failure all is there that a sync confirmed and no ack gave up."""
    with pytest.MonkeyPatch.context() as patched, memory_folder() as folder:
        disk = Disk(patched)
        journal = open_journal(folder / "0", segment_bytes=data.draw(st.sampled_from([70, 150, 4096])))
        entries: list[bytes] = []
        confirmed = acked = lives = 0
        for _ in range(data.draw(st.integers(1, 25))):
            match data.draw(st.sampled_from(["append", "append", "append", "sync", "sync", "ack", "disk", "power"])):
                case "append":
                    entries.append(b"%020d" % len(entries))
                    journal.append(entries[-1], 1)
                case "sync":
                    with suppress(JournalError):
                        journal.sync()
                        confirmed = len(entries)
                        assert not journal.failure
                case "ack":
                    acked = data.draw(st.integers(acked, len(entries)))
                    journal.ack(acked)
                case "disk":
                    disk.fails = not disk.fails
                case _:
                    disk.fails = False
                    lives += 1
                    disk.cut_power(folder / "0", folder / str(lives), keep=(CHECKPOINT,))
                    kept = reopened(folder / str(lives))
                    assert kept == [entry for entry in entries[acked:] if entry in kept]
                    assert kept[: max(0, confirmed - acked)] == entries[acked:confirmed]
        disk.fails = False
        journal.close()


def test_a_disk_that_goes_on_failing_is_told_until_it_holds_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    disk = Disk(monkeypatch)
    journal = open_journal(tmp_path / "journal")
    disk.fails = True
    for entry in (b"one", b"two", b"three"):
        journal.append(entry, 1)
        with pytest.raises(JournalError, match="does not confirm"):
            journal.sync()
        assert journal.failure
    disk.fails = False
    journal.append(b"four", 1)
    journal.sync()
    assert journal.failure == ""
    disk.cut_power(tmp_path / "journal", tmp_path / "after", keep=(CHECKPOINT,))
    assert reopened(tmp_path / "after") == [b"one", b"two", b"three", b"four"]
    journal.close()


def test_a_file_without_a_record_that_is_in_doubt_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = Disk(monkeypatch)
    journal = open_journal(tmp_path / "journal")
    disk.fails = True
    with pytest.raises(JournalError):
        journal.sync()
    disk.fails = False
    journal.append(b"one", 1)
    journal.sync()
    disk.cut_power(tmp_path / "journal", tmp_path / "after", keep=(CHECKPOINT,))
    assert reopened(tmp_path / "after") == [b"one"]
    journal.close()


def test_what_the_database_has_is_in_no_doubt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = Disk(monkeypatch)
    journal = open_journal(tmp_path / "journal")
    journal.append(b"one", 1)
    disk.fails = True
    with pytest.raises(JournalError):
        journal.sync()
    disk.fails = False
    assert drain(journal) == [b"one"]
    journal.ack(1)
    assert journal.failure == ""
    journal.append(b"two", 1)
    journal.sync()
    assert journal.is_synced
    disk.cut_power(tmp_path / "journal", tmp_path / "after", keep=(CHECKPOINT,))
    assert reopened(tmp_path / "after") == [b"two"]
    journal.close()


@pytest.mark.parametrize("fails_once", [False, True])
def test_what_a_killed_process_left_is_asked_onto_the_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails_once: bool
) -> None:
    killed = open_journal(tmp_path / "killed", segment_bytes=70)
    for entry in (b"one", b"two", b"three"):
        killed.append(entry, 1)
    shutil.copytree(tmp_path / "killed", tmp_path / "journal")
    killed.close()

    disk = Disk(monkeypatch)
    real = disk.sync

    def first_fails(fd: int) -> None:
        disk.fails = fails_once and len(disk.asked) == 0
        real(fd)

    monkeypatch.setattr(os, "fdatasync", first_fails)
    journal = open_journal(tmp_path / "journal")
    journal.append(b"four", 1)
    journal.sync()
    disk.cut_power(tmp_path / "journal", tmp_path / "after", keep=(CHECKPOINT,))
    assert reopened(tmp_path / "after") == [b"one", b"two", b"three", b"four"]
    journal.close()


def test_never_asks_nothing_of_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = Disk(monkeypatch)
    for _ in range(2):
        journal = open_journal(tmp_path, policy=SyncPolicy.NEVER)
        journal.append(b"one", 1)
        journal.sync()
        journal.close()
    assert disk.asked == []


def damaged(directory: Path, *, synced: bool) -> Path:
    """Write five records, damage the second and the fourth, and return the file."""
    journal = open_journal(directory, policy=SyncPolicy.BEHIND if synced else SyncPolicy.NEVER)
    for entry in (b"one", b"two", b"three", b"four", b"five"):
        journal.append(entry, 1)
    journal.close()
    (path,) = directory.glob("*.journal")
    path.write_bytes(path.read_bytes().replace(b"two", b"tow").replace(b"four", b"fuor"))
    return path


@pytest.mark.parametrize("synced", [False, True])
def test_a_gap_is_told_with_its_numbers_and_counted_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, synced: bool
) -> None:
    path = damaged(tmp_path, synced=synced)
    if synced:
        with pytest.raises(JournalDamagedError, match="records 2 to 2"):
            open_journal(tmp_path)
    with caplog.at_level(logging.ERROR):
        journal = open_journal(tmp_path, salvage_damage=synced)
    assert journal.missing == 2
    assert "the records 2 to 2 of the journal are gone" in caplog.text
    assert "the records 4 to 4 of the journal are gone" in caplog.text
    assert drain(journal) == [b"one", b"three", b"five"]
    journal.sync()
    assert journal.is_synced
    journal.close()

    journal = open_journal(tmp_path)  # The database is still away: nothing new is gone.
    assert journal.missing == 0
    assert drain(journal) == [b"one", b"three", b"five"]
    journal.ack(5)
    journal.close()
    assert b"tow" in path.with_suffix(".damaged").read_bytes()


def test_a_record_that_is_damaged_while_the_node_runs_makes_the_books_unwell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing reads on behind it, and nothing turns in circles before it."""
    lets = threading.Event()

    async def later(*_: object) -> str:
        await asyncio.to_thread(lets.wait)
        return "0001"

    with monkeypatch.context() as patched:
        patched.setattr(writer, "migrate", later)
        patched.setattr(writer, "claim", later)
        books = Books(settings(tmp_path))
        for number in range(3):
            books.record(noted(f"n-{number}", text=f"text-{number}"))
        (path,) = (tmp_path / "journal").glob("*.journal")
        with path.open("r+b") as file:
            file.seek(path.read_bytes().index(b"text-1"))
            file.write(b"TEXT")
        lets.set()
        eventually(lambda: not books.health().ok, "the books are unwell", every=0.005)
        assert "does not give back" in books.health().reason
        assert books.close(0.1) == 3
    with pytest.raises(JournalDamagedError, match="records 2 to 2"):
        Books(settings(tmp_path))
    books = Books(settings(tmp_path, salvage=True))
    assert books.wait_written(20)
    assert books.stats().events_written == 2
    books.close()


def test_the_lost_end_of_a_file_before_another_is_told(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, segment_bytes=120, policy=SyncPolicy.NEVER)
    for number in range(8):
        journal.append(b"%d" % number * 20, 1)
    journal.close()
    first, *_ = sorted(tmp_path.glob("*.journal"))
    os.truncate(first, first.stat().st_size - 1)
    journal = open_journal(tmp_path)
    assert journal.missing == 1
    assert len(drain(journal)) == 7
    journal.ack(8)
    journal.close()
    assert first.with_suffix(".damaged").exists()


def test_acknowledged_files_are_not_missed_after_a_power_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Their removal may outlive what says why, unless that is on the disk before."""
    disk = Disk(monkeypatch)
    journal = open_journal(tmp_path / "journal", segment_bytes=100)
    for number in range(20):
        journal.append(b"%02d" % number * 15, 1)
    journal.sync()
    drain(journal)
    journal.ack(1)
    disk.write_back(tmp_path / "journal" / CHECKPOINT)
    journal.ack(18)
    disk.cut_power(tmp_path / "journal", tmp_path / "after")
    journal.close()
    journal = open_journal(tmp_path / "after")
    assert journal.missing == 0
    assert drain(journal) == [b"%02d" % number * 15 for number in (18, 19)]
    journal.close()
