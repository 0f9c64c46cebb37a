"""The books' section of the run-config, and the books between gate, metrics and the end of a run."""

import json
import logging
import sqlite3
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tests.unit.books.stories import TRADER, placed
from trading_api.codec import dump_node_config, parse_node_config
from trading_api.database import DatabaseSection, JournalSync
from trading_api.errors import InvalidDocument
from trading_api.exit_codes import ExitCode
from trading_node import bookkeeping
from trading_node.book_events import Noted
from trading_node.bookkeeping import Bookkeeping, books_are_about, database_address, keep_books
from trading_node.books_metrics import BooksCollector
from trading_node.errors import NodeError
from trading_node.gate import Denial
from trading_node.redaction import EVERYWHERE
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.orders import Contract, OrderIntent
from trading_node.store.books import Books
from trading_node.store.codec import UNTRANSLATED
from trading_node.store.journal import SyncPolicy, open_journal
from trading_node.store.stats import BookStats, Health

EXAMPLES = Path(__file__).parents[3] / "docs/examples"
WORD = "h0rse"
ORDER = OrderIntent("O-1", "ema", Contract("BTCUSDT.BINANCE", "BINANCE", "USDT", "USDT"), True, Decimal(1), "MARKET")
STATS = BookStats(
    queue_depth=7, queue_bytes=4096, memory_depth=1, free_bytes=512,
    lag_seconds=0.5, database_up=True, schema_revision="0001",
    events_written=90, batches=3, retries=2, rejected=1, lost=4, missing=6, untranslated=8,
    lag_counts=(50, 30, *(0,) * 11, 10), lag_sum=12.5, last_error="disk full",
)  # fmt: skip


def parsed(**database: Any) -> DatabaseSection | None:
    config = json.loads((EXAMPLES / "paper.json").read_text())
    return parse_node_config(json.dumps({**config, "database": database})).database


def books_of(folder: Path, *, variables: dict[str, str] | None = None, **section: Any) -> Bookkeeping:
    return Bookkeeping(DatabaseSection(directory="books", **section), folder, TRADER, variables or {})


class TestSection:
    def test_without_it_nothing_changes(self) -> None:
        text = (EXAMPLES / "paper.json").read_text()
        config = parse_node_config(text)
        assert config.database is None
        assert "database" not in json.loads(dump_node_config(config))
        assert keep_books(config, EXAMPLES, {}) is None

    def test_the_example_keeps_books_beside_itself(self) -> None:
        config = parse_node_config((EXAMPLES / "paper-books.json").read_text())
        assert config.database == DatabaseSection(directory="books")
        assert config.database.sync is JournalSync.BEHIND

    def test_journals_know_every_policy(self) -> None:
        assert [policy.value for policy in JournalSync] == [policy.value for policy in SyncPolicy]

    @pytest.mark.parametrize(
        "url",
        [f"postgresql://desk:{WORD}@db/books", f"postgresql://db/books?user=desk&PassWord={WORD}",
         f"postgresql+asyncpg://desk:{WORD}?@db/books"],
    )  # fmt: skip
    def test_a_password_in_the_file_is_refused_and_not_repeated(self, url: str) -> None:
        with pytest.raises(InvalidDocument, match="write the variable's name in url_env") as caught:
            parsed(directory="books", url=url)
        assert WORD not in str(caught.value)
        assert [error.path for error in caught.value.errors] == ["database.url"]

    @pytest.mark.parametrize(
        "url", ["postgresql://desk@db:5432/books", "postgresql://db/books?host=/run/postgresql", "sqlite:////a/b.db"]
    )
    def test_a_url_without_password_is_taken(self, url: str) -> None:
        section = parsed(directory="books", url=url)
        assert section is not None
        assert database_address(section, {}) == url

    @pytest.mark.parametrize(
        ("section", "words"),
        [
            ({}, "database.directory: is required"),
            ({"directory": "b", "url": "sqlite:////a", "url_env": "A"}, "database.url_env: url names the database"),
            ({"directory": "b", "url_env": "A-B"}, "such as BOOKS_DATABASE_URL"),
            ({"directory": "b", "sync": "sometimes"}, "database.sync: write 'always', 'behind' or 'never'"),
            ({"directory": "b", "user": "desk"}, "database.user: unknown field"),
        ],
    )
    def test_what_is_wrong_is_told(self, section: dict[str, Any], words: str) -> None:
        with pytest.raises(InvalidDocument, match=words):
            parsed(**section)

    def test_the_url_comes_from_the_environment(self) -> None:
        section = DatabaseSection(directory="books", url_env="BOOKS")
        assert database_address(section, {"BOOKS": " sqlite:////a/b.db\n"}) == "sqlite:////a/b.db"

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://desk:cart%2Fh0rse@127.0.0.1:1/books",
            "postgresql://127.0.0.1:1/books?user=desk&password=cart%2Fh0rse",
        ],
    )
    async def test_a_password_in_the_environment_is_in_nothing_that_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, url: str
    ) -> None:
        for patience in ("READY_SECONDS", "LEAST_SECONDS"):
            monkeypatch.setattr(bookkeeping, patience, 0.05)
        keeping = books_of(tmp_path, url_env="BOOKS", variables={"BOOKS": url})
        with caplog.at_level(logging.INFO):
            await keeping.open()
            await keeping.close(0)
        assert "does not answer" in caplog.text
        assert "h0rse" not in caplog.text
        for said in (url, "cart%2Fh0rse", "cart/h0rse"):
            assert "h0rse" not in EVERYWHERE.redact(f"cannot reach {said} today")

    def test_an_address_that_is_not_set_is_told(self) -> None:
        section = DatabaseSection(directory="books", url_env="BOOKS")
        for variables in ({}, {"BOOKS": " "}):
            with pytest.raises(NodeError, match="variable BOOKS is to hold the URL") as caught:
                database_address(section, variables)
            assert caught.value.exit_code is ExitCode.CONFIG_REFUSED


class TestLife:
    async def test_what_it_is_told_is_in_the_database_when_it_has_closed(self, tmp_path: Path) -> None:
        keeping = books_of(tmp_path)
        assert not keeping.takes()
        assert keeping.stats() is None
        await keeping.open()
        assert keeping.takes()
        left: list[str] = []
        keeping.follow(lambda: left.append("bus"))
        keeping.record(placed("O-1"))
        await keeping.close(30)
        await keeping.close(30)
        assert left == ["bus"]
        assert keeping.outcome == "1 events written"
        assert (tmp_path / "books" / "books.sqlite3").is_file()

    async def test_a_stop_whose_time_is_up_still_writes_what_the_database_takes(self, tmp_path: Path) -> None:
        keeping = books_of(tmp_path)
        await keeping.open()
        keeping.on_denial(Denial(1, ORDER, Deny(Reason.HALTED)))
        await keeping.close(-5.0)
        assert keeping.outcome == "1 events written"

    async def test_a_statement_that_hangs_does_not_hold_the_stop(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keeping = books_of(tmp_path)
        await keeping.open()
        goes_on, close = Event(), Books.close
        monkeypatch.setattr(Books, "close", lambda books, _: (goes_on.wait(30), close(books))[1])
        monkeypatch.setattr(bookkeeping, "GRACE_SECONDS", 0.05)
        monkeypatch.setattr(bookkeeping, "LEAST_SECONDS", 0.0)
        monkeypatch.setattr(Books, "stats", lambda _: STATS)
        await keeping.close(0)
        assert keeping.outcome == (
            "90 events written, 7 stay in the journal for the next run, 1 refused by the database, see rejected.jsonl, "
            "4 lost: disk full"
        )
        goes_on.set()

    async def test_a_refusal_is_noted_with_its_numbers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        keeping = books_of(tmp_path)
        told: list[Any] = []
        monkeypatch.setattr(keeping, "record", told.append)
        keeping.on_denial(Denial(5, ORDER, Deny(Reason.POSITION_TOO_LARGE, "BTCUSDT.BINANCE", Decimal(2), Decimal(3))))
        (note,) = told
        assert isinstance(note, Noted)
        assert (note.operation_id, note.topic, note.ts_event) == (f"{TRADER}/O-1", "Refused", 5)
        assert note.details["reason"] == "PositionTooLarge"
        assert (note.details["value"], note.details["limit"], note.details["modify"]) == ("3", "2", False)

    async def test_books_that_fail_are_told_once_each_way(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        keeping = books_of(tmp_path)
        await keeping.open()
        books = keeping._books
        assert books is not None
        with caplog.at_level(logging.WARNING):
            for failure in ("disk full", "disk full", "", ""):
                monkeypatch.setattr(books.writer, "failure", failure)
                assert keeping.takes() == (not failure)
        assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
        assert "disk full" in caplog.text
        monkeypatch.undo()
        await keeping.close(30)

    async def test_what_a_former_run_could_not_write_lets_a_node_start_to_get_out(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "books").mkdir()
        (tmp_path / "books" / "rejected.jsonl").write_text('{"event": "x", "error": "y"}\n')
        keeping = books_of(tmp_path)
        with caplog.at_level(logging.ERROR):
            await keeping.open()
        assert not keeping.takes()
        assert "trading-node books rejected" in caplog.text
        (tmp_path / "books" / "rejected.jsonl").unlink()
        assert keeping.takes()
        await keeping.close(30)

    async def test_orders_wait_where_an_event_of_one_was_not_translated_or_the_disk_is_in_doubt(
        self, tmp_path: Path
    ) -> None:
        keeping = books_of(tmp_path)
        await keeping.open()
        books = keeping._books
        assert books is not None
        books.journal.failure = "the disk does not confirm"
        assert not keeping.takes()
        books.journal.failure = ""
        assert keeping.takes()
        keeping.record(Noted(event_id="e", operation_id="T/O-1", ts_event=1, ts_init=1, topic=UNTRANSLATED))
        assert not keeping.takes()
        await keeping.close(30)

    async def test_the_paper_twin_of_a_live_node_keeps_no_books_beside_it(self, tmp_path: Path) -> None:
        """One trader id and one database, two directories: only the database knows of both."""
        section = DatabaseSection(directory="books", url=f"sqlite:///{tmp_path / 'shared.sqlite3'}")
        paper = Bookkeeping(section, tmp_path / "paper", TRADER, {}, {"mode": "Paper"})
        await paper.open()
        paper.record(placed("O-1"))
        live = Bookkeeping(section, tmp_path / "live", TRADER, {}, {"mode": "Live"})
        try:
            with pytest.raises(NodeError, match="about mode Paper, and this node is about Live") as caught:
                await live.open()
            assert caught.value.exit_code is ExitCode.NOT_TRADING
            assert not live.takes()
        finally:
            await live.close(5)
            await paper.close(30)

    async def test_what_is_never_written_is_not_waited_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A database that was away while the books were opened, and turns out to be another's."""
        monkeypatch.setattr(bookkeeping, "READY_SECONDS", 0.0)
        monkeypatch.setattr("trading_node.book_history.WAIT_SECONDS", 0.05)
        section = DatabaseSection(directory="books", url=f"sqlite:///{tmp_path / 'shared.sqlite3'}")
        paper = Bookkeeping(section, tmp_path / "paper", TRADER, {}, {"mode": "Paper"})
        await paper.open()
        history = paper.history()
        assert history is not None
        await history.written()
        await paper.close(30)
        hold = sqlite3.connect(tmp_path / "shared.sqlite3", isolation_level=None)
        hold.execute("BEGIN EXCLUSIVE")
        live = Bookkeeping(section, tmp_path / "live", TRADER, {}, {"mode": "Live"})
        await live.open()
        live.record(placed("O-1"))
        hold.execute("ROLLBACK")
        hold.close()
        try:
            history = live.history()
            assert history is not None
            with pytest.raises(NodeError, match="about mode Paper") as caught:
                await history.read()
            assert caught.value.exit_code is ExitCode.NOT_TRADING
        finally:
            await live.close(5)

    def test_what_books_are_about(self) -> None:
        paper = json.loads((EXAMPLES / "paper.json").read_text())
        assert books_are_about(parse_node_config(json.dumps(paper)).trading_node) == {"mode": "Paper"}
        venue = {
            "name": "CASH", "adapter": "Binance", "environment": "Testnet", "account": "desk-a",
            "credentials": {"env_prefix": "DESK"}, "instruments": ["BTCUSDT.CASH"], "binance": {"account_type": "Spot"},
        }  # fmt: skip
        section = {**paper["trading_node"], "mode": "Live", "venues": [venue]}
        section.pop("catalogs")
        document = {"trading_node": section, "database": {"directory": "books"}}
        live = parse_node_config(json.dumps(document)).trading_node
        assert books_are_about(live) == {"mode": "Live", "CASH's": "account desk-a on Testnet"}

    async def test_a_url_that_is_none_is_refused_without_its_password(self, tmp_path: Path) -> None:
        keeping = books_of(tmp_path, url_env="BOOKS", variables={"BOOKS": f"mysql://desk:{WORD}@db/books"})
        with pytest.raises(NodeError, match="Correct the environment variable BOOKS") as caught:
            await keeping.open()
        assert caught.value.exit_code is ExitCode.CONFIG_REFUSED
        assert WORD not in str(caught.value)
        await keeping.close(30)

    async def test_a_journal_in_use_is_refused(self, tmp_path: Path) -> None:
        other = open_journal(tmp_path / "books" / "journal")
        with pytest.raises(NodeError, match="another process writes the journal") as caught:
            await books_of(tmp_path).open()
        assert caught.value.exit_code is ExitCode.NOT_TRADING
        other.close()

    async def test_a_database_of_another_kind_of_schema_is_no_reason_to_trade(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Books, "health", lambda _: Health(ok=False, reason="unified_fills lacks odds"))
        keeping = books_of(tmp_path)
        with pytest.raises(NodeError, match="unified_fills lacks odds") as caught:
            await keeping.open()
        assert (caught.value.exit_code, caught.value.reason) == (ExitCode.NOT_TRADING, "BooksFailed")
        await keeping.close(30)


def test_metrics_are_there_once_the_books_are_open() -> None:
    registry = CollectorRegistry()
    shown: list[BookStats] = []
    registry.register(BooksCollector(lambda: shown[0] if shown else None))
    assert registry.get_sample_value("trading_node_books_queue_events") is None
    shown.append(STATS)
    expected = {
        "queue_events": 7, "journal_bytes": 4096, "memory_events": 1,
        "free_bytes": 512, "lag_seconds": 0.5, "database_up": 1,
        "events_written_total": 90, "batches_total": 3, "retries_total": 2, "events_rejected_total": 1,
        "events_lost_total": 4, "events_missing_total": 6, "events_untranslated_total": 8,
        "commit_seconds_sum": 12.5, "commit_seconds_count": 90,
    }  # fmt: skip
    for name, value in expected.items():
        assert registry.get_sample_value(f"trading_node_books_{name}") == value, name
    assert registry.get_sample_value("trading_node_books_commit_seconds_bucket", {"le": "0.01"}) == 80
