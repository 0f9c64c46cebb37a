"""Whether orders are taken at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum


class Admission(IntEnum):
    """Which orders are taken; the larger one wins."""

    ACTIVE = 0
    """All within the limits."""
    REDUCE = 1
    """Those that make a position smaller and cannot turn it."""
    HALT = 2
    """The node's own cleanup."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Admission and agreement with the venues; immutable, replaced as a whole."""

    admission: Admission = Admission.ACTIVE
    """Of the whole node."""
    venue_admissions: Mapping[str, Admission] = field(default_factory=dict)
    """Of single venues, on top."""
    stopping: Admission = Admission.ACTIVE
    """What the node's own stop leaves; on top of the others, and never taken back."""
    reconciled: bool = False
    """Whether the node agrees with its venues; without it nothing passes, as positions are not known."""
    unreconciled_venues: frozenset[str] = frozenset()
    """Venues that do not agree any more, for instance after a reconnect."""
    recorded: bool = True
    """Whether the books take what happens; without it only what makes a position smaller passes."""
    is_open: bool = field(init=False)
    """Whether everything is taken everywhere."""

    def __post_init__(self) -> None:
        admissions = (self.admission, self.stopping, *self.venue_admissions.values())
        active = all(each is Admission.ACTIVE for each in admissions)
        object.__setattr__(
            self, "is_open", active and self.recorded and self.reconciled and not self.unreconciled_venues
        )

    def admission_at(self, venue: str) -> Admission:
        """Return what holds at a venue."""
        return max(self.admission, self.stopping, self.venue_admissions.get(venue, Admission.ACTIVE))

    def effective_at(self, venue: str) -> Admission:
        """Return what orders to a venue meet: without agreement none passes, without books only reducing ones."""
        if not self.is_reconciled(venue):
            return Admission.HALT
        return max(self.admission_at(venue), Admission.ACTIVE if self.recorded else Admission.REDUCE)

    def effective(self) -> Admission:
        """Return the strictest that holds at any venue; ACTIVE says that everything is taken everywhere."""
        # The empty name stands for all venues of which nothing is said.
        return max(map(self.effective_at, ("", *self.venue_admissions, *self.unreconciled_venues)))

    def restrictions_at(self, venue: str) -> dict[str, bool]:
        """Return all that can hold orders back at a venue, and whether it does."""
        admission = max(self.admission, self.venue_admissions.get(venue, Admission.ACTIVE))
        return {
            "Admission": admission is not Admission.ACTIVE,
            "Stopping": self.stopping is not Admission.ACTIVE,
            "NotReconciled": not self.is_reconciled(venue),
            "NotRecorded": not self.recorded,
        }

    def is_reconciled(self, venue: str) -> bool:
        """Return whether node and venue agree."""
        return self.reconciled and venue not in self.unreconciled_venues

    def with_admission(self, admission: Admission, venue: str | None) -> "Standing":
        """Return the standing with another admission, of a venue or of the node."""
        if venue is None:
            return replace(self, admission=admission)
        return replace(self, venue_admissions={**self.venue_admissions, venue: admission})

    def with_stopping(self, admission: Admission) -> "Standing":
        """Return the standing of a node that stops."""
        return replace(self, stopping=max(self.stopping, admission))

    def with_reconciled(self, venue: str | None, *, reconciled: bool) -> "Standing":
        """Return the standing with a venue, or all of them, in agreement or not."""
        if venue is None:
            return replace(self, reconciled=reconciled, unreconciled_venues=frozenset())
        others = self.unreconciled_venues - {venue}
        return replace(self, unreconciled_venues=others if reconciled else others | {venue})
