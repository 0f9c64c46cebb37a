"""The journal: nothing that was on disk is lost, whatever a crash leaves, and damage is told from a torn end."""

import errno
import mmap
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.books.memory import memory_folder
from trading_node.store.frames import FRAME_OVERHEAD, HEADER_SIZE, pack_frame, read_frames, salvage
from trading_node.store.journal import Journal, SyncPolicy, open_journal
from trading_node.store.recovery import CHECKPOINT, JournalDamagedError, JournalError, JournalFullError

payloads = st.lists(st.binary(max_size=40), min_size=1, max_size=12)


def write(directory: Path, entries: list[bytes], **options: int) -> list[Path]:
    journal = open_journal(directory, **options)  # type: ignore[arg-type]
    for entry in entries:
        journal.append(entry, 1)
    journal.close()
    return sorted(directory.glob("*.journal"))


def drain(journal: Journal, limit: int = 3) -> list[bytes]:
    found: list[bytes] = []
    while records := journal.read(limit):
        found += [record.payload for record in records]
    return found


def reopened(directory: Path, **options: bool) -> list[bytes]:
    journal = open_journal(directory, **options)  # type: ignore[arg-type]
    found = drain(journal)
    journal.close()
    return found


@examples(10)
@given(payloads, st.integers(60, 200), st.data())
def test_a_queue_over_restarts(entries: list[bytes], segment_bytes: int, data: st.DataObject) -> None:
    """Append, read, acknowledge and restart in any mixture: what is not acknowledged comes again, in order."""
    with memory_folder() as directory:
        journal = open_journal(directory, segment_bytes=segment_bytes)
        pending: list[bytes] = []
        unread = 0
        for entry in entries:
            journal.append(entry, 7)
            pending.append(entry)
            unread += 1
            match data.draw(st.sampled_from(["go on", "read", "ack", "restart", "sync"])):
                case "read":
                    assert [r.payload for r in journal.read(unread)] == pending[len(pending) - unread :]
                    unread = 0
                case "ack":
                    count = data.draw(st.integers(0, len(pending) - unread))
                    journal.ack(journal.last_sequence - len(pending) + count)
                    pending = pending[count:]
                case "sync":
                    journal.sync()
                    assert journal.is_synced
                case "restart":
                    journal.close()
                    journal = open_journal(directory, segment_bytes=segment_bytes)
                    unread = len(pending)
        assert drain(journal) == pending[len(pending) - unread :]
        journal.ack(journal.last_sequence)
        journal.close()
        assert reopened(directory) == []


@examples(8)
@given(payloads, st.data())
def test_a_torn_end_keeps_every_record_before_it(entries: list[bytes], data: st.DataObject) -> None:
    with memory_folder() as directory:
        (path,) = write(directory, entries)
        (directory / CHECKPOINT).unlink()  # as after a power failure before the first sync
        cut = data.draw(st.integers(0, path.stat().st_size))
        os.truncate(path, cut)
        ends = [end for _, end in read_frames(path.read_bytes(), HEADER_SIZE)]
        whole = sum(
            HEADER_SIZE + sum(FRAME_OVERHEAD + len(e) for e in entries[: n + 1]) <= cut for n in range(len(entries))
        )
        assert len(ends) == whole
        assert reopened(directory) == entries[:whole]


@examples(8)
@given(payloads, st.data())
def test_a_synced_record_that_is_gone_is_told(entries: list[bytes], data: st.DataObject) -> None:
    with memory_folder() as directory:
        (path,) = write(directory, entries)
        cut = data.draw(st.integers(0, path.stat().st_size - 1))
        os.truncate(path, cut)
        with pytest.raises(JournalDamagedError, match="salvage: true"):
            open_journal(directory)
        kept = reopened(directory, salvage_damage=True)
        assert kept == entries[: len(kept)]
        assert len(kept) < len(entries)


@examples(8)
@given(payloads, st.data())
def test_a_flipped_bit_is_told_and_costs_one_record(entries: list[bytes], data: st.DataObject) -> None:
    with memory_folder() as directory:
        (path,) = write(directory, entries)
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(HEADER_SIZE, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        with pytest.raises(JournalDamagedError, match="damaged"):
            open_journal(directory)
        kept = reopened(directory, salvage_damage=True)
        assert kept in [entries[:lost] + entries[lost + 1 :] for lost in range(len(entries))]


def test_damage_stays_aside_as_evidence() -> None:
    with memory_folder() as directory:
        (path,) = write(directory, [b"one", b"two"])
        path.write_bytes(path.read_bytes().replace(b"one", b"uno"))
        journal = open_journal(directory, salvage_damage=True)
        assert drain(journal) == [b"two"]
        journal.ack(2)
        journal.close()
        assert b"uno" in path.with_suffix(".damaged").read_bytes()


def test_what_is_acknowledged_may_be_damaged() -> None:
    with memory_folder() as directory:
        (path,) = write(directory, [b"one", b"two"])
        journal = open_journal(directory)
        journal.ack(1)
        journal.close()
        path.write_bytes(path.read_bytes().replace(b"one", b"uno"))
        assert reopened(directory) == [b"two"]


def test_a_missing_file_is_told() -> None:
    with memory_folder() as directory:
        first, *_ = write(directory, [b"x" * 30] * 6, segment_bytes=100)
        first.unlink()
        with pytest.raises(JournalDamagedError, match="records 1 to "):
            open_journal(directory)


@given(st.lists(st.binary(max_size=30), max_size=6), st.binary(max_size=60))
def test_salvage_finds_whole_frames_behind_anything(entries: list[bytes], noise: bytes) -> None:
    frames = [pack_frame(number, 1, entry) for number, entry in enumerate(entries)]
    found = [record.payload for record in salvage(b"TNBOOKS1" + noise + b"".join(frames) + noise)]
    assert [entry for entry in found if entry in entries][-len(entries) or None :] == entries


def test_segments_go_when_they_are_acknowledged() -> None:
    with memory_folder() as directory:
        journal = open_journal(directory, segment_bytes=100)
        for _ in range(20):
            journal.append(b"x" * 30, 1)
        assert len(list(directory.glob("*.journal"))) > 5
        before = journal.size
        journal.ack(19)
        assert len(list(directory.glob("*.journal"))) == 1
        assert journal.size < before
        journal.close()


def test_what_a_life_without_a_record_left_is_not_taken_for_the_next_ones_file() -> None:
    """A life that ended before its first record leaves an empty file of the name that the next life writes to."""
    with memory_folder() as directory:
        write(directory, [b"one", b"two"])
        write(directory, [])
        journal = open_journal(directory)
        assert drain(journal) == [b"one", b"two"]
        journal.append(b"three", 1)
        journal.ack(2)
        journal.close()

        assert reopened(directory) == [b"three"]


def test_a_record_longer_than_a_segment_and_a_chunk() -> None:
    with memory_folder() as directory:
        long = os.urandom(600_000)
        journal = open_journal(directory, segment_bytes=1000)
        for entry in (b"a", long, b"b"):
            journal.append(entry, 1)
        assert drain(journal) == [b"a", long, b"b"]
        journal.close()
        assert reopened(directory) == [b"a", long, b"b"]


def test_the_limit_is_told_and_room_comes_back() -> None:
    with memory_folder() as directory:
        journal = open_journal(directory, segment_bytes=100, max_bytes=400)
        taken = 0

        def fill_up() -> None:
            nonlocal taken
            for _ in range(100):
                journal.append(b"x" * 30, 1)
                taken += 1

        with pytest.raises(JournalFullError, match="limit of 400 bytes"):
            fill_up()
        assert len(drain(journal)) == taken
        journal.ack(journal.last_sequence)
        journal.append(b"again", 1)
        assert drain(journal) == [b"again"]
        journal.close()


@pytest.mark.parametrize("cut_fails", [False, True])
def test_half_a_record_on_a_full_disk_leaves_no_trace(monkeypatch: pytest.MonkeyPatch, cut_fails: bool) -> None:
    """A disk fills up in the middle of a record: what came before and what comes later is whole.

    That can be only where a file is written by calls, because it cannot be mapped.
    """
    monkeypatch.setattr(mmap, "mmap", cannot_be_mapped)
    real_write, real_cut = os.pwrite, os.ftruncate
    full = [False]

    def half_a_write(fd: int, data: bytes, offset: int) -> int:
        if not full[0]:
            return real_write(fd, data, offset)
        if len(data) > 10:
            return real_write(fd, data[:10], offset)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def cut(fd: int, size: int) -> None:
        if cut_fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real_cut(fd, size)

    monkeypatch.setattr(os, "pwrite", half_a_write)
    monkeypatch.setattr(os, "ftruncate", cut)
    with memory_folder() as directory:
        journal = open_journal(directory)
        journal.append(b"before", 1)
        full[0] = True
        for _ in range(2):
            with pytest.raises(JournalFullError, match="No space left"):
                journal.append(b"while", 1)
        full[0] = False
        journal.append(b"after", 1)
        assert drain(journal) == [b"before", b"after"]
        journal.close()
        assert reopened(directory) == [b"before", b"after"]


def cannot_be_mapped(*_: object) -> None:
    raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


def test_a_disk_that_is_full_is_told_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    real, full = os.posix_fallocate, [False]

    def allocate(fd: int, offset: int, length: int) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(fd, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", allocate)
    with memory_folder() as directory:
        journal = open_journal(directory, segment_bytes=200)
        journal.append(b"before", 1)
        full[0] = True
        for _ in range(2):
            with pytest.raises(JournalFullError, match="No space left"):
                journal.append(b"w" * 200, 1)
        full[0] = False
        journal.append(b"after" * 100, 1)
        assert drain(journal) == [b"before", b"after" * 100]
        journal.close()
        assert reopened(directory) == [b"before", b"after" * 100]


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("segment_bytes", [100, 4096, 8 * 1024 * 1024])
def test_a_killed_process_leaves_every_record(
    monkeypatch: pytest.MonkeyPatch, mapped: bool, segment_bytes: int
) -> None:
    """The files as they are at any moment hold everything, the room behind them included."""
    if not mapped:
        monkeypatch.setattr(mmap, "mmap", cannot_be_mapped)
    entries = [os.urandom(30 + 7 * number % 50) for number in range(40)]
    with memory_folder() as directory, memory_folder() as copies:
        journal = open_journal(directory, segment_bytes=segment_bytes)
        for number, entry in enumerate(entries, start=1):
            journal.append(entry, 1)
            if number % 13 == 0:
                copy = copies / str(number)
                shutil.copytree(directory, copy)
                assert reopened(copy) == entries[:number]
        journal.close()
        assert sum(path.stat().st_size for path in directory.glob("*.journal")) < 8_000
        assert reopened(directory) == entries


def test_one_process_a_journal() -> None:
    with memory_folder() as directory:
        journal = open_journal(directory)
        with pytest.raises(JournalError, match="another process"):
            open_journal(directory)
        journal.close()
        open_journal(directory).close()


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be used: Not a directory"):
        open_journal(tmp_path / "file" / "journal")


def test_another_format_is_told(tmp_path: Path) -> None:
    (tmp_path / f"{1:020d}.journal").write_bytes(b"TNBOOKS9")
    with pytest.raises(JournalError, match="another release"):
        open_journal(tmp_path)


@pytest.mark.parametrize(("policy", "calls"), [(SyncPolicy.ALWAYS, 3), (SyncPolicy.BEHIND, 0), (SyncPolicy.NEVER, 0)])
def test_policies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, policy: SyncPolicy, calls: int) -> None:
    asked: list[int] = []
    monkeypatch.setattr(os, "fdatasync", asked.append)
    journal = open_journal(tmp_path, policy=policy)
    for _ in range(3):
        journal.append(b"x", 1)
    assert len(asked) == calls
    journal.sync()
    assert len(asked) == {SyncPolicy.ALWAYS: 4, SyncPolicy.BEHIND: 1, SyncPolicy.NEVER: 0}[policy]
    journal.close()


def test_files_do_not_stay_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for policy in SyncPolicy:
        journal = open_journal(tmp_path / policy, segment_bytes=100, policy=policy)
        for _ in range(30):
            journal.append(b"x" * 30, 1)
            journal.ack(journal.read(10)[-1].sequence)
            journal.sync()
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 5
        journal.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
