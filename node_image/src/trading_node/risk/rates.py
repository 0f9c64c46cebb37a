"""How often something was sent lately."""

from collections import defaultdict, deque

from trading_node.risk.limits import NANOSECONDS_PER_SECOND

SECOND = NANOSECONDS_PER_SECOND
MINUTE = 60 * NANOSECONDS_PER_SECOND


class SendTimes:
    """Times of the sends within the last minute, in order."""

    __slots__ = ("times",)

    def __init__(self) -> None:
        self.times: deque[int] = deque()

    def record(self, now_ns: int) -> None:
        """Count a send; times must not go back."""
        times = self.times
        times.append(now_ns)
        while times[0] <= now_ns - MINUTE:
            times.popleft()

    def reached(self, limit: int, width_ns: int, now_ns: int) -> bool:
        """Return whether ``limit`` sends or more fall within the window that ends now; its first moment is outside."""
        times = self.times
        return len(times) >= limit and times[-limit] > now_ns - width_ns

    def count(self, width_ns: int, now_ns: int) -> int:
        """Return how many sends fall within the window that ends now."""
        return sum(1 for time in self.times if time > now_ns - width_ns)


class SendLog:
    """Sends of the whole node, and of those strategies and venues that have a limit.

    All sends of the last minute are kept with their origin: a limit that is set now counts what was sent before.

    A clock that steps back neither holds orders back until it has caught up nor forgets what was just sent: times go on
    from the last send, by as much as the clock goes on. One that steps forward lets a former minute be forgotten.
    """

    def __init__(self) -> None:
        self.node = SendTimes()
        self.strategies: dict[str, SendTimes] = {}
        self.venues: dict[str, SendTimes] = {}
        self.counts: defaultdict[tuple[str, str], int] = defaultdict(int)
        """Messages since the start, by strategy and venue."""
        self.behind = 0
        """Nanoseconds that the clock has stepped back; times that are kept are ahead of it by these."""
        self.newest = 0
        """Time of the newest send, as it is kept."""
        self._origins: deque[tuple[str, str]] = deque()

    def record(self, strategy: str, venue: str, now_ns: int) -> None:
        """Count a message of a strategy to a venue."""
        now_ns += self.behind
        if now_ns < self.newest:
            now_ns = self.step_back(now_ns)
        self.newest = now_ns
        times, origins = self.node.times, self._origins
        times.append(now_ns)
        origin = (strategy, venue)
        origins.append(origin)
        self.counts[origin] += 1
        while times[0] <= now_ns - MINUTE:
            times.popleft()
            origins.popleft()
        if self.strategies and (of_strategy := self.strategies.get(strategy)) is not None:
            of_strategy.record(now_ns)
        if self.venues and (of_venue := self.venues.get(venue)) is not None:
            of_venue.record(now_ns)

    def step_back(self, now_ns: int) -> int:
        """Take a time that is before the newest send for that of the newest send, and later ones accordingly."""
        self.behind += self.newest - now_ns
        return self.newest

    def withdraw(self, strategy: str, venue: str) -> None:
        """Forget the last message, which was of this strategy and to this venue: it was decided and not sent."""
        self.counts[self._origins.pop()] -= 1
        for each in (self.node, self.strategies.get(strategy), self.venues.get(venue)):
            if each is not None:
                each.times.pop()

    def of_strategy(self, strategy: str) -> SendTimes:
        """Return the sends of a strategy, counted from now on and for the last minute."""
        return self._scope(self.strategies, strategy, 0)

    def of_venue(self, venue: str) -> SendTimes:
        """Return the sends to a venue, counted from now on and for the last minute."""
        return self._scope(self.venues, venue, 1)

    def _scope(self, scopes: dict[str, SendTimes], name: str, field: int) -> SendTimes:
        known = scopes.get(name)
        if known is None:
            known = scopes[name] = SendTimes()
            sends = zip(self.node.times, self._origins, strict=True)
            known.times.extend(time for time, origin in sends if origin[field] == name)
        return known
