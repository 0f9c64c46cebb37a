"""SIGTERM in every phase of a live node's life, also with a venue that takes connections and never answers."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.node.books.postgres_server import PostgresServer
from tests.node.processes import node_process
from tests.node.stopping.desk import HOLDER, Desk, desk, holder
from tests.node.venues.desks import keys, run_config, venue
from tests.venue.process import VenueAccount
from trading_api.exit_codes import ExitCode

PROMPT_SECONDS = 9.0
"""Well within the timeout, on a busy machine."""
KUBERNETES = {
    "TRADING_DEPLOYMENT_NAME": "btc",
    "TRADING_NAMESPACE": "desk",
    "TRADING_POD_NAME": "btc-node-0",
    "TRADING_POD_UID": "uid",
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
}


@contextmanager
def black_hole() -> Iterator[int]:
    """Listen, take every connection and answer none; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []
        ended = threading.Event()

        def take() -> None:
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                taken.append(connection)

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


def test_while_it_connects_to_a_venue_that_never_answers(tmp_path: Path, simulator: VenueAccount) -> None:
    with black_hole() as port:
        section = venue(simulator, "futures")
        ws = f"ws://127.0.0.1:{port}"
        section["endpoints"] = {
            "http": f"http://127.0.0.1:{port}", "data_stream": ws, "trade_stream": ws, "user_stream": ws
        }  # fmt: skip
        config = run_config(section, holder("futures"), drain={"timeout": "30s"})
        with node_process(tmp_path, config, environment=keys(simulator, "futures"), modules={"holder": HOLDER}) as node:
            node.wait_for("Starting: Connecting")
            code, took = Desk(node, simulator, "futures").stop()
            assert code == ExitCode.OK, node.stderr
            assert took < PROMPT_SECONDS
            assert node.summary["drain"]["verified"] is False


@pytest.mark.parametrize(
    "phase", ["Starting: OpeningBooks", "without it nobody knows which orders are open"], ids=["opening", "waiting"]
)
def test_while_the_books_database_hangs(tmp_path: Path, simulator: VenueAccount, phase: str) -> None:
    """First the start waits a moment for it; then, connected to the venue, as long as it takes."""
    with black_hole() as port:
        config = run_config(venue(simulator, "futures"), holder("futures"), drain={"timeout": "30s"})
        config["database"]["url_env"] = "BOOKS_URL"
        environment = {**keys(simulator, "futures"), "BOOKS_URL": f"postgresql://books:secret@127.0.0.1:{port}/books"}
        with node_process(tmp_path, config, environment=environment, modules={"holder": HOLDER}) as node:
            node.wait_for(phase)
            running = Desk(node, simulator, "futures")
            code, took = running.stop()
            assert code == ExitCode.OK, node.stderr
            assert took < PROMPT_SECONDS + 5
            assert not running.open_orders()
            if phase != "Starting: OpeningBooks":
                assert node.summary["drain"]["state"] == "Done"


HANGING_VOLUME = """
import pathlib, time

{method} = pathlib.Path.{method}


def hang(path, *rest):
    if path.name.startswith("day_losses.json"):
        print("the volume hangs", flush=True)
        time.sleep(600)
    return {method}(path, *rest)


pathlib.Path.{method} = hang
"""


def test_while_the_volume_of_the_day_s_losses_hangs_at_the_start(tmp_path: Path, simulator: VenueAccount) -> None:
    config = run_config(venue(simulator, "futures"), holder("futures"), drain={"timeout": "40s"})
    modules = {"holder": HOLDER, "sitecustomize": HANGING_VOLUME.format(method="read_bytes")}
    with node_process(tmp_path, config, environment=keys(simulator, "futures"), modules=modules) as node:
        node.wait_for("the volume hangs")
        code, took = Desk(node, simulator, "futures").stop()
        assert code == ExitCode.OK, node.stderr
        assert took < PROMPT_SECONDS


def test_while_the_volume_of_the_day_s_losses_hangs_at_the_end(tmp_path: Path, simulator: VenueAccount) -> None:
    config = run_config(venue(simulator, "futures"), holder("futures", hold="0.04"), drain={"timeout": "40s"})
    modules = {"holder": HOLDER, "sitecustomize": HANGING_VOLUME.format(method="write_bytes")}
    with node_process(tmp_path, config, environment=keys(simulator, "futures"), modules=modules) as node:
        running = Desk(node, simulator, "futures")
        running.settle(2, 1)
        node.wait_for("the volume hangs")
        code, took = running.stop()
        assert code == ExitCode.OK, node.stderr
        assert took < PROMPT_SECONDS + 5
        assert not running.open_orders()


def test_while_the_database_of_a_trading_node_hangs(tmp_path: Path, simulator: VenueAccount) -> None:
    """What is connected and idle may not end in order either: a close is an exchange of words, too."""
    with PostgresServer() as server:
        config = run_config(venue(simulator, "futures"), holder("futures"), drain={"timeout": "40s"})
        config["database"]["url_env"] = "BOOKS_URL"
        environment = {**keys(simulator, "futures"), "BOOKS_URL": server.create("books")}
        with node_process(tmp_path, config, environment=environment, modules={"holder": HOLDER}) as node:
            running = Desk(node, simulator, "futures")
            running.settle(2, 0)
            with server.frozen():
                code, took = running.stop()
            assert code == ExitCode.OK, node.stderr
            assert took < 25
            assert not running.open_orders()
            assert node.summary["drain"]["state"] == "Done"


def test_while_it_is_to_agree_with_a_venue_that_does_not_answer(tmp_path: Path, simulator: VenueAccount) -> None:
    endpoint = "GET /fapi/v1/openOrders"
    simulator.add_fault(room="binance-futures", action="server_error", endpoint=endpoint, count=None)
    with desk(tmp_path, simulator, drain={"timeout": "30s"}) as running:
        running.node.wait_for("does not answer")
        code, took = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert took < PROMPT_SECONDS + 5
        assert running.drain["verified"] is False


def test_while_a_venue_that_hangs_is_traded_on(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain={"timeout": "12s"}) as running:
        running.settle(2, 0)
        os.kill(simulator.pid, signal.SIGSTOP)
        try:
            code, took = running.stop()
        finally:
            os.kill(simulator.pid, signal.SIGCONT)
        assert code == ExitCode.STOP_INCOMPLETE
        assert took < 12
        assert running.drain["verified"] is False
        assert running.drain["openOrders"] == 2


def test_while_it_drains(tmp_path: Path, simulator: VenueAccount) -> None:
    with desk(tmp_path, simulator, drain={"timeout": "30s"}) as running:
        running.settle(2, 0)
        assert running.status["tradingState"] == "Active"
        simulator.add_fault(room="binance-futures", action="reject", endpoint="DELETE /fapi/v1/order", count=4)
        running.node.send(signal.SIGTERM)
        running.node.wait_for("OrderCancelRejected")
        assert running.status["tradingState"] == "Halted"
        code, took = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert took < 20
        assert not running.open_orders()


def test_while_it_reports_to_an_api_server_that_never_answers(tmp_path: Path, simulator: VenueAccount) -> None:
    with black_hole() as port:
        config = run_config(venue(simulator, "futures"), holder("futures"), drain={"timeout": "30s"})
        environment = {**keys(simulator, "futures"), **KUBERNETES, "KUBERNETES_SERVICE_PORT": str(port)}
        with node_process(tmp_path, config, environment=environment, modules={"holder": HOLDER}) as node:
            running = Desk(node, simulator, "futures")
            running.settle(2, 0)
            code, took = running.stop()
            assert code == ExitCode.OK, node.stderr
            assert took < PROMPT_SECONDS + 5
            assert not running.open_orders()


@pytest.mark.parametrize("seconds", [5, 8])
def test_a_short_timeout_is_kept(tmp_path: Path, simulator: VenueAccount, seconds: int) -> None:
    with desk(tmp_path, simulator, drain={"timeout": f"{seconds}s"}) as running:
        running.settle(2, 0)
        code, took = running.stop()
        assert code == ExitCode.OK, running.node.stderr
        assert took < seconds
        assert not running.open_orders()
