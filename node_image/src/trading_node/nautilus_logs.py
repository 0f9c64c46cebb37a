"""Brings Nautilus' log lines into our schema.

Nautilus logs from a Rust thread of its own. It can write JSON to a file only, so the file is a pipe, and a thread of
ours has it flushed several times a second and turns each line into a log record. Nautilus also repeats every error on
standard error as plain text, whatever it is told: the same thread takes those repetitions out, so that a container's
log holds each line once and JSON only.
"""

import contextlib
import fcntl
import logging
import os
import selectors
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from trading_node.logs import BatchHandler, Entry, Printed, level_name
from trading_node.redaction import EVERYWHERE

PIPE_BYTES = 1 << 20
"""Room for a burst of lines while the trading loop holds the interpreter."""
FLUSH_SECONDS = 0.1
"""How often Nautilus is made to write out its lines."""
HOLD_SECONDS = 0.5
"""How long bytes on standard error wait for the line that they may repeat."""
CLOSE_TIMEOUT_SECONDS = 2.0
MAX_WAITING = 100
"""Lines whose repetition is remembered until it comes."""
_FILE_NAME = "nautilus"


@dataclass(frozen=True)
class LogFile:
    """Where Nautilus is to write its JSON lines."""

    directory: str
    file_name: str


class Line(msgspec.Struct, frozen=True, gc=False):
    """What Nautilus says in one JSON line."""

    timestamp: str
    level: str
    component: str
    message: str
    trader_id: str = ""


_decode = msgspec.json.Decoder(Line).decode


def parse_line(line: bytes) -> Line | None:
    """Return what one JSON line of Nautilus says, or None for anything else."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def entry_of(line: Line) -> Entry:
    """Return a line of Nautilus in our schema."""
    return Entry(line.timestamp, level_name(line.level), f"nautilus.{line.component}", line.message.rstrip())


def repetition(line: Line) -> bytes:
    """Return what Nautilus writes to standard error in addition to a JSON line: nothing unless it is an error."""
    if line.level != "ERROR":
        return b""
    return f"{line.timestamp} [ERROR] {line.trader_id}.{line.component}: {line.message}\n".encode()


class NautilusLogs:
    """The pipe, the thread and the captured standard error; a context manager around Nautilus' whole life."""

    def __init__(self, handler: BatchHandler) -> None:
        self._handler = handler
        self._flush: Callable[[], None] | None = None
        self._loggers: dict[str, logging.Logger] = {}
        self._levels = logging.getLevelNamesMapping()
        self._lines = bytearray()
        self._errors = bytearray()
        self._repeated: list[bytes] = []
        self._resources = contextlib.ExitStack()
        self._drained = threading.Event()
        self._token = f"drained {uuid.uuid4()}"

    def __enter__(self) -> Self:
        self._read_end, self._write_end = os.pipe()
        with contextlib.suppress(OSError):  # a smaller pipe works too
            fcntl.fcntl(self._write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        directory = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="trading-node-"))
        Path(directory, f"{_FILE_NAME}.jsonl").symlink_to(f"/proc/self/fd/{self._write_end}")
        self.file = LogFile(directory, _FILE_NAME)
        self._wake_read, self._wake_write = os.pipe()
        self._capture_standard_error()
        for end in (self._read_end, self._error_read, self._wake_read):
            os.set_blocking(end, False)
        self._thread = threading.Thread(target=self._pump, name="nautilus-logs", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Take in what is still in the pipes, then give standard error back."""
        os.dup2(self._real_stderr, 2)
        os.write(self._wake_write, b"x")
        self._thread.join(CLOSE_TIMEOUT_SECONDS)
        sys.stderr.close()
        sys.stderr = self._former_stderr
        # The end that Nautilus writes to stays open: its thread outlives us and would complain of a broken pipe.
        for end in (self._wake_read, self._wake_write, self._error_read, self._write_end, self._real_stderr):
            os.close(end)
        self._resources.close()

    def follow(self, flush: Callable[[], None]) -> None:
        """Begin to have lines written out; flush is Nautilus' own and returns at once."""
        self._flush = flush

    def drain(self, log_warning: Callable[[str], None]) -> None:
        """Wait until everything that Nautilus has logged so far has come through; log_warning logs through Nautilus."""
        log_warning(self._token)
        self._drained.wait(CLOSE_TIMEOUT_SECONDS)

    def _capture_standard_error(self) -> None:
        self._former_stderr = sys.stderr
        sys.stderr.flush()
        self._real_stderr = os.dup(2)
        self._error_read, error_write = os.pipe()
        os.dup2(error_write, 2)
        os.close(error_write)
        # Python's own errors go straight to the real one: they must not depend on a thread.
        sys.stderr = Printed(self._real_stderr)

    def _pump(self) -> None:
        with selectors.DefaultSelector() as selector:
            for end in (self._read_end, self._error_read, self._wake_read):
                selector.register(end, selectors.EVENT_READ)
            closing, flushed_at, heard_at = False, 0.0, 0.0
            while not closing:
                ready = {key.fd for key, _ in selector.select(FLUSH_SECONDS)}
                closing = self._wake_read in ready
                self._take_lines()
                now = time.monotonic()
                if errors := _read_all(self._error_read):
                    self._errors += errors
                    heard_at = now
                self._remove_repetitions()
                if closing or now - heard_at >= HOLD_SECONDS:
                    self._release_errors()
                if self._flush is not None and now - flushed_at >= FLUSH_SECONDS:
                    flushed_at = now
                    self._flush()

    def _take_lines(self) -> None:
        self._lines += _read_all(self._read_end)
        *complete, rest = self._lines.split(b"\n")
        self._lines = bytearray(rest)
        entries = []
        for text in map(bytes, complete):
            line = parse_line(text)
            if line is None:
                continue
            if repeated := repetition(line):
                self._repeated.append(repeated)
            entry = entry_of(line)
            if entry.message == self._token:
                self._drained.set()
            elif self._is_enabled(entry):
                entries.append(entry)
        self._handler.handle_all(entries)

    def _is_enabled(self, entry: Entry) -> bool:
        logger = self._loggers.get(entry.logger)
        if logger is None:
            logger = self._loggers[entry.logger] = logging.getLogger(entry.logger)
        return logger.isEnabledFor(self._levels.get(entry.level, logging.INFO))

    def _remove_repetitions(self) -> None:
        # Line and repetition come through two pipes, so either may be here first.
        waiting = []
        for repeated in self._repeated:
            start = self._errors.find(repeated)
            if start >= 0:
                del self._errors[start : start + len(repeated)]
            else:
                waiting.append(repeated)
        self._repeated = waiting[-MAX_WAITING:]

    def _release_errors(self) -> None:
        if self._errors:
            text = EVERYWHERE.redact(self._errors.decode(errors="backslashreplace"))
            os.write(self._real_stderr, text.encode())
            self._errors.clear()


def _read_all(fd: int) -> bytes:
    chunks = bytearray()
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(fd, 1 << 16):
            chunks += chunk
    return bytes(chunks)
