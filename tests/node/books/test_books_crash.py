"""The books of real processes that are killed, on a real server that is restarted under them: 0 lost, 0 doubled."""

import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.node.books.postgres_server import PostgresServer
from tests.unit.books.stories import TRADER
from tests.unit.books.test_books import disagreement, lives
from trading_node.store.books import Books, BooksSettings

SEED = 20261123
KILLS = 6
ORDERS = 400


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("server")
    name = f"crash_{uuid.uuid4().hex[:8]}"
    yield server.create(name)
    server.drop(name)


@contextmanager
def trader(folder: Path, database: str, first: int, count: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.node.books.trader", str(folder), database, str(first), str(count)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_killed_at_any_moment(tmp_path: Path, database: str) -> None:
    """Each run goes on where the one before was killed, repeating what that had told already."""
    random_ = random.Random(SEED)
    taken = -1
    for kill in range(KILLS):
        first = (taken + 1) // 5
        with trader(tmp_path, database, first, ORDERS) as process:
            assert process.stdout is not None
            wanted = max(taken, 5 * first) + random_.randrange(1, ORDERS)
            for line in process.stdout:
                taken = int(line)
                if taken >= wanted:
                    break
            process.send_signal(signal.SIGKILL)
            remaining = process.stdout.read().split()
            taken = max([taken, *map(int, (line for line in remaining if line.isdigit()))])
            print(f"seed {SEED} kill {kill}: {taken + 1} events taken")
    books = Books(BooksSettings(trader_id=TRADER, directory=tmp_path, database=database))
    assert books.wait_written(60)
    assert books.close() == 0
    told = lives(taken // 5 + 2)
    # The last event may be in the journal although its number was not printed any more.
    outcomes = [disagreement(tmp_path, told[: taken + 1 + extra], database) for extra in (0, 1)]
    assert [] in outcomes, outcomes[0][:5]


def test_the_server_is_restarted_and_crashes_in_the_middle(tmp_path: Path, server: PostgresServer) -> None:
    database = server.create("restarted")
    events = lives(800)
    books = Books(BooksSettings(trader_id=TRADER, directory=tmp_path, database=database))
    assert books.wait_ready(30)

    def outages() -> None:
        for how in (signal.SIGINT, signal.SIGQUIT):
            time.sleep(0.3)
            server.stop(how)
            time.sleep(0.2)
            server.start()

    trouble = threading.Thread(target=outages)
    trouble.start()
    for number, event in enumerate(events):
        books.record(event)
        if number % 20 == 0:
            time.sleep(0.01)
        assert books.health().ok
    trouble.join()
    assert books.wait_written(60)
    assert books.stats().retries > 0
    assert books.close() == 0
    assert disagreement(tmp_path, events, database) == []
    server.drop("restarted")


def test_two_nodes_overlap(tmp_path: Path, server: PostgresServer) -> None:
    """A successor writes before its predecessor has ended, and both tell of the same orders."""
    database = server.create("overlap")
    events = lives(120)
    nodes = [Books(BooksSettings(trader_id=TRADER, directory=tmp_path / name, database=database)) for name in "ab"]
    for number, event in enumerate(events):
        nodes[number % 2].record(event)
        if number % 3 == 0:
            nodes[1 - number % 2].record(event)
    for node in nodes:
        assert node.wait_written(60)
        assert node.close() == 0
    assert disagreement(tmp_path, events, database) == []
    server.drop("overlap")


def test_a_wrong_password_is_told_without_it(tmp_path: Path, server: PostgresServer) -> None:
    url = server.url("no_such_database").replace("postgres@", "postgres:hunter2@")
    books = Books(BooksSettings(trader_id=TRADER, directory=tmp_path, database=url))
    assert not books.wait_ready(1)
    stats = books.stats()
    assert "no_such_database" in stats.last_error
    assert "hunter2" not in stats.last_error + books.database
    books.close(0.1)
