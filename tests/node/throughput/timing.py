"""What one run took, handed from process to process as JSON."""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Timing:
    """CPU seconds count beside wall seconds: a machine that does other work too stretches the latter."""

    events: int
    wall_seconds: float
    cpu_seconds: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


class Stopwatch:
    """Runs from its making."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self, events: int) -> Timing:
        return Timing(events, time.perf_counter() - self._wall, time.process_time() - self._cpu)


def catalog_argument() -> Path:
    return Path(sys.argv[1])
