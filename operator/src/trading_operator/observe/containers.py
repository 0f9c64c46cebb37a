"""Container statuses of a pod, read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from trading_api import wiring
from trading_api.exit_codes import ExitCode
from trading_api.status import TerminationMessage
from trading_operator.objects import Manifest, timestamp


@dataclass(frozen=True, slots=True)
class End:
    """How a container's process ended."""

    exit_code: int
    reason: str
    """Kubernetes' own word, such as Error or OOMKilled."""
    text: str
    """The termination message, or the end of the log where the container left none."""
    started: datetime | None = None
    """When the process started, in whole seconds; None where nobody knows any more."""
    finished: datetime | None = None
    """When it ended, in whole seconds; None where nobody knows any more."""

    @property
    def permanent(self) -> bool:
        """Whether a node that ended so would end so again."""
        return self.exit_code in set(ExitCode) and ExitCode(self.exit_code).permanent

    @property
    def last_words(self) -> TerminationMessage | None:
        """What the node itself said of its end."""
        try:
            return TerminationMessage.model_validate_json(self.text)
        except ValidationError:
            return None


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container."""

    name: str
    image: str
    waiting_reason: str
    waiting_message: str
    restarts: int
    running: bool
    ready: bool
    started: bool
    running_since: datetime | None
    end: End | None
    """Of the present process where it has ended, else of the one before."""


def container_states(pod: Manifest, field: str = "containerStatuses") -> Iterator[ContainerState]:
    """Yield the pod's containers, or with ``initContainerStatuses`` its init containers and sidecars."""
    for status in pod.get("status", {}).get(field) or ():
        state = status.get("state") or {}
        waiting = state.get("waiting") or {}
        terminated = state.get("terminated") or (status.get("lastState") or {}).get("terminated")
        yield ContainerState(
            name=status["name"],
            image=status.get("image", ""),
            waiting_reason=waiting.get("reason", ""),
            waiting_message=waiting.get("message", ""),
            restarts=int(status.get("restartCount", 0)),
            running="running" in state,
            ready=bool(status.get("ready")),
            started=bool(status.get("started")),
            running_since=timestamp((state.get("running") or {}).get("startedAt")),
            end=_end(terminated) if terminated else None,
        )


def node_container(pod: Manifest) -> ContainerState | None:
    """Return the node's container, once the kubelet has reported it."""
    return next((state for state in container_states(pod) if state.name == wiring.NODE_CONTAINER), None)


def _end(terminated: Mapping[str, Any]) -> End:
    return End(
        int(terminated.get("exitCode", 0)),
        terminated.get("reason", ""),
        terminated.get("message", ""),
        timestamp(terminated.get("startedAt")),
        timestamp(terminated.get("finishedAt")),
    )


def pod_condition(pod: Manifest, kind: str) -> Mapping[str, Any]:
    """Return one of the pod's conditions; empty where it has none of the kind."""
    conditions = pod.get("status", {}).get("conditions") or ()
    return next((condition for condition in conditions if condition["type"] == kind), {})
