"""From looks to agreement: when a venue's gate is open, and what is told about it. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from trading_node.reconciliation.difference import Difference, Kind

LOOKS_TO_AGREE = 2
"""So many looks in a row must find no difference."""
FAILURES_TO_DISAGREE = 2
"""So many looks in a row may fail before an agreement ends."""
MAX_UNRESOLVED = 20
_NEXT_PAUSE = 0.05
"""When nothing is open, or everything was repaired for the first time."""
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_SOON = 3
"""After so many looks the pauses do not grow while all that is open decides itself with time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A difference that stands."""

    kind: Kind
    subject: str
    message: str
    remedy: str
    since_ns: int
    """UTC nanoseconds of the look that first found it."""


@dataclass(slots=True, kw_only=True)
class VenueStats:
    """What is told about the agreement with one venue; times in UTC nanoseconds, 0 for never."""

    venue: str
    agreed: bool = False
    last_agreement_ns: int = 0
    last_look_ns: int = 0
    looks: int = 0
    failures: int = 0
    """Looks that the venue did not answer."""
    reconnects: int = 0
    in_flight_unknown: int = 0
    """Orders that were sent without an answer so far."""
    differences: Counter[Kind] = field(default_factory=Counter)
    """Found since the start; one that stands counts once."""
    repairs: Counter[Kind] = field(default_factory=Counter)
    raised: Counter[Kind] = field(default_factory=Counter)
    """Those of them that time or a person has to resolve; one that stands counts once."""
    unresolved: tuple[Unresolved, ...] = ()


_SILENT = "Look at the venue's state and at the node's connection to it; the node goes on when it answers"
_HELD = (
    "Look for what else asks the venue from this address or with this key; the node sends nothing until then, and goes "
    "on by itself"
)


class Agreement:
    """The agreement with one venue: begins as none."""

    def __init__(self, venue: str) -> None:
        self.stats = VenueStats(venue=venue)
        self._clean = 0
        self._failed = 0
        self._tries = 0
        self._mended = False
        """Whether the last look repaired all that it found, and the one before had found nothing to repair."""
        self._standing: dict[tuple[Kind, str], int] = {}
        self._raised: frozenset[tuple[Kind, str]] = frozenset()
        self._books: tuple[Unresolved, ...] = ()
        self._strict = True
        """Whether orders on their way keep both sides from agreeing: they do where something may have been lost."""

    @property
    def agreed(self) -> bool:
        """Whether the node may trade there."""
        return self.stats.agreed

    def doubt(self) -> None:
        """End the agreement until the venue has been asked: its stream was broken."""
        self._clean = self._tries = 0
        self._strict = True
        self.stats.agreed = False

    def on_look(self, differences: Iterable[Difference], now_ns: int) -> None:
        """Take what a look found."""
        found = list(differences)
        self._failed = 0
        self.stats.looks += 1
        self.stats.last_look_ns = now_ns
        self._note(found, now_ns)
        serious = [d for d in found if not d.trivial and d.kind is not Kind.BALANCE]
        self.stats.in_flight_unknown = sum(1 for d in found if d.kind is Kind.IN_FLIGHT_UNKNOWN)
        if serious:
            self._clean = 0
            self._mended = not self._tries and all(d.repair is not None for d in serious)
            self._tries += 1
            self.stats.agreed = False
            return
        self._mended = False
        if any(d.trivial and (self._strict or d.kind is not Kind.IN_FLIGHT_UNKNOWN) for d in found):
            self._clean = 0  # Not decided yet: neither a look that agrees nor one that does not.
            self._tries = min(self._tries + 1, _SOON)
            return
        self._clean, self._tries = min(self._clean + 1, LOOKS_TO_AGREE), 0
        if self._clean == LOOKS_TO_AGREE:
            self.stats.agreed, self._strict = True, False
            self.stats.last_agreement_ns = now_ns

    def on_failure(self, why: str, now_ns: int, *, held_seconds: float = 0.0) -> None:
        """Take that the venue did not answer; held_seconds: for how long it is not to be asked again."""
        self._clean = 0
        self._mended = False
        self._failed += 1
        self._tries += 1
        self.stats.failures += 1
        if self._failed >= FAILURES_TO_DISAGREE or held_seconds > _LONGEST_PAUSE:
            self.stats.agreed = False
        remedy = _HELD if held_seconds else _SILENT
        silent = Difference(kind=Kind.VENUE_SILENT, subject=self.stats.venue, message=why, remedy=remedy)
        self._note([silent], now_ns, keep=True)

    def on_books(self, found: Iterable[Difference], now_ns: int) -> None:
        """Take what differs between the node and its books: told, and no reason to stop trading."""
        since = {each.subject: each.since_ns for each in self._books}
        others = tuple(each for each in self.stats.unresolved if each not in self._books)
        self._books = tuple(_unresolved(each, since.get(each.subject, now_ns)) for each in found)
        new = sum(1 for each in self._books if each.subject not in since)
        if new:
            self.stats.differences[Kind.BOOKS] += new
            self.stats.raised[Kind.BOOKS] += new
        self.stats.unresolved = (*others, *self._books)[:MAX_UNRESOLVED]

    def on_repair(self, kind: Kind) -> None:
        """Count a repair."""
        self.stats.repairs[kind] += 1

    @property
    def settled(self) -> bool:
        """Whether nothing is to be done before the next regular look."""
        return self.stats.agreed and self._clean >= LOOKS_TO_AGREE and not self._failed

    def pause_seconds(self) -> float:
        """Return how long to wait before the next look while something is open; longer the longer it lasts."""
        if self._mended or not self._tries:
            return _NEXT_PAUSE
        return float(min(_FIRST_PAUSE * 2 ** (self._tries - 1), _LONGEST_PAUSE))

    def _note(self, found: Sequence[Difference], now_ns: int, *, keep: bool = False) -> None:
        """Count differences once, and keep those that stand; keep: also those that were found before."""
        standing = dict(self._standing) if keep else {}
        told = {(u.kind, u.subject): u for u in self.stats.unresolved if u not in self._books} if keep else {}
        raised = self._raised if keep else frozenset()
        for difference in found:
            key = difference.kind, difference.subject
            since = self._standing.get(key)
            if since is None and not difference.trivial:
                self.stats.differences[difference.kind] += 1
            if not difference.trivial:
                standing[key] = since or now_ns
            if difference.repair is None and not difference.trivial and difference.kind is not Kind.BALANCE:
                told[key] = _unresolved(difference, since or now_ns)
                if key not in self._raised | raised:
                    self.stats.raised[difference.kind] += 1
                raised |= {key}
        self._standing, self._raised = standing, raised
        self.stats.unresolved = (*told.values(), *self._books)[:MAX_UNRESOLVED]


def _unresolved(difference: Difference, since_ns: int) -> Unresolved:
    return Unresolved(
        kind=difference.kind,
        subject=difference.subject,
        message=difference.message,
        remedy=difference.remedy,
        since_ns=since_ns,
    )


def sentence(venues: Iterable[VenueStats]) -> str:
    """Return in one line what stands between the node and its venues; empty if nothing does."""
    parts = []
    for stats in venues:
        if stats.agreed:
            continue
        first = stats.unresolved[0] if stats.unresolved else None
        more = f" (and {len(stats.unresolved) - 1} more)" if len(stats.unresolved) > 1 else ""
        what = (
            f"{first.kind.value} {first.subject}: {first.message}. {first.remedy}{more}" if first else "being compared"
        )
        parts.append(f"{stats.venue}: {what}")
    return "; ".join(parts)
