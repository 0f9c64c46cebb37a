"""The books of real nodes: equal to the node's own numbers, whole after a kill, and patient with a database."""

import json
import signal
import sqlite3
import sys
import urllib.request
from contextlib import closing
from pathlib import Path
from subprocess import run
from typing import Any

from tests.node.books.postgres_server import PostgresServer
from tests.node.processes import EMA_CROSS, MEAN_REVERSION, NodeProcess, node_process, run_config
from tests.waiting import eventually
from trading_api.exit_codes import ExitCode

WITNESS = """
import os
from trading_node.examples.ema_cross import EmaCross, EmaCrossConfig


class Witness(EmaCross):
    # Writes down each event of an order as strategies see it: after the books.
    def on_start(self):
        super().on_start()
        self.seen = os.open(os.environ["SEEN"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.msgbus.subscribe("events.order.*", self.keep)

    def keep(self, event):
        os.write(self.seen, f"{event.id} {event.client_order_id}\\n".encode())
"""
WITNESSED = {**EMA_CROSS, "path": "witness:Witness", "config_path": "witness:EmaCrossConfig"}


def with_books(config: dict[str, Any], **database: Any) -> dict[str, Any]:
    return {**config, "database": {"directory": "books", **database}}


def ask(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{folder / 'books' / 'books.sqlite3'}?mode=ro", uri=True)) as database:
        return database.execute(statement).fetchall()


def count(folder: Path, table: str, condition: str = "true") -> int:
    ((number,),) = ask(folder, f"SELECT count(*) FROM {table} WHERE {condition}")  # noqa: S608  # the test's own words
    return int(number)


def metrics(node: NodeProcess) -> dict[str, float]:
    with urllib.request.urlopen(node.url("/metrics"), timeout=5) as answer:  # noqa: S310  # loopback
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("trading_node_books_")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def seen(file: Path) -> list[tuple[str, str]]:
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [(line.split()[0], line.split()[1]) for line in lines]


def same_as_the_node_says(folder: Path, summary: dict[str, Any]) -> None:
    assert count(folder, "unified_orders") == summary["orders"]["total"] > 10
    assert count(folder, "unified_orders", "status = 'FILLED'") == summary["orders"]["filled"]
    assert count(folder, "unified_orders", "is_open") == summary["orders"]["open"]
    assert count(folder, "unified_fills", "NOT voided") == summary["fills"] >= summary["orders"]["filled"]
    assert count(folder, "unified_positions", "is_open") == summary["positions"]["open"]
    assert count(folder, "unified_events", "kind = 'PositionClosed'") == summary["positions"]["closed"]


def test_the_books_are_equal_to_the_nodes_own_numbers(tmp_path: Path, catalog: Path) -> None:
    with node_process(tmp_path, with_books(run_config(catalog, EMA_CROSS, MEAN_REVERSION))) as node:
        assert node.wait() == 0, node.stderr
    same_as_the_node_says(tmp_path, node.summary)
    assert "events written" in node.wait_for('"message": "books: ')
    assert "stay in the journal" not in node.wait_for('"message": "books: ')


def test_refusals_are_in_the_event_log_and_metrics_are_served(tmp_path: Path, long_catalog: Path) -> None:
    config = with_books(run_config(long_catalog, WITNESSED))
    config["risk_engine"] = {
        "currency": "USDT",
        "instruments": [{"id": "BTCUSDT.BINANCE", "max_order_quantity": "0.001"}],
    }
    with node_process(tmp_path, config, {"SEEN": str(tmp_path / "seen")}, {"witness": WITNESS}) as node:
        node.wait_for('"message": "Trading"')
        eventually(lambda: count(tmp_path, "unified_events", "kind = 'Refused'") > 0, "a refusal in the event log")
        shown = metrics(node)
        node.send(signal.SIGTERM)
        assert node.wait() == 0, node.stderr
    assert shown["trading_node_books_events_written_total"] > 0
    assert shown["trading_node_books_database_up"] == 1
    assert shown["trading_node_books_events_lost_total"] == 0
    notes = ask(tmp_path, "SELECT payload, operation_id FROM unified_events WHERE kind = 'Refused'")
    denied = ask(tmp_path, "SELECT operation_id, reason_details FROM unified_orders WHERE status = 'DENIED'")
    assert sorted(operation for _, operation in notes) == sorted(operation for operation, _ in denied)
    numbers = {"reason": "OrderQuantityTooLarge", "scope": "BTCUSDT.BINANCE", "limit": "0.001", "value": "0.01"}
    assert [json.loads(details) for _, details in denied] == [numbers] * len(denied)
    assert all("OrderQuantityTooLarge" in payload for payload, _ in notes)


def test_a_node_killed_in_the_middle_loses_and_doubles_nothing(
    tmp_path: Path, long_catalog: Path, catalog: Path
) -> None:
    """The first run is killed while the database is held by somebody else, so that only the journal has the last."""
    environment, modules = {"SEEN": str(tmp_path / "seen")}, {"witness": WITNESS}
    with node_process(tmp_path, with_books(run_config(long_catalog, WITNESSED)), environment, modules) as node:
        node.wait_for('"message": "Trading"')
        eventually(lambda: count(tmp_path, "unified_fills") > 0, "a fill in the database")
        with closing(sqlite3.connect(tmp_path / "books" / "books.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            ((written,),) = other.execute("SELECT count(*) FROM unified_events").fetchall()
            eventually(lambda: len(seen(tmp_path / "seen")) > written + 50, "events that only the journal has")
            node.send(signal.SIGKILL)
            assert node.wait() == -signal.SIGKILL
            other.execute("ROLLBACK")
    before = seen(tmp_path / "seen")
    stored = {event for (event,) in ask(tmp_path, "SELECT event_id FROM unified_events")}
    assert {event for event, _ in before} - stored, "the database had everything: nothing was to be replayed"

    with node_process(tmp_path, with_books(run_config(catalog, WITNESSED)), environment, modules) as node:
        assert node.wait() == 0, node.stderr
    told = seen(tmp_path / "seen")
    stored = {event for (event,) in ask(tmp_path, "SELECT event_id FROM unified_events")}
    assert {event for event, _ in told} <= stored
    first, second = {order for _, order in before}, {order for _, order in told[len(before) :]}
    assert not first & second
    assert len(second) == node.summary["orders"]["total"]
    # The kill may have come between the books and the witness: one order more at most.
    assert 0 <= count(tmp_path, "unified_orders") - len(first | second) <= 1
    filled = [order for (order,) in ask(tmp_path, "SELECT client_order_id FROM unified_fills")]
    assert sum(order in second for order in filled) == node.summary["fills"]
    doubled = ask(tmp_path, "SELECT trade_id FROM unified_fills GROUP BY client_order_id, trade_id HAVING count(*) > 1")
    assert doubled == []
    # Paper positions begin anew: what the killed run left open is another position than the second run's.
    runs = {row[0].rpartition("@")[2] for row in ask(tmp_path, "SELECT position_id FROM unified_positions")}
    assert len(runs) == 2
    last = f"position_id LIKE '%@{max(runs)}'"
    assert count(tmp_path, "unified_positions", f"is_open AND {last}") == node.summary["positions"]["open"]


def test_a_database_that_is_away_at_the_start_gets_everything_later(
    tmp_path: Path, long_catalog: Path, server: PostgresServer
) -> None:
    database = f"away_{tmp_path.name}"
    environment = {"BOOKS_URL": server.create(database), "SEEN": str(tmp_path / "seen")}
    config = with_books(run_config(long_catalog, WITNESSED, speed=3_000), url_env="BOOKS_URL")
    server.stop()
    try:
        with node_process(tmp_path, config, environment, {"witness": WITNESS}) as node:
            assert "does not answer" in node.wait_for("the books' database")
            node.wait_for('"message": "Trading"')
            eventually(lambda: len(seen(tmp_path / "seen")) > 50, "trading without the database")
            assert metrics(node)["trading_node_books_database_up"] == 0
            assert metrics(node)["trading_node_books_queue_events"] > 50
            server.start()
            eventually(lambda: metrics(node)["trading_node_books_database_up"] == 1, "the database is found")
            node.send(signal.SIGTERM)
            assert node.wait() == 0, node.stderr
    finally:
        if not server._answers():
            server.start()
    assert "stay in the journal" not in node.wait_for('"message": "books: ')
    stored = set(server.query(database, "SELECT event_id FROM unified_events").splitlines())
    assert {event for event, _ in seen(tmp_path / "seen")} <= stored
    orders = int(server.query(database, "SELECT count(*) FROM unified_orders"))
    assert orders == node.summary["orders"]["total"] > 10
    server.drop(database)


def test_a_database_that_stays_away_costs_a_replay_nothing(tmp_path: Path, catalog: Path) -> None:
    config = with_books(run_config(catalog), url=f"postgresql://desk@/books?host={tmp_path}")
    with node_process(tmp_path, config) as node:
        assert node.wait(60) == 0, node.stderr
    assert node.summary["state"] == "Completed"
    assert "stay in the journal for the next run" in node.wait_for('"message": "books: ')
    with node_process(tmp_path, with_books(run_config(catalog))) as again:
        assert again.wait() == 0, again.stderr
    orders = node.summary["orders"]["total"] + again.summary["orders"]["total"]
    assert count(tmp_path, "unified_orders") == orders
    assert count(tmp_path, "unified_fills") == node.summary["fills"] + again.summary["fills"]


def test_an_unset_variable_is_refused(tmp_path: Path, catalog: Path) -> None:
    with node_process(tmp_path, with_books(run_config(catalog), url_env="BOOKS_URL")) as node:
        assert node.wait() == ExitCode.CONFIG_REFUSED
    assert "BOOKS_URL" in node.stderr[-1]
    assert node.termination is not None


def test_a_node_without_books_does_not_import_what_they_stand_on() -> None:
    program = "import sys, trading_node.runner; sys.exit('sqlalchemy' in sys.modules or 'alembic' in sys.modules)"
    assert run([sys.executable, "-c", program], check=False).returncode == 0
