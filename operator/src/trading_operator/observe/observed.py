"""What was found in the cluster for one deployment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trading_operator.desired.controller_revision import Recorded
from trading_operator.desired.deployment import Known
from trading_operator.desired.limits import generation_in, hash_of, text_of
from trading_operator.desired.names import limits_name
from trading_operator.objects import (
    CONFIG_MAP,
    DeploymentKey,
    Manifest,
    ObjectRef,
    kind_of,
    owner_uid_of,
    resource_version_of,
    uid_of,
)
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
    limits_hash: str = ""
    """Hash of the limits that it holds; empty where it holds none, or not what it says."""
    limits_generation: int = 0
    """The generation whose limits it holds."""
    limits_text: str = ""
    """The limits themselves."""

    @classmethod
    def of(cls, live: Manifest, wanted: Manifest | None) -> "Auxiliary":
        """Look at a live object; what is wanted of it may be unknown, then nothing is."""
        faithful = wanted is None or all(
            covers(live.get(part), content)
            for part, content in (wanted | {"metadata": {"labels": wanted["metadata"]["labels"]}}).items()
        )
        held = hash_of(live) if kind_of(live) is CONFIG_MAP else ""
        generation = generation_in(live) if held else 0
        text = text_of(live) if held else ""
        return cls(uid_of(live), resource_version_of(live), owner_uid_of(live), faithful, held, generation, text)


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of deployments that are gone or going."""

    key: DeploymentKey
    deployment: Manifest | None
    """The deployment while it is going; None when it is gone, or is not what is being removed."""
    found: tuple[Manifest, ...]
    """What still belongs to it; the objects that hold no decision are listed only when nothing runs any more."""
    kept: tuple[ObjectRef, ...] = ()
    """What is not taken away: claims of volumes that outlive their deployment."""


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
    claim: Manifest | None = None
    """What stands where the claim of the state volume is to be, of whatever deployment of this name."""
    answered_generation: int = 0
    """Generation of the StatefulSet that answered our last write to it: what stands there is what was wanted."""
    creation_failure: str = ""
    """Why the StatefulSet could not make its pod, in the API server's words."""
    mount_failure: str = ""
    """Why the pod's volumes could not be mounted, in the kubelet's words."""

    @property
    def limits(self) -> Auxiliary | None:
        """The limits that stand there."""
        return self.auxiliaries.get(ObjectRef(CONFIG_MAP, self.key.namespace, limits_name(self.key.name)))

    @property
    def known(self) -> Known:
        """What need not be made anew."""
        return Known(records=self.revisions, limits_generation=self.limits.limits_generation if self.limits else 0)
