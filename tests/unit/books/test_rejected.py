"""What the database refuses is put aside and dealt with by a person; a mistake of this program is no refusal."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from tests.unit.books.stories import placed
from tests.unit.books.test_books import disagreement, life, lives, settings, tell
from tests.waiting import eventually
from trading_api.exit_codes import ExitCode
from trading_node.cli import main
from trading_node.store import batch, writer
from trading_node.store.books import Books
from trading_node.store.rejected import REJECTED, count_rejected, put_aside, read_rejected
from trading_node.store.writer import is_refusal


def test_an_absent_database_is_no_refusal() -> None:
    assert not is_refusal(ConnectionResetError())
    assert not is_refusal(TimeoutError())
    assert is_refusal(OverflowError())


@pytest.mark.parametrize("error", [TypeError("x"), KeyError("x"), ValueError("x"), AttributeError("x")])
def test_a_mistake_of_this_program_is_no_refusal(error: Exception) -> None:
    assert not is_refusal(error)


def test_what_drivers_say_of_data_is_a_refusal() -> None:
    assert is_refusal(StatementError("cannot bind", "INSERT", None, ValueError("no decimal")))
    assert is_refusal(IntegrityError("INSERT", None, sqlite3.IntegrityError("NOT NULL")))
    assert not is_refusal(OperationalError("INSERT", None, sqlite3.OperationalError("disk is full")))


def test_a_mistake_of_this_program_leaves_the_events_to_another_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wrong(*_: object) -> None:
        raise TypeError("not subscriptable")

    monkeypatch.setattr(writer, "_FIRST_PAUSE", 0.001)
    events = lives(2)
    with monkeypatch.context() as patched:
        patched.setattr(writer, "write_batch", wrong)
        books = Books(settings(tmp_path))
        tell(books, events)
        eventually(lambda: not books.health().ok, "the books are unwell", every=0.005)
        assert "not subscriptable" in books.health().reason
        assert books.close(0.01) == len(events)
    books = Books(settings(tmp_path))
    assert books.wait_written(20)
    assert books.health().ok
    books.close()
    assert disagreement(tmp_path, events) == []


def refuse_one(folder: Path) -> None:
    books = Books(settings(folder))
    tell(books, [*life("O-1"), placed("O-poison", ts_event=2**70)])
    assert books.wait_written(20)
    books.close()


def test_refused_events_are_known_after_a_restart_until_somebody_acknowledges_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse_one(tmp_path)
    books = Books(settings(tmp_path))
    assert books.wait_ready(20)
    health = books.health()
    assert (health.ok, health.may_start) == (False, True)
    assert "1 events that the database refused earlier" in health.reason

    assert main(["books", "rejected", str(tmp_path)]) == ExitCode.OK
    assert "O-poison" in capsys.readouterr().out
    assert not books.health().ok
    assert main(["books", "rejected", str(tmp_path), "--acknowledge"]) == ExitCode.OK
    assert books.health().ok
    tell(books, [placed("O-poison-2", ts_event=2**70)])
    assert books.wait_written(20)
    assert not books.health().ok
    books.close()
    (kept,) = tmp_path.glob("rejected-*.jsonl")
    assert "O-poison" in kept.read_text()


def test_what_is_refused_while_somebody_deals_with_the_file_is_known(tmp_path: Path) -> None:
    refuse_one(tmp_path)
    books = Books(settings(tmp_path))
    answers = iter([False, True])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(books, "_has_rejects", lambda: next(answers))
        assert not books.health().ok
    books.close()


def test_bytes_that_are_no_text_come_back_as_they_were(tmp_path: Path) -> None:
    put_aside(tmp_path / REJECTED, b"T\xff\x00{", "no event")
    put_aside(tmp_path / REJECTED, "T{ü}".encode(), "no event either")
    assert [event.payload for event in read_rejected(tmp_path / REJECTED)] == [b"T\xff\x00{", "T{ü}".encode()]
    assert count_rejected(tmp_path / REJECTED) == 2


def test_a_line_that_a_full_disk_cut_off_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / REJECTED
    path.write_text('{"error": "too large", "ev')
    put_aside(path, b"T{}", "no event")
    torn, whole = path.read_text().splitlines()
    assert torn == '{"error": "too large", "ev'
    path.write_text(whole + "\n")
    assert [event.payload for event in read_rejected(path)] == [b"T{}"]


def test_a_folder_that_is_not_there_has_no_books(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["books", "rejected", str(tmp_path / "boks")]) == ExitCode.CONFIG_REFUSED
    said = capsys.readouterr()
    assert "There is no folder" in said.err
    assert "0 refused events" not in said.out


def test_refused_events_are_replayed_once_the_cause_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    events = lives(3)
    real = batch.write_batch

    async def picky(connection: Any, trader: str, payloads: Any) -> None:
        if any(b"O-1" in payload for payload in payloads):
            raise OverflowError("too large")
        await real(connection, trader, payloads)

    with monkeypatch.context() as patched:
        patched.setattr(writer, "write_batch", picky)
        books = Books(settings(tmp_path))
        tell(books, events)
        assert books.wait_written(20)
        assert books.stats().rejected == 5
        assert main(["books", "rejected", str(tmp_path), "--replay"]) == ExitCode.NOT_TRADING
        assert "Stop the node first" in capsys.readouterr().err
        books.close()
    assert main(["books", "rejected", str(tmp_path), "--replay"]) == ExitCode.OK
    assert main(["books", "rejected", str(tmp_path), "--replay"]) == ExitCode.OK
    assert "0 refused events" in capsys.readouterr().out
    books = Books(settings(tmp_path))
    assert books.wait_written(20)
    assert books.health().ok
    books.close()
    assert disagreement(tmp_path, events) == []


@pytest.mark.parametrize("line", ["no json", "[]", '{"event": "x"}'])
def test_a_file_of_refused_events_that_is_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    (tmp_path / "rejected.jsonl").write_text(line + "\n")
    assert main(["books", "rejected", str(tmp_path), "--acknowledge"]) == ExitCode.CONFIG_REFUSED
    assert "line 1 of" in capsys.readouterr().err


def test_a_refused_event_that_cannot_be_put_aside_is_lost_and_told(tmp_path: Path) -> None:
    books = Books(settings(tmp_path))
    assert books.wait_ready(20)
    (tmp_path / "rejected.jsonl").mkdir()
    tell(books, [placed("O-poison", ts_event=2**70)])
    assert books.wait_written(20)
    assert books.stats().lost == 1
    assert "could not be put aside" in books.health().reason
    assert not books.health().may_start
    books.close()
