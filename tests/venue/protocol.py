"""What a protocol room is, apart from any socket: requests in, replies out, sessions that turn events into messages.

A room is a pure function of its exchange, its requests and the time it is told; `server.py` adds sockets and faults.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.venue.core.model import AccountEvent, MarketEvent

type Json = dict[str, Any] | list[Any] | str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    path: str
    query: str = ""
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header names in lower case."""
    peer: str = "127.0.0.1"

    @property
    def endpoint(self) -> str:
        """How faults name it, as in `POST /fapi/v1/order`."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class HttpReply:
    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one connection; `stream` and `account` are what faults select by ("" for public data)."""

    stream: str
    text: str
    account: str = ""


def to_text(payload: Json) -> str:
    return json.dumps(payload, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Batch:
    """What happened since the last batch."""

    account_events: Sequence[AccountEvent]
    market_events: Sequence[MarketEvent]


class Session(ABC):
    """One WebSocket connection as the room sees it."""

    closed = False
    """Set when the room wants the connection ended."""
    account = ""
    """Who logged in on this connection."""

    def operation(self, text: str) -> str:  # noqa: ARG002
        """Name the request that this message makes, as faults select it after `WS `; "" for anything else."""
        return ""

    @abstractmethod
    def receive(self, text: str, now: int) -> list[Message]:
        """Answer a message of the client."""

    def refusal(self, text: str, kind: str, message: str, now: int, *, retry_after: int) -> list[Message]:  # noqa: ARG002
        """Render a fault, of the kinds of `Room.error_reply`, as the answer to a request that `operation` names."""
        return []

    @abstractmethod
    def feed(self, batch: Batch, now: int) -> list[Message]:
        """Render what happened for this connection."""

    @abstractmethod
    def tick(self, now: int) -> list[Message]:
        """Render what is due by time: called a few times a second."""


class Room(ABC):
    """One protocol in front of one exchange."""

    name: str

    @abstractmethod
    def handle(self, request: HttpRequest, now: int) -> HttpReply:
        """Answer a request: the venue's own codes for everything a client may do wrong, never an exception."""

    @abstractmethod
    def account_of(self, request: HttpRequest) -> str:
        """Return the account that the request claims to come from, "" if none: what faults select by."""

    @abstractmethod
    def open_session(self, path: str, query: Mapping[str, str], now: int) -> Session | None:
        """Accept a WebSocket connection; None when the path is no WebSocket endpoint."""

    @abstractmethod
    def error_reply(self, kind: str, message: str = "", *, now: int, retry_after: int = 0) -> HttpReply:
        """Render a fault in the venue's words: `reject`, `rate_limit`, `ban` or `server_error`; seconds to wait."""
