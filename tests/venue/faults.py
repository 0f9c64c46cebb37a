"""Faults on command: which request or message goes wrong, how, and how often. Decides only; `server.py` does it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from tests.venue.garble import Mode


class Action(StrEnum):
    """What goes wrong."""

    DELAY = "delay"
    """A request waits before it is executed; a message waits, and all after it on its connection."""
    LOSE_REQUEST = "lose_request"
    """The connection breaks before the request is executed."""
    LOSE_RESPONSE = "lose_response"
    """The request is executed, then the connection breaks: the client cannot know."""
    REJECT = "reject"
    RATE_LIMIT = "rate_limit"
    BAN = "ban"
    SERVER_ERROR = "server_error"
    """HTTP 503 or its like, after the execution when `executed` is set: the status is unknown to the client."""
    PARTIAL_FILL = "partial_fill"
    """A new order is filled to `fraction` only: a taker's rest expires, a maker's rest stays in the book."""
    DUPLICATE = "duplicate"
    """A request is executed twice (the client sees the first reply); a message is sent twice."""
    REORDER = "reorder"
    """A message is sent after the one that follows it."""
    DROP = "drop"
    """A message is lost."""
    DISCONNECT = "disconnect"
    """The connection breaks instead of sending the message."""
    SILENCE = "silence"
    """The connection stays up and says nothing: a stale stream."""
    GARBLE = "garble"
    """A reply or a message arrives as something that it should not be, in the way of `mode`."""
    CLOCK_SKEW = "clock_skew"
    """The room's clock is off by `skew_ms` as long as the fault exists."""


REQUEST_ACTIONS = {
    Action.DELAY, Action.LOSE_REQUEST, Action.LOSE_RESPONSE, Action.REJECT, Action.RATE_LIMIT, Action.BAN,
    Action.SERVER_ERROR, Action.PARTIAL_FILL, Action.DUPLICATE, Action.GARBLE,
}  # fmt: skip
STREAM_ACTIONS = {
    Action.DELAY, Action.DUPLICATE, Action.REORDER, Action.DROP, Action.DISCONNECT, Action.SILENCE, Action.GARBLE,
}  # fmt: skip
UNTIL_REMOVED = {Action.SILENCE, Action.CLOCK_SKEW}


@dataclass(frozen=True, slots=True)
class Fault:
    """One order to go wrong.

    `endpoint` selects requests ("POST /fapi/v1/order", "* /api/v3/*", over WebSocket "WS order.place" or "WS order"),
    `stream` selects messages ("user", "btcusdt@aggTrade", "*"); both are shell patterns, and exactly one is set
    (neither for a clock skew). `room` and `account` narrow further. `skip` lets the first ones pass; then `count` of
    them fail (None: all), each with `probability`, drawn from `seed`. Silence and skew last until the fault is
    removed, unless `count` is given. A request that is lost over WebSocket leaves the connection up.
    """

    action: Action
    endpoint: str = ""
    stream: str = ""
    room: str = "*"
    account: str = "*"
    count: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    delay_ms: int = 0
    executed: bool = False
    message: str = ""
    retry_after_s: int = 1
    fraction: str = "0.5"
    skew_ms: int = 0
    mode: str = ""
    """How a message is garbled; empty: in any way."""

    def __post_init__(self) -> None:
        if self.mode and self.mode not in set(Mode):
            raise ValueError(f"`mode` must be one of {[each.value for each in Mode]}")
        if self.action is Action.CLOCK_SKEW:
            if self.endpoint or self.stream or not self.skew_ms:
                raise ValueError("clock_skew takes `skew_ms` (not 0) and a `room`, no `endpoint` or `stream`")
            return
        if bool(self.endpoint) == bool(self.stream):
            raise ValueError(f"{self.action} needs either `endpoint` (requests) or `stream` (messages)")
        allowed = REQUEST_ACTIONS if self.endpoint else STREAM_ACTIONS
        if self.action not in allowed:
            names = ", ".join(sorted(allowed))
            raise ValueError(
                f"{self.action} does not apply to a {'request' if self.endpoint else 'stream'}: {names} do"
            )
        if self.action is Action.DELAY and self.delay_ms <= 0:
            raise ValueError("delay needs `delay_ms` above 0")
        if not 0 < self.probability <= 1 or not 0 < float(self.fraction) < 1:
            raise ValueError("`probability` lies in (0, 1] and `fraction` in (0, 1)")

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Fault:
        """Build from the control API's JSON; a ValueError says what to write instead."""
        known = {each.name for each in fields(cls)}
        if unknown := set(data) - known:
            raise ValueError(f"unknown fields {sorted(unknown)}; known are {sorted(known)}")
        try:
            action = Action(data["action"])
        except (KeyError, ValueError) as error:
            raise ValueError(f"`action` must be one of {[each.value for each in Action]}") from error
        values = dict(data) | {"action": action}
        if action in UNTIL_REMOVED:
            values.setdefault("count", None)
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"a field has the wrong type: {error}") from error


@dataclass(slots=True)
class ActiveFault:
    id: int
    fault: Fault
    seen: int = 0
    hits: int = 0
    rng: random.Random = field(default_factory=random.Random)

    def strikes(self) -> bool:
        """Count one matching request or message and say whether it goes wrong."""
        self.seen += 1
        fault = self.fault
        if self.seen <= fault.skip or (fault.count is not None and self.hits >= fault.count):
            return False
        if fault.probability < 1 and self.rng.random() >= fault.probability:
            return False
        self.hits += 1
        return True


class FaultPlan:
    """The faults in force."""

    def __init__(self) -> None:
        self._active: dict[int, ActiveFault] = {}
        self._next = 1

    def add(self, fault: Fault) -> int:
        number = self._next
        self._next += 1
        self._active[number] = ActiveFault(number, fault, rng=random.Random(fault.seed))
        return number

    def remove(self, number: int) -> None:
        self._active.pop(number, None)

    def clear(self) -> None:
        self._active.clear()

    def hits(self, number: int) -> int:
        return self._active[number].hits

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter(self._active.values())

    def for_request(self, room: str, endpoint: str, account: str) -> list[Fault]:
        """Return the faults that strike this request."""
        return [
            active.fault
            for active in self._active.values()
            if active.fault.endpoint
            and _selects(active.fault, room, account)
            and fnmatchcase(endpoint, active.fault.endpoint)
            and active.strikes()
        ]

    def for_message(self, room: str, stream: str, account: str) -> list[Fault]:
        """Return the faults that strike this message."""
        return [
            active.fault
            for active in self._active.values()
            if active.fault.stream
            and _selects(active.fault, room, account)
            and fnmatchcase(stream, active.fault.stream)
            and active.strikes()
        ]

    def skew_ns(self, room: str) -> int:
        skews = (a.fault.skew_ms for a in self._active.values() if _selects(a.fault, room, "*"))
        return sum(skews) * 1_000_000


def _selects(fault: Fault, room: str, account: str) -> bool:
    return fnmatchcase(room, fault.room) and (account == "*" or fnmatchcase(account, fault.account))
