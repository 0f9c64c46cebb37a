"""Watches a deployment's pods while a test acts, and says afterwards whether two ever lived at once."""

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.kubectl import Kubectl

TERMINAL_PHASES = ("Succeeded", "Failed")


@dataclass(frozen=True)
class PodEvent:
    """One line of the watch."""

    kind: str
    uid: str
    name: str
    revision: str
    phase: str
    exit_codes: tuple[int, ...]
    """Exit codes of the node container, where it has ended."""


def parse_event(raw: dict[str, Any]) -> PodEvent:
    """Reduce a watch event to what the tests ask about."""
    pod = raw["object"]
    status = pod.get("status", {})
    ended = [
        c["state"]["terminated"] for c in status.get("containerStatuses", ()) if "terminated" in c.get("state", {})
    ]
    return PodEvent(
        kind=raw["type"],
        uid=pod["metadata"]["uid"],
        name=pod["metadata"]["name"],
        revision=pod["metadata"].get("labels", {}).get("trading-operator.io/revision", ""),
        phase=status.get("phase", "Pending"),
        exit_codes=tuple(end["exitCode"] for end in ended),
    )


def most_alive(events: Sequence[PodEvent]) -> int:
    """The largest number of pods that were neither deleted nor terminal at one moment."""
    alive: set[str] = set()
    most = 0
    for event in events:
        if event.kind == "DELETED" or event.phase in TERMINAL_PHASES:
            alive.discard(event.uid)
        else:
            alive.add(event.uid)
        most = max(most, len(alive))
    return most


@dataclass
class PodWatch:
    """What was seen so far."""

    events: list[PodEvent] = field(default_factory=list)

    def uids(self) -> list[str]:
        """Every pod that was seen, in order of appearance."""
        return list(dict.fromkeys(event.uid for event in self.events))

    def revisions(self) -> list[str]:
        """The revision of each pod that was seen, in order of appearance."""
        return list({event.uid: event.revision for event in self.events}.values())

    def last_exit_code(self, uid: str) -> int | None:
        """How the node container of this pod ended, if it was seen to end."""
        codes = [event.exit_codes[-1] for event in self.events if event.uid == uid and event.exit_codes]
        return codes[-1] if codes else None

    def assert_never_two(self) -> None:
        """Fail when two pods ever lived at once."""
        assert most_alive(self.events) <= 1, f"two pods at once: {self.events}"


def _whole(decoder: json.JSONDecoder, text: str) -> int:
    """Return where the first object in the text ends; 0 while it is not all there."""
    if not text.rstrip().endswith("}"):
        return 0
    try:
        return decoder.raw_decode(text)[1]
    except ValueError:
        return 0


@contextmanager
def watch_pods(kubectl: Kubectl, deployment: str) -> Iterator[PodWatch]:
    """Record every event of the deployment's pods until the block ends."""
    command = ["kubectl", "--namespace", kubectl.namespace, "get", "pods", "--watch", "--output-watch-events"]
    command += ["--output", "json", "--selector", f"trading-operator.io/deployment={deployment}"]
    watch = PodWatch()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(kubectl.environment))

    def read() -> None:
        assert process.stdout is not None
        decoder, buffer = json.JSONDecoder(), ""
        for line in process.stdout:
            buffer = (buffer + line).lstrip()
            # kubectl prints one object after the other, indented or not: each is taken when it is whole.
            while buffer and (end := _whole(decoder, buffer)):
                watch.events.append(parse_event(json.loads(buffer[:end])))
                buffer = buffer[end:].lstrip()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield watch
    finally:
        process.terminate()
        process.wait()
        reader.join()
        if process.stdout is not None:
            process.stdout.close()
