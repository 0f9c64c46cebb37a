"""What happens in a history: kills, faults, outages and an outside hand, all drawn from one seed. Pure.

Moments are what a plan can fix; how far a process got by then it cannot. The same seed gives the same plan, and the
strategies draw from it too, so that a history that failed is close to its repetition, not bit for bit the same.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.ledger.rooms import ACCOUNT, LedgerRoom


class End(StrEnum):
    """How a life of the node ends."""

    KILL_STARTING = "killed while it starts"
    KILL_TRADING = "killed while it trades"
    KILL_STOPPING = "killed while it stops"
    STOP = "stopped in order"

    @property
    def is_kill(self) -> bool:
        return self is not End.STOP


class Do(StrEnum):
    """What is done to the world."""

    FAULT = "fault"
    BREAK = "break all streams"
    OUTSIDE_ORDER = "order from outside"
    OUTSIDE_CANCEL = "cancel from outside"
    JUMP = "the price jumps"
    DATABASE = "the database goes away"
    REDIS = "Redis goes away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    at_s: float
    """After the start of the process, or after it began to trade, as `Life` says."""
    do: Do
    for_s: float = 0.0
    """How long a fault or an outage lasts."""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    number: int
    end: End
    after_s: float
    """From the start (killed while it starts) or from when it trades; while it stops: from the signal."""
    trades_s: float = 0.0
    """Killed while it stops: how long it trades before."""
    starting: tuple[Step, ...] = ()
    trading: tuple[Step, ...] = ()
    absent: tuple[Step, ...] = ()
    """Done at once when it is gone, before the next life."""
    absent_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: int
    room: str
    lives: tuple[Life, ...]

    @property
    def kills(self) -> int:
        return sum(life.end.is_kill for life in self.lives)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What can go wrong besides the venue's own faults."""

    database: bool = False
    """Whether there is a database server that can go away."""
    redis: bool = False
    garble: bool = False
    """Whether the venue's words can be cut off, odd or new."""


def make_plan(seed: int, room: LedgerRoom, kills: int, world: World) -> Plan:
    """Draw a history with so many kills; stops in order come on top."""
    lives: list[Life] = []
    for life in draw_lives(seed, room, world):
        if sum(life.end.is_kill for life in lives) >= kills:
            break
        lives.append(life)
    return Plan(seed=seed, room=room.name, lives=tuple(lives))


def draw_lives(seed: int, room: LedgerRoom, world: World) -> Iterator[Life]:
    """Give the lives that a seed means, without end: a plan is the first of them."""
    rng = random.Random(f"{seed}:{room.name}")
    for number in itertools.count():
        yield _life(rng, number, room, world)


def _life(rng: random.Random, number: int, room: LedgerRoom, world: World) -> Life:
    # The first life has nothing to recover from: it trades.
    weights = (0, 1, 0, 0) if number == 0 else (25, 55, 12, 8)
    end = rng.choices(tuple(End), weights)[0]
    trades_s = rng.uniform(0.3, 2.5)
    after_s = {
        End.KILL_STARTING: rng.uniform(0.2, 5.0),
        End.KILL_TRADING: trades_s,
        End.KILL_STOPPING: rng.uniform(0.0, 0.6),
        End.STOP: trades_s,
    }[end]
    draw = _Draw(rng, room, world)
    return Life(
        number=number,
        end=end,
        after_s=after_s,
        trades_s=trades_s,
        starting=draw.steps(rng.choice((0, 0, 1, 2)) if number else 0, 4.0, draw.fault, draw.fault, draw.outage),
        trading=draw.steps(rng.randint(2, 6), trades_s, draw.fault, draw.fault, draw.fault, draw.hand, draw.outage),
        absent=draw.steps(rng.choice((0, 1, 1, 2)), 0.0, draw.hand),
        absent_s=rng.choice((0.0, 0.0, rng.uniform(0.1, 1.0))),
    )


class _Draw:
    """Draws steps from one generator."""

    def __init__(self, rng: random.Random, room: LedgerRoom, world: World) -> None:
        self._rng = rng
        self._room = room
        self._world = world

    def steps(self, count: int, within_s: float, *kinds: Callable[[float], Step]) -> tuple[Step, ...]:
        drawn = [self._rng.choice(kinds)(self._rng.uniform(0, within_s)) for _ in range(count)]
        return tuple(sorted(drawn, key=lambda step: step.at_s))

    def hand(self, at_s: float) -> Step:
        """Somebody else at the account, or the market."""
        rng = self._rng
        market = rng.choice(self._room.markets)
        return rng.choice(
            (
                Step(at_s=at_s, do=Do.OUTSIDE_ORDER, details=self._outside_order(market.symbol)),
                Step(at_s=at_s, do=Do.OUTSIDE_CANCEL, details={"pick": rng.random()}),
                Step(at_s=at_s, do=Do.JUMP, details={"symbol": market.symbol, "spacings": rng.randint(-30, 30)}),
            )
        )

    def _outside_order(self, symbol: str) -> dict[str, Any]:
        rng = self._rng
        side = rng.choice(("BUY", "SELL"))
        # None: at market. Far ones rest, near ones are filled sooner or later.
        distance = rng.choice((None, 1, 3, 200))
        return {"symbol": symbol, "side": side, "lots": rng.randint(1, 3), "distance": distance}

    def outage(self, at_s: float) -> Step:
        """A server goes away for a moment; a fault where there is none."""
        rng, world = self._rng, self._world
        kinds = [do for do, there in ((Do.DATABASE, world.database), (Do.REDIS, world.redis)) if there]
        if not kinds:
            return self.fault(at_s)
        how = rng.choice(("in order", "crash"))
        return Step(at_s=at_s, do=rng.choice(kinds), for_s=rng.uniform(0.1, 2.5), details={"how": how})

    def fault(self, at_s: float) -> Step:
        rng = self._rng
        make, weight = zip(*self._faults(), strict=True)
        details = rng.choices(make, weight)[0]()
        if details is None:
            return Step(at_s=at_s, do=Do.BREAK)
        scope = {"room": self._room.room, "seed": rng.randrange(1 << 30)}
        if details["action"] != "clock_skew":
            scope["account"] = ACCOUNT
        return Step(at_s=at_s, do=Do.FAULT, for_s=rng.uniform(0.2, 2.5), details={**scope, **details})

    def _faults(self) -> tuple[tuple[Callable[[], dict[str, Any] | None], int], ...]:
        rng, room = self._rng, self._room
        asks, changes = room.asks, (*room.sends, *room.cancels)

        def some() -> int:
            return rng.randint(1, 10)

        def request(action: str, endpoints: tuple[str, ...], **more: Any) -> dict[str, Any]:
            drawn = {"count": rng.randint(1, 3), "skip": rng.randint(0, 4)}
            return {"action": action, "endpoint": rng.choice(endpoints), **drawn, **more}

        def stream(action: str, **more: Any) -> dict[str, Any]:
            return {"action": action, "stream": rng.choice(room.streams), "count": some(), **more}

        garble = 20 if self._world.garble else 0
        return (
            (lambda: stream("garble"), garble),
            (lambda: request("garble", (*changes, *asks)), garble),
            (lambda: request("delay", changes, delay_ms=rng.randint(20, 1_500)), 8),
            (lambda: request("lose_request", room.sends), 6),
            (lambda: request("lose_request", room.cancels), 3),
            (lambda: request("lose_response", room.sends), 8),
            (lambda: request("lose_response", room.cancels), 4),
            (lambda: request("server_error", room.sends, executed=rng.random() < 0.5), 6),
            (lambda: request("server_error", room.cancels, executed=rng.random() < 0.5), 3),
            (lambda: request("reject", changes), 4),
            (lambda: request("rate_limit", (*changes, *asks), retry_after_s=1), 3),
            (lambda: request("ban", (*changes, *asks), count=1, retry_after_s=rng.randint(1, 2)), 2),
            (lambda: request("partial_fill", room.sends, count=some(), fraction=rng.choice(("0.3", "0.5", "0.9"))), 6),
            (lambda: request("duplicate", room.repeatable), 3),
            (lambda: request("delay", asks, delay_ms=rng.randint(20, 1_000)), 3),
            (lambda: request("lose_response", asks), 3),
            (lambda: request("server_error", asks), 3),
            (lambda: stream("delay", delay_ms=rng.randint(5, 200)), 5),
            (lambda: stream("duplicate"), 6),
            (lambda: stream("reorder"), 6),
            (lambda: stream("drop"), 8),
            (lambda: {"action": "disconnect", "stream": rng.choice(room.streams), "count": 1}, 6),
            (lambda: {"action": "silence", "stream": rng.choice(room.streams), "count": None}, 4),
            (lambda: {"action": "clock_skew", "skew_ms": rng.choice((-1, 1)) * rng.randint(50, 4_000)}, 3),
            (lambda: None, 4),
        )
