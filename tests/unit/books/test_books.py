"""The books as the node uses them: nothing is lost while the database, the disk or the process is away."""

import errno
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.books.agreement import differences, expected_tables, stored_tables
from tests.unit.books.database_suite import run
from tests.unit.books.stories import TRADER, filled, moved, noted, placed
from trading_node.book_events import BookEvent, Filled, TransitionKind
from trading_node.store import batch, journal, writer
from trading_node.store.books import Books, BooksSettings
from trading_node.store.codec import UNTRANSLATED
from trading_node.store.engine import DatabaseUrlError, database_url, embedded_url, make_engine, shown, without_password
from trading_node.store.writer import Pacing

QUICK = Pacing(batch_events=7, linger_seconds=0.001)


def settings(folder: Path, **changes: Any) -> BooksSettings:
    return BooksSettings(**{"trader_id": TRADER, "directory": folder, "pacing": QUICK, **changes})


def life(order: str, at: int = 1) -> list[BookEvent]:
    return [
        placed(order, ts_event=at, ts_init=at),
        moved(TransitionKind.SUBMITTED, at + 1, order),
        moved(TransitionKind.ACCEPTED, at + 2, order, venue_order_id=f"V-{order}"),
        filled(f"{at}", "4", "100", at + 3, order),
        filled(f"{at + 1}", "6", "101", at + 4, order),
    ]


def lives(count: int) -> list[BookEvent]:
    return [event for number in range(count) for event in life(f"O-{number}", number * 10)]


def tell(books: Books, events: list[BookEvent]) -> None:
    for event in events:
        books.record(event)


def disagreement(folder: Path, events: list[BookEvent], url: str = "") -> list[str]:
    async def compare() -> list[str]:
        engine = make_engine(database_url(url) if url else embedded_url(folder))
        try:
            return differences(expected_tables(events, TRADER), await stored_tables(engine))
        finally:
            await engine.dispose()

    return run(compare())


def test_what_is_told_is_in_the_database(tmp_path: Path) -> None:
    events = lives(10)
    books = Books(settings(tmp_path))
    tell(books, events)
    assert books.wait_written(10)
    stats = books.stats()
    assert (stats.queue_depth, stats.lost, stats.rejected, stats.database_up) == (0, 0, 0, True)
    assert stats.events_written == sum(stats.lag_counts) == len(events)
    assert books.health().ok
    assert books.close() == 0
    assert disagreement(tmp_path, events) == []


def test_an_idle_writer_wakes_up(tmp_path: Path) -> None:
    books = Books(settings(tmp_path))
    assert books.wait_ready(10)
    for number in range(2):
        time.sleep(0.01)
        tell(books, life(f"O-{number}"))
        assert books.wait_written(5)
    books.close()


def test_closing_without_database_leaves_everything_to_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionRefusedError(111, "postgresql://desk:secret@db is away")

    events = lives(4)
    with monkeypatch.context() as patched:
        patched.setattr(writer, "migrate", away)
        books = Books(settings(tmp_path))
        tell(books, events)
        assert not books.wait_ready(0.15)
        stats = books.stats()
        assert not stats.database_up
        assert stats.queue_depth == len(events)
        assert "ConnectionRefusedError" in stats.last_error
        assert "secret" not in stats.last_error
        assert books.health().ok  # the journal has them: trading goes on
        assert books.close(0.1) == len(events)
    books = Books(settings(tmp_path))
    assert books.wait_written(10)
    assert books.close() == 0
    assert disagreement(tmp_path, events) == []


def test_a_database_that_fails_for_a_while_misses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([OSError("reset"), None, TimeoutError(), OSError("reset")])
    real = batch.write_batch

    async def unsteady(*arguments: Any) -> None:
        failure = next(failures, None)
        await real(*arguments)
        if failure is not None:
            raise failure  # Before the commit: nothing of the batch is kept.

    monkeypatch.setattr(writer, "write_batch", unsteady)
    monkeypatch.setattr(writer, "_FIRST_PAUSE", 0.01)
    events = lives(6)
    books = Books(settings(tmp_path))
    tell(books, events)
    assert books.wait_written(20)
    assert books.stats().retries == 3
    books.close()
    assert disagreement(tmp_path, events) == []


def test_an_event_that_is_refused_is_put_aside_and_told(tmp_path: Path) -> None:
    events = lives(4)
    poison = placed("O-poison", ts_event=2**70)
    books = Books(settings(tmp_path))
    tell(books, [*events[:9], poison, *events[9:]])
    assert books.wait_written(20)
    assert books.stats().rejected == 1
    health = books.health()
    assert not health.ok
    assert "rejected.jsonl" in health.reason
    books.close()
    assert disagreement(tmp_path, events) == []
    assert "O-poison" in (tmp_path / "rejected.jsonl").read_text()


def test_a_full_disk_is_told_and_loses_nothing_while_the_database_takes_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite
    full = [False]

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        if full[0] and len(data) > 100:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    events = lives(6)
    books = Books(settings(tmp_path))
    assert books.wait_ready(10)
    tell(books, events[:10])
    full[0] = True
    books.record(events[10])
    assert books.wait_written(10)
    tell(books, events[11:20])
    full[0] = False
    tell(books, events[20:])
    assert books.wait_written(10)
    assert books.health().ok
    books.close()
    assert disagreement(tmp_path, events) == []


def test_no_room_anywhere_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(writer, "migrate", away)
    monkeypatch.setattr("trading_node.store.books.open_journal", partial(journal.open_journal, segment_bytes=500))
    books = Books(settings(tmp_path, journal_bytes=2000, memory_events=3))
    told = 0
    while not books.stats().memory_depth:
        books.record(noted(f"n-{told}", text="x" * 500))
        told += 1
    assert not books.health().ok
    assert "limit of 2000 bytes" in books.health().reason
    while not books.stats().lost:
        books.record(noted(f"n-{told}", text="x" * 500))
        told += 1
    assert books.stats().memory_depth == 3
    assert "1 events are lost" in books.health().reason
    books.close(0.05)


def test_events_after_the_end_are_counted_as_lost(tmp_path: Path) -> None:
    books = Books(settings(tmp_path))
    books.close()
    books.record(noted("late"))
    assert books.stats().lost == 1
    assert not books.health().ok


class Plain:
    def __str__(self) -> str:
        return "plain"


class Shy:
    def __str__(self) -> str:
        raise RuntimeError("shy")

    __repr__ = __str__


def test_whatever_a_strategy_puts_into_an_order_is_recorded(tmp_path: Path) -> None:
    """What came out of `record` would end the node in the middle of an order."""
    books = Books(settings(tmp_path))
    events = [
        placed("O-1", parameters={"x": Plain(), "y": {1, 2}}),
        placed("O-2", parameters={Plain(): 1.5, "half \ud83d": ("a", None)}, tags=("half \ud83d",)),
        moved(TransitionKind.REJECTED, 2, "O-2", reason="half \ud83d"),
        *life("O-3"),
    ]
    tell(books, events)
    assert books.wait_written(20)
    assert books.health().ok
    books.close()
    with closing(sqlite3.connect(tmp_path / "books.sqlite3")) as connection:
        rows = connection.execute(
            "SELECT algorithm_parameters, reason FROM unified_orders ORDER BY client_order_id LIMIT 2"
        ).fetchall()
    assert rows[0][0] == '{"x":"plain","y":[1,2]}'
    assert rows[1] == ('{"plain":1.5,"half \\\\ud83d":["a",null]}', "half \\ud83d")


def endless() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["again"] = value
    return value


@pytest.mark.parametrize("parameters", [{"x": Shy()}, {Shy(): 1}, endless()])
def test_what_cannot_even_be_taken_apart_is_noted_and_stops_new_orders(
    tmp_path: Path, parameters: dict[Any, Any]
) -> None:
    books = Books(settings(tmp_path))
    tell(books, [placed("O-1", parameters=parameters), *life("O-2")])
    assert books.wait_written(20)
    health = books.health()
    assert not health.ok
    assert f"{TRADER}/O-1" in health.reason
    assert books.stats().untranslated == 1
    books.close()
    with closing(sqlite3.connect(tmp_path / "books.sqlite3")) as connection:
        rows = connection.execute("SELECT operation_id, payload FROM unified_events WHERE kind = 'Untranslated'")
        ((operation, payload),) = rows.fetchall()
    assert operation == f"{TRADER}/O-1"
    assert "Placed" in payload


@pytest.mark.parametrize(("operation", "well"), [("", True), (f"{TRADER}/O-1", False)])
def test_an_event_of_an_order_that_was_not_translated_stops_new_orders(
    tmp_path: Path, operation: str, well: bool
) -> None:
    books = Books(settings(tmp_path))
    books.record(replace(noted("n"), topic=UNTRANSLATED, operation_id=operation))
    assert books.health().ok is well
    assert books.stats().untranslated == 1
    books.close()


def test_a_schema_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "books.sqlite3")) as connection:
        connection.execute("CREATE TABLE unified_schema_revision (version_num TEXT)")
        connection.execute("INSERT INTO unified_schema_revision VALUES ('7777')")
        connection.commit()
    books = Books(settings(tmp_path))
    assert not books.wait_ready(10)
    assert "revision 7777" in books.health().reason
    books.close()


def lose_an_event(patch: pytest.MonkeyPatch) -> None:
    real = journal.Journal.append
    patch.setattr(
        journal.Journal, "append", lambda self, data, at: 0 if b'"trade_id":"11"' in data else real(self, data, at)
    )


def count_a_fill_for_each_report(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Filled, "fill_id", property(lambda fill: fill.event_id))


def skip_the_replay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(journal, "unacknowledged", lambda *_: iter(()))


def acknowledge_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    real = journal.Journal.read

    def read(self: journal.Journal, limit: int) -> Any:
        records = real(self, limit)
        if records:
            self.ack(records[-1].sequence)
        return records

    patch.setattr(journal.Journal, "read", read)


def forget_positions_of_late_fills(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        return None

    patch.setattr("trading_node.store.batch._refold_position", nothing)


def no_bug(_: pytest.MonkeyPatch) -> None:
    pass


@pytest.mark.parametrize(
    ("plant", "finds"),
    [
        (no_bug, []),
        (lose_an_event, ["lost from events", "lost from fills"]),
        (count_a_fill_for_each_report, ["phantom in fills"]),
        (skip_the_replay, ["lost from events", "lost from orders"]),
        (acknowledge_before_the_commit, ["lost from events"]),
        (forget_positions_of_late_fills, ["quantity is"]),
    ],
)
def test_planted_bugs_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], finds: list[str]
) -> None:
    """A node trades, dies without its database, comes back and trades on; some reports come twice, some late."""

    async def away(*_: object) -> None:
        raise OSError("away")

    events = lives(6)
    again = filled("10", "4", "100", 999, "O-1", event_id="again", reconciliation=True)
    late = filled("0", "1", "99", -5, "O-late")
    expected = [*events, again, late]
    rows = expected_tables(expected, TRADER)
    with monkeypatch.context() as patched:
        plant(patched)
        with patched.context() as first_run:
            first_run.setattr(writer, "write_batch", away)
            books = Books(settings(tmp_path))
            assert books.wait_ready(10)
            tell(books, events[:17])
            books.close(0.02)
        books = Books(settings(tmp_path))
        tell(books, [*events[17:], again, late])
        books.close()

    async def found() -> list[str]:
        engine = make_engine(embedded_url(tmp_path))
        try:
            return differences(rows, await stored_tables(engine))
        finally:
            await engine.dispose()

    told = run(found())
    if not finds:
        assert told == []
    for words in finds:
        assert any(words in difference for difference in told), told


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        ("postgresql://u:p@db/books", "postgresql+asyncpg://u:***@db/books"),
        ("postgres://u@db/books?sslmode=require", "postgresql+asyncpg://u@db/books?ssl=require"),
        ("postgresql://db/books?user=u&password=p", "postgresql+asyncpg://db/books?password=%2A%2A%2A&user=u"),
        ("sqlite:////state/books.sqlite3", "sqlite+aiosqlite:////state/books.sqlite3"),
    ],
)
def test_database_urls(text: str, opens: str) -> None:
    assert shown(database_url(text)) == opens


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("db.example:5432", "postgresql://USER:PASSWORD@HOST/DATABASE"),
        ("mysql://u:hunter2@db/books", "'mysql'"),
        ("sqlite://", "need a file"),
        ("sqlite:///books.sqlite3", "write it with four slashes"),
        ("postgresql://u:hunter2@db/books?sslmode=sometimes", "write one of disable"),
        ("postgresql://u:hunter2@db/books?ssl=on", "write one of disable"),
        ("postgresql://u:hunter2@db/books?sslmode=require&channel_binding=hunter2", "its option channel_binding is"),
        ("postgresql://u:hunter2@db/books?connect_timeout=5", "remove it; known are host, port"),
        ("postgresql://u:hunter2@db/books?host=a:5432&host=b", "its hosts or ports cannot be read"),
        ("postgresql://u:hunter2@/books?host=a&port=hunter2", "its hosts or ports cannot be read"),
    ],
)
def test_urls_that_cannot_be_used_say_what_to_write(text: str, says: str) -> None:
    with pytest.raises(DatabaseUrlError) as caught:
        database_url(text)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_passwords_stay_out_of_messages() -> None:
    assert without_password("cannot reach postgresql://u:hunter2@db/x") == "cannot reach postgresql://u:***@db/x"
    assert without_password("postgresql://u:hun/ter2@db/x") == "postgresql://u:***@db/x"
    assert (
        without_password("no postgresql://db/x?Password=hunter2&ssl=on") == "no postgresql://db/x?Password=***&ssl=on"
    )
