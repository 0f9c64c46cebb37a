"""Why a spec cannot be run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a deployment is not accepted; what ran before goes on running."""

    reason: str
    """One CamelCase word for programs."""
    message: str
    """For a person: where, why, and what to write instead."""


class RefusedError(Exception):
    """A spec that cannot be rendered."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.message)
