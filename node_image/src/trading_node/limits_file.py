"""Limits that change while the node runs: a file that takes the place of the run-config's, looked at each second.

A file that cannot be read or is not valid changes nothing: the former limits stay, and log, metric and status say so.
"""

import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from trading_api.codec import parse_limits
from trading_api.errors import InvalidDocument
from trading_api.risk import Trading, limits_of_nothing
from trading_node.errors import not_trading
from trading_node.risk.limits import Limits, compile_limits

LOOK_SECONDS = 1.0
MAX_BYTES = 1024 * 1024

_log = logging.getLogger(__name__)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


class LimitsRefusedError(ValueError):
    """A file that holds no limits; the text says what to correct."""


@dataclass(frozen=True, slots=True)
class LimitsInForce:
    """Which limits hold; replaced as a whole."""

    hash: str = ""
    """First ten digits of the SHA-256 of the file; empty before it was read for the first time."""
    applied_ns: int = 0
    """UTC nanoseconds."""
    error: str = ""
    """Why the file as it is now is not in force; empty where it is."""
    applied: int = 0
    """How often limits came into force."""
    refused: int = 0
    """How often a changed file was refused."""


class LimitsFile:
    """Reads the file, applies what is valid, and remembers how that went."""

    def __init__(
        self,
        path: Path,
        trading: Trading,
        apply: Callable[[Limits], None],
        *,
        on_change: Callable[[], None] = lambda: None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Prepare. apply and on_change are called on the thread that looks; trading: what limits may name."""
        self._path = path
        self._trading = trading
        self._apply = apply
        self._on_change = on_change
        self._look_seconds = look_seconds
        self._seen: bytes | None = None
        self._in_force = LimitsInForce()
        self._ended = threading.Event()

    @property
    def in_force(self) -> LimitsInForce:
        """What holds now; from any thread."""
        return self._in_force

    def load(self) -> None:
        """Apply the file as it is. Raises NodeError (NOT_TRADING): a node without its limits does not start."""
        self.look()
        if not self._in_force.hash:
            raise not_trading(
                f"The limits are refused: {self._in_force.error}",
                "The node starts once the file holds limits as the run-config's risk_engine does",
            )

    def follow(self) -> None:
        """Look again and again, on a thread of its own: a mount that hangs holds nothing else."""
        threading.Thread(target=self._follow, name="limits", daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()

    def look(self) -> None:
        """Apply the file if it is another one than it was."""
        content: bytes | None = None
        try:
            content = self._read()
            if content == self._seen:
                return
            limits = self._limits_of(content)
        except LimitsRefusedError as error:
            self._seen = content
            self._refuse(str(error))
        else:
            self._seen = content
            self._take(limits, content)

    def _follow(self) -> None:
        while not self._ended.wait(self._look_seconds):
            try:
                self.look()
            except Exception:  # noqa: BLE001  # whatever it is, the next look may see another file
                _log.exception("the limits could not be looked at; the former ones stay")

    def _read(self) -> bytes:
        try:
            # Without waiting: opening a pipe would, for ever, and no later limits would be seen.
            with open(self._path, "rb", opener=_open_at_once) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise LimitsRefusedError(f"{self._path} is no file")
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise LimitsRefusedError(f"{self._path} cannot be read: {error.strerror}") from error
        if len(content) > MAX_BYTES:
            raise LimitsRefusedError(f"{self._path} is longer than {MAX_BYTES} bytes")
        return content

    def _limits_of(self, content: bytes) -> Limits:
        try:
            risk = parse_limits(content)
        except InvalidDocument as error:
            raise LimitsRefusedError(f"{self._path}: {error}") from None
        # Not refused: the newest limits may speak of what only a revision has that waits for its approval.
        if unknown := limits_of_nothing(risk, self._trading):
            _log.warning("limits of %s limit nothing: this node has no such strategy or venue", ", ".join(unknown))
        return compile_limits(risk)

    def _take(self, limits: Limits, content: bytes) -> None:
        before = self._in_force
        self._apply(limits)
        name = sha256(content).hexdigest()[:10]
        self._in_force = LimitsInForce(name, time.time_ns(), "", before.applied + 1, before.refused)
        if before.hash:
            _log.warning("limits %s are in force, in place of %s", name, before.hash)
        else:
            _log.info("limits %s are in force", name)
        self._on_change()

    def _refuse(self, error: str) -> None:
        before = self._in_force
        if error == before.error:
            return
        self._in_force = LimitsInForce(before.hash, before.applied_ns, error, before.applied, before.refused + 1)
        if before.hash:
            _log.error("new limits are refused, those before (%s) stay in force: %s", before.hash, error)
        self._on_change()
