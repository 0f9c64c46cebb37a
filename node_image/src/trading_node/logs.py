"""Logging: one schema on standard output for our own lines and for Nautilus'.

JSON lines carry ``ts`` (RFC 3339, UTC, nanoseconds), ``level``, ``logger``, ``message`` and, where there are any,
``fields``. Text lines say the same for a person.
"""

import contextlib
import io
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Sequence
from typing import IO, Any, override

import msgspec

from trading_api.node_config import LogFormat, LoggingSection
from trading_node.redaction import EVERYWHERE

NANOSECONDS = 1_000_000_000
SAY_LOST_SECONDS = 60.0
_LEVELS = {"WARN": "WARNING", "CRITICAL": "ERROR"}
_CONTROLS = (*range(0x09), *range(0x0A, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
_VISIBLE = {code: ascii(chr(code))[1:-1] for code in _CONTROLS} | {0x0A: "\n    "}
"""What a venue or a strategy says must not look like lines of ours, nor act on a terminal; its own lines are set in."""
_WORDY = ("aiosqlite",)
"""Libraries that tell each statement with all that it holds, at DEBUG."""
_encode_lines = msgspec.json.Encoder().encode_lines


def rfc3339(ns: int) -> str:
    """Return a UTC time in nanoseconds since 1970 as RFC 3339 with nine digits of the second."""
    seconds, rest = divmod(ns, NANOSECONDS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"


def level_name(level: str) -> str:
    """Return one of the four level names of the run-config for any logger's own name."""
    return _LEVELS.get(level, level)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A line of another logger, as a JSON line says it: made by the thousand, so without what a record carries."""

    ts: str
    level: str
    logger: str
    message: str

    def record(self) -> logging.LogRecord:
        """Return the same as a record of ours."""
        level = logging.getLevelNamesMapping().get(self.level, logging.INFO)
        values = {"name": self.logger, "levelno": level, "levelname": self.level, "msg": self.message, "ts": self.ts}
        return logging.makeLogRecord(values)


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object in one line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": _timestamp(record),
            "level": level_name(record.levelname),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = _fields(record)
        if fields:
            line["fields"] = fields
        return EVERYWHERE.redact(json.dumps(line, ensure_ascii=False, default=str))


class TextFormatter(logging.Formatter):
    """Writes a record for a person: time of day, level, logger, message."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        time_of_day = _timestamp(record)[11:23]
        logger = record.name.removeprefix("nautilus.").removeprefix("trading_node.")
        fields = _fields(record)
        exception = fields.pop("exception", "")
        extra = "".join(f" {key}={value}" for key, value in fields.items())
        message = record.getMessage().translate(_VISIBLE)
        line = f"{time_of_day} {level_name(record.levelname):7} {logger}: {message}{extra}"
        return EVERYWHERE.redact(f"{line}\n{exception}" if exception else line)


class BatchHandler(logging.StreamHandler[IO[str]]):
    """Writes records to a stream, many at once where there are many.

    Each write gives up the interpreter; beside a busy trading loop, getting it back takes milliseconds. A stream that
    takes nothing, such as a full disk, loses lines and nothing else.
    """

    _say_again_at = 0.0

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        """Say on standard error that lines are lost, once a minute; nothing of them: no secret is hidden there."""
        self._say_lost(f"{record.name}:{record.lineno}")

    def handle_all(self, entries: Sequence[Entry]) -> None:
        """Write entries of another logger in one go."""
        if not entries:
            return
        if isinstance(self.formatter, JsonFormatter):
            text = EVERYWHERE.redact(_encode_lines(entries).decode())
        else:
            text = "".join(f"{self.format(entry.record())}{self.terminator}" for entry in entries)
        try:
            with self.lock or contextlib.nullcontext():
                self.stream.write(text)
                self.flush()
        except (OSError, ValueError):
            self._say_lost(entries[0].logger)

    def _say_lost(self, where: str) -> None:
        error, now = sys.exception(), time.monotonic()
        if now >= self._say_again_at:
            self._say_again_at = now + SAY_LOST_SECONDS
            with contextlib.suppress(OSError, ValueError):
                print(f"trading-node: log lines are lost, of {where}: {type(error).__name__}: {error}", file=sys.stderr)


class Printed(io.TextIOWrapper):
    """What is printed past the log, by a strategy or by Python about its threads: without what is to be hidden."""

    def __init__(self, descriptor: int) -> None:
        """Write to a duplicate of a descriptor, line by line."""
        file = os.fdopen(os.dup(descriptor), "wb")
        super().__init__(file, encoding="utf-8", errors="backslashreplace", line_buffering=True)

    @override
    def write(self, text: str) -> int:
        super().write(EVERYWHERE.redact(text))
        return len(text)


def configure_logging(section: LoggingSection, stream: IO[str] | None = None) -> BatchHandler:
    """Send everything to one handler on a stream, standard output by default, and return the handler."""
    handler = BatchHandler(stream if stream is not None else sys.stdout)
    handler.setFormatter(JsonFormatter() if section.format is LogFormat.JSON else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(section.level.value)
    for library in _WORDY:
        logging.getLogger(library).setLevel(max(logging.INFO, root.level))
    # One line for every request to a health probe tells nobody anything.
    logging.getLogger("aiohttp.access").setLevel(max(logging.WARNING, logging.getLevelName(section.level.value)))
    return handler


def _timestamp(record: logging.LogRecord) -> str:
    ts = getattr(record, "ts", None)
    return ts if isinstance(ts, str) else rfc3339(round(record.created * 1e6) * 1000)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = dict(getattr(record, "fields", None) or {})
    if record.exc_info and record.exc_info[0]:
        fields["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return fields
