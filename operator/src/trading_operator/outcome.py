"""What ended for good, recorded on the StatefulSet where the node may not write."""

import json
from dataclasses import asdict, dataclass

from trading_api import wiring
from trading_api.status import Phase
from trading_operator.objects import Manifest, annotations_of

ANNOTATION = f"{wiring.GROUP}/outcome"
_PHASES = frozenset({Phase.COMPLETED, Phase.FAILED})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a revision ended; it is not started again until it is resumed or replaced."""

    revision: str
    phase: str
    reason: str
    message: str

    @property
    def failed(self) -> bool:
        """Whether the end was an error that the same revision would meet again."""
        return self.phase == Phase.FAILED

    def to_json(self) -> str:
        """Write the annotation's value."""
        return json.dumps(asdict(self), sort_keys=True)


def recorded_outcome(stateful_set: Manifest) -> Outcome | None:
    """Read the annotation; None where there is none, or none that can be read."""
    text = annotations_of(stateful_set).get(ANNOTATION)
    if text is None:
        return None
    try:
        fields = json.loads(text)
        found = Outcome(**{name: str(fields[name]) for name in ("revision", "phase", "reason", "message")})
    except (ValueError, KeyError, TypeError):
        return None
    return found if found.phase in _PHASES and found.reason.isidentifier() else None
