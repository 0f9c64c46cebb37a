"""A keyed work queue: each key is worked on once at a time, as soon as it is due, by a bounded number of workers.

:class:`Schedule` decides and knows no clock and no event loop. :class:`WorkQueue` runs it.
"""

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from random import Random

log = logging.getLogger(__name__)

LATER_SECONDS = 0.25
"""How long more of the same is waited for."""
LATER_AT_MOST = 5.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after the n-th failure in a row."""

    first: float = 0.1
    factor: float = 2.0
    most: float = 120.0
    jitter: float = 0.5
    """Share of the delay that is random, so that what failed together does not come again together."""

    def delay(self, failures: int, random: Random) -> float:
        """Return the seconds to wait."""
        longest = min(self.most, self.first * self.factor ** min(failures - 1, 64))
        return longest * (1 - self.jitter * random.random())


@dataclass(frozen=True, slots=True)
class Again:
    """What is to become of a key that was worked on."""

    after: float | None = None
    """Seconds until it is due anyway; None: at the next resync."""
    forget: bool = False
    """There is nothing left to come back for."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a key is worked on at most.

    Two that change one object against each other, such as a policy or a second operator, would else do so as fast as
    the API server answers.
    """

    burst: float = 30.0
    """Turns in a row: more than a deployment takes from its creation until it trades."""
    seconds: float = 1.0
    """What a turn costs after that."""


@dataclass(slots=True)
class _Entry:
    due: float | None = None
    since: float = 0.0
    running: bool = False
    failures: int = 0
    turns: float = 0.0
    """Turns that were taken, less what has been paid back since."""
    taken_at: float = 0.0


@dataclass(slots=True)
class Schedule[Key: Hashable]:
    """Which key is due when. Times are seconds of any clock that does not jump."""

    random: Random
    backoff: Backoff = field(default_factory=Backoff)
    resync: float = 600.0
    pace: Pace = field(default_factory=Pace)
    _entries: dict[Key, _Entry] = field(default_factory=dict)
    _heap: list[tuple[float, int, Key]] = field(default_factory=list)
    _counter: int = 0

    def add(self, key: Key, at: float) -> None:
        """Make a key due at a time, or earlier if it already is."""
        entry = self._entries.setdefault(key, _Entry())
        at = max(at, self._next_turn(entry))
        if entry.due is None or at < entry.due:
            entry.due, entry.since = at, at
            if not entry.running:
                self._push(key, at)

    def take(self, now: float) -> tuple[Key, float] | None:
        """Return a key that is due, and how many seconds it has waited; it will not be returned again before done()."""
        while self._heap and self._heap[0][0] <= now:
            at, _, key = heapq.heappop(self._heap)
            entry = self._entries.get(key)
            if entry is None or entry.running or entry.due != at:
                continue
            entry.running, entry.due = True, None
            entry.turns = max(0.0, entry.turns - (now - entry.taken_at) / self.pace.seconds) + 1.0
            entry.taken_at = now
            return key, now - entry.since
        return None

    def next_due(self) -> float | None:
        """Return when take() may have something; maybe earlier than it has."""
        return self._heap[0][0] if self._heap else None

    def done(self, key: Key, again: Again | None, now: float) -> float:
        """Take a key back. None means that it failed. Return the seconds until it is due again."""
        entry = self._entries[key]
        entry.running = False
        if again is None:
            entry.failures += 1
            delay = self.backoff.delay(entry.failures, self.random)
            # A wish from outside does not shorten the backoff of what fails: it would be a hot loop.
            entry.due = now + delay
        else:
            entry.failures = 0
            if again.forget and entry.due is None:
                del self._entries[key]
                return self.resync
            delay = self.resync * self.random.uniform(0.8, 1.2)
            if again.after is not None:
                delay = max(min(delay, max(0.0, again.after)), self._next_turn(entry) - now)
            entry.due = now + delay if entry.due is None else min(entry.due, now + delay)
        entry.since = entry.due
        self._push(key, entry.due)
        return entry.due - now

    def depth(self, now: float) -> int:
        """Return how many keys are due and wait for a worker."""
        entries = self._entries.values()
        return sum(1 for entry in entries if entry.due is not None and entry.due <= now and not entry.running)

    def __len__(self) -> int:
        return len(self._entries)

    def _next_turn(self, entry: _Entry) -> float:
        """Return from when on a key may be worked on again."""
        return entry.taken_at + max(0.0, entry.turns + 1.0 - self.pace.burst) * self.pace.seconds

    def _push(self, key: Key, at: float) -> None:
        self._counter += 1
        heapq.heappush(self._heap, (at, self._counter, key))
        if len(self._heap) > 2 * len(self._entries) + 64:
            # Most are of wishes that an earlier one has fulfilled: each would stay until the resync.
            waiting = (one for one in self._heap if self._is_due(one))
            self._heap = list(waiting)
            heapq.heapify(self._heap)

    def _is_due(self, one: tuple[float, int, Key]) -> bool:
        entry = self._entries.get(one[2])
        return entry is not None and not entry.running and entry.due == one[0]


class WorkQueue[Key: Hashable]:
    """Runs a schedule on an event loop. Work that returns None has failed and comes again, later each time."""

    def __init__(
        self,
        schedule: Schedule[Key],
        work: Callable[[Key], Awaitable[Again | None]],
        *,
        workers: int,
        on_wait: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._schedule = schedule
        self._work = work
        self._workers = workers
        self._on_wait = on_wait
        self._changed = asyncio.Event()
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._idle = workers
        self._lateness = 0.0
        """How long the key had waited that was taken last; 0 once no other waits."""
        self._stopping = False

    def add(self, key: Key, delay: float = 0.0) -> None:
        """Make a key due after some seconds."""
        self._schedule.add(key, self._now() + delay)
        self._changed.set()

    def add_later(self, key: Key) -> None:
        """Make a key due in a moment, so that more of the same is worked on in one go.

        While others wait, it lets these go first: what somebody asked for comes before what became of it.
        """
        self.add(key, LATER_SECONDS + min(self._lateness, LATER_AT_MOST))

    def depth(self) -> int:
        """Return how many keys wait for a worker."""
        return self._schedule.depth(self._now())

    def stop(self) -> None:
        """Take up nothing more; what is being worked on is finished."""
        self._stopping = True
        self._changed.set()

    async def run(self) -> None:
        """Work until stop() was called and every worker has finished."""
        workers = [asyncio.create_task(self._worker(), name=f"worker-{number}") for number in range(self._workers)]
        try:
            await self._dispatch()
            while self._idle < self._workers:
                self._changed.clear()
                await self._changed.wait()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _dispatch(self) -> None:
        """Hand out keys that are due while a worker is free; sleep until one is due or something changes."""
        while not self._stopping:
            self._changed.clear()
            now = self._now()
            while self._idle and (taken := self._schedule.take(now)):
                key, waited = taken
                self._on_wait(waited)
                self._lateness = waited
                self._idle -= 1
                self._ready.put_nowait(key)
            if self._idle:
                self._lateness = 0.0  # nobody waits any more
            due = self._schedule.next_due() if self._idle else None
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - self._now())):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _worker(self) -> None:
        while True:
            key = await self._ready.get()
            again: Again | None = None
            try:
                again = await self._work(key)
            except Exception:
                log.exception("the work on %s failed", key)
            finally:
                self._schedule.done(key, again, self._now())
                self._idle += 1
                self._changed.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
