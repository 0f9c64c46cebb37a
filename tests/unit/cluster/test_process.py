"""Records of processes: only ever the process that was started is signalled."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster import process
from tests.cluster.errors import ClusterError
from tests.cluster.process import Ending, Record
from tests.waiting import eventually

SLEEP = ("sleep", "60")


def start(folder: Path, command: tuple[str, ...] = SLEEP, ending: Ending = process.AT_ONCE) -> Record:
    return process.start("sleeper", command, records=folder, logs=folder, ending=ending)


def test_a_process_is_found_again_by_its_record_and_stopped(tmp_path: Path) -> None:
    record = start(tmp_path)
    assert process.load(tmp_path) == [record]
    assert process.alive(record)
    process.stop(record, records=tmp_path)
    assert not process.alive(record)
    assert process.load(tmp_path) == []


def test_another_process_under_the_same_number_is_left_alone(tmp_path: Path) -> None:
    record = start(tmp_path)
    try:
        for other in (
            replace(record, started=record.started - 1),
            replace(record, command=("something", "else")),
            replace(record, boot="another boot"),
        ):
            process.stop(other, records=tmp_path)
            assert process.alive(record)
    finally:
        process.stop(record, records=tmp_path)


def test_a_stopped_process_ends_too(tmp_path: Path) -> None:
    record = start(tmp_path, ending=Ending(grace=5))
    process.send(record, signal.SIGSTOP)
    process.stop(record, records=tmp_path)
    assert not process.alive(record)


def test_one_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    record = start(tmp_path, (sys.executable, "-c", deaf), Ending(grace=0.05))
    eventually(lambda: "deaf" in (tmp_path / "sleeper.log").read_text(), "it ignores the signal", within=10)
    process.stop(record, records=tmp_path)
    assert not process.alive(record)


def test_a_chain_of_programs_is_recorded_as_what_it_becomes(tmp_path: Path) -> None:
    wrapped = ["sh", "-c", 'exec "$@"', "sh", *SLEEP]
    record = process.start("sleeper", wrapped, records=tmp_path, logs=tmp_path, becomes=SLEEP)
    assert record.command == SLEEP
    assert process.alive(record)
    process.stop(record, records=tmp_path)


def test_a_process_that_ends_early_is_told_with_its_log(tmp_path: Path) -> None:
    record = start(tmp_path, ("sh", "-c", "echo no such flag >&2; exit 3"))
    eventually(lambda: not process.alive(record), "it ends", within=5)
    with pytest.raises(ClusterError, match="no such flag"):
        process.ended_early(record, tmp_path)


def test_signalling_what_is_gone_is_an_error(tmp_path: Path) -> None:
    record = start(tmp_path)
    process.stop(record, records=tmp_path)
    with pytest.raises(ClusterError, match="sleeper is not running"):
        process.send(record, signal.SIGCONT)


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="no-such-program is not installed"):
        start(tmp_path, ("no-such-program",))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}', '{"name": 1, "command": []}'])
def test_half_written_records_are_no_records(text: str) -> None:
    assert process.parse_record(text) is None


def test_a_name_with_brackets_does_not_confuse_the_start_time() -> None:
    fields = " ".join(str(number) for number in range(5, 25))
    assert process.parse_stat(f"77 (odd) name)) S 1 {fields}") == ("S", 1, 22)


def test_a_process_knows_itself() -> None:
    record = process.own("me")
    assert record.pid == os.getpid()
    assert process.alive(record)
