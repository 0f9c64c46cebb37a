"""What was found in the cluster for one deployment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trading_operator.desired.controller_revision import Recorded
from trading_operator.objects import DeploymentKey, Manifest, ObjectRef, owner_uid_of, resource_version_of, uid_of
from trading_operator.observe.drift import covers


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """What must be known of an object that holds no decision."""

    uid: str
    resource_version: str
    owner_uid: str
    """Uid of the deployment that it was made for; empty for a stranger's object."""
    faithful: bool
    """Whether it holds all that is wanted of it."""

    @classmethod
    def of(cls, live: Manifest, wanted: Manifest | None) -> "Auxiliary":
        """Look at a live object; what is wanted of it may be unknown, then nothing is."""
        faithful = wanted is None or all(
            covers(live.get(part), content)
            for part, content in (wanted | {"metadata": {"labels": wanted["metadata"]["labels"]}}).items()
        )
        return cls(uid_of(live), resource_version_of(live), owner_uid_of(live), faithful)


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of deployments that are gone or going."""

    key: DeploymentKey
    deployment: Manifest | None
    """The deployment while it is going; None when it is gone, or is not what is being removed."""
    found: tuple[Manifest, ...]
    """What still belongs to it; the objects that hold no decision are listed only when nothing runs any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One look at a deployment that is there to stay.

    ``stateful_set``, ``pod`` and ``revisions`` belong to the deployment by its uid. ``leftovers`` belong to an earlier
    deployment of the same name. ``strangers`` stand where a child's name should be and belong to nobody that the
    operator knows.
    """

    key: DeploymentKey
    deployment: Manifest
    stateful_set: Manifest | None = None
    pod: Manifest | None = None
    revisions: tuple[Recorded, ...] = ()
    auxiliaries: Mapping[ObjectRef, Auxiliary] = field(default_factory=dict)
    leftovers: tuple[Manifest, ...] = ()
    strangers: tuple[ObjectRef, ...] = ()
    answered_generation: int = 0
    """Generation of the StatefulSet that answered our last write to it: what stands there is what was wanted."""
    creation_failure: str = ""
    """Why the StatefulSet could not make its pod, in the API server's words."""
