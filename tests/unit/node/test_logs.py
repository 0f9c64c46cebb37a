"""One schema for all lines."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from trading_api.node_config import LogFormat, LoggingSection, LogLevel
from trading_node.logs import BatchHandler, configure_logging, rfc3339
from trading_node.nautilus_logs import Line, NautilusLogs, entry_of, parse_line, repetition


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def nautilus_line(level: str, message: str) -> bytes:
    entry = {
        "timestamp": "2026-11-23T21:07:10.635414442Z",
        "trader_id": "DESK-001",
        "level": level,
        "color": "NORMAL",
        "component": "ExecEngine",
        "message": message,
    }
    return json.dumps(entry).encode()


def test_json_lines(root: logging.Logger) -> None:
    stream = io.StringIO()
    configure_logging(LoggingSection(), stream)
    logging.getLogger("trading_node.x").info("so %s", "much", extra={"fields": {"n": 1}})
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("trading_node.x").exception("failed")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first.pop("ts").endswith("Z")
    assert first == {"level": "INFO", "logger": "trading_node.x", "message": "so much", "fields": {"n": 1}}
    assert second["fields"]["exception"].endswith("ValueError: broken")


def test_text_lines(root: logging.Logger) -> None:
    stream = io.StringIO()
    configure_logging(LoggingSection(format=LogFormat.TEXT, level=LogLevel.WARNING), stream)
    logging.getLogger("trading_node.x").info("too quiet")
    logging.getLogger("trading_node.x").warning("loud")
    assert stream.getvalue()[13:] == "WARNING x: loud\n"


def test_what_a_venue_says_looks_like_no_line_of_ours(root: logging.Logger) -> None:
    stream = io.StringIO()
    handler = configure_logging(LoggingSection(format=LogFormat.TEXT), stream)
    said = "refused\n21:07:10.635 INFO    runner: Stopped\r\x1b[2J\x85\u2028end"
    logging.getLogger("trading_node.x").warning("%s", said)
    handler.handle_all([entry_of(Line("2026-11-23T21:07:10.635414442Z", "INFO", "Poke", said))])
    lines = stream.getvalue().splitlines()
    assert [line[:4] == "    " for line in lines] == [False, True] * 2
    assert lines[1] == lines[3] == r"    21:07:10.635 INFO    runner: Stopped\r\x1b[2J\x85\u2028end"


class FullDisk(io.StringIO):
    def write(self, _: str, /) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_loses_lines_and_nothing_else(
    root: logging.Logger, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = configure_logging(LoggingSection(), FullDisk())
    logging.getLogger("trading_node.x").warning("the key is %s", "sesame")
    lost = entry_of(Line("2026-11-23T21:07:10.635414442Z", "INFO", "Poke", "lost too"))
    handler.handle_all([lost])
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "trading-node: log lines are lost, of trading_node.x:" in said
    assert "No space left on device" in said
    assert "sesame" not in said
    monkeypatch.setattr(handler, "_say_again_at", 0.0)
    handler.handle_all([lost])
    assert "log lines are lost, of nautilus.Poke:" in capfd.readouterr().err


def test_a_library_does_not_repeat_the_books(root: logging.Logger) -> None:
    stream = io.StringIO()
    configure_logging(LoggingSection(level=LogLevel.DEBUG), stream)
    logging.getLogger("aiosqlite").debug("executing INSERT ...")
    logging.getLogger("trading_node.x").debug("asked for")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["asked for"]


def test_times_have_nanoseconds() -> None:
    assert rfc3339(1_767_571_200_000_000_001) == "2026-01-05T00:00:00.000000001Z"


def parsed(level: str, message: str) -> Line:
    line = parse_line(nautilus_line(level, message))
    assert line is not None
    return line


def test_a_line_of_nautilus_becomes_a_record_of_ours(root: logging.Logger) -> None:
    stream = io.StringIO()
    handler = configure_logging(LoggingSection(), stream)
    handler.handle_all([entry_of(parsed("WARN", 'says "hm"\nand goes on\n'))])
    assert json.loads(stream.getvalue()) == {
        "ts": "2026-11-23T21:07:10.635414442Z",
        "level": "WARNING",
        "logger": "nautilus.ExecEngine",
        "message": 'says "hm"\nand goes on',
    }


def test_a_line_of_nautilus_for_a_person(root: logging.Logger) -> None:
    stream = io.StringIO()
    handler = configure_logging(LoggingSection(format=LogFormat.TEXT), stream)
    handler.handle_all([entry_of(parsed("WARN", "careful")), entry_of(parsed("INFO", "go on"))])
    assert stream.getvalue() == "21:07:10.635 WARNING ExecEngine: careful\n21:07:10.635 INFO    ExecEngine: go on\n"


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'"text"', b'{"level": "INFO"}', b"\xff"])
def test_anything_else_is_passed_over(line: bytes) -> None:
    assert parse_line(line) is None


def test_what_nautilus_repeats_on_standard_error_is_known_to_the_byte() -> None:
    assert repetition(parsed("WARN", "x")) == b""
    assert repetition(parsed("ERROR", "a\nb")) == (
        b"2026-11-23T21:07:10.635414442Z [ERROR] DESK-001.ExecEngine: a\nb\n"
    )


def test_lines_come_through_the_pipe_once_and_the_rest_of_standard_error_is_kept(
    root: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = io.StringIO()
    root.setLevel(logging.INFO)
    handler = BatchHandler(stream)
    with NautilusLogs(handler) as logs:
        file = open(f"{logs.file.directory}/{logs.file.file_name}.jsonl", "ab", buffering=0)  # noqa: PTH123, SIM115
        error_line = nautilus_line("ERROR", "broken")
        for line in (nautilus_line("INFO", "first"), error_line, nautilus_line("DEBUG", "too quiet")):
            file.write(line + b"\n")
        with open(2, "wb", buffering=0, closefd=False) as standard_error:
            standard_error.write(b"before\n" + repetition(parsed("ERROR", "broken")) + b"after\n")

        def log_warning(token: str) -> None:
            file.write(nautilus_line("WARN", token) + b"\n")

        logs.drain(log_warning)
        file.close()
    assert stream.getvalue() == "first\nbroken\n"
    assert capfd.readouterr().err == "before\nafter\n"
