"""One scheme of names and labels for everything that belongs to a deployment."""

from dataclasses import dataclass

from trading_api import wiring
from trading_operator.objects import DeploymentKey, Manifest, name_of, uid_of

MANAGED_BY = "trading-operator"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_NAME = "app.kubernetes.io/name"
NAME_NODE = "trading-node"
NAME_REVISION = "trading-revision"
"""Not NAME_NODE: a StatefulSet adopts every orphan ControllerRevision that its selector matches."""

ANNOTATION_APPROVE = f"{wiring.GROUP}/approve"
"""On the TradingDeployment, by a person: the revision that may replace the running one."""
ANNOTATION_APPROVAL = f"{wiring.GROUP}/approval"
"""On a ControllerRevision, by the operator: the how-manieth approval of the deployment this revision was given."""
ANNOTATION_SOURCE = f"{wiring.GROUP}/source"
"""On a ControllerRevision: what of the spec its rendering was made from, as a hash."""
ANNOTATION_GENERATION = f"{wiring.GROUP}/generation"
"""On the limits' ConfigMap: the generation of the deployment that it holds the limits of."""
ANNOTATION_LIMITS = f"{wiring.GROUP}/limits"
"""On the limits' ConfigMap: the hash of what it holds. On the pod: the limits that its kubelet was last told of."""
ANNOTATION_STATE_OF = f"{wiring.GROUP}/state-of"
"""On the state volume's claim: whose books it holds, as trader and mode."""
ANNOTATION_WHEN_DELETED = f"{wiring.GROUP}/when-deleted"
"""On the state volume's claim: Retain or Delete."""
FINALIZER = f"{wiring.GROUP}/orderly-stop"

MAX_NAME = 63


@dataclass(frozen=True, slots=True)
class Owner:
    """The TradingDeployment that objects are made for."""

    name: str
    namespace: str
    uid: str

    @property
    def key(self) -> DeploymentKey:
        """The key of all work on the deployment."""
        return DeploymentKey(self.namespace, self.name)

    @property
    def base(self) -> str:
        """Name of every child that exists once."""
        return base_name(self.name)

    def labels(self, *, app: str = NAME_NODE, revision: str = "") -> dict[str, str]:
        """Labels of a child."""
        labels = {
            LABEL_MANAGED_BY: MANAGED_BY,
            LABEL_NAME: app,
            wiring.LABEL_DEPLOYMENT: self.name,
            wiring.LABEL_DEPLOYMENT_UID: self.uid,
        }
        return labels | {wiring.LABEL_REVISION: revision} if revision else labels

    def metadata(self, name: str, *, app: str = NAME_NODE, revision: str = "") -> Manifest:
        """Metadata of a child. No ownerReference: a foreground deletion would take away what a stop needs."""
        return {"name": name, "namespace": self.namespace, "labels": self.labels(app=app, revision=revision)}

    @property
    def limits_name(self) -> str:
        """Name of the ConfigMap that holds the limits; no revision's name, whose hash has ten digits."""
        return limits_name(self.name)

    @property
    def claim_name(self) -> str:
        """Name of the state volume's claim."""
        return claim_name(self.name)

    def revision_name(self, revision: str) -> str:
        """Name of a revision's ControllerRevision and of its ConfigMap."""
        return f"{self.base}-{revision}"


def base_name(deployment: str) -> str:
    """Return the name of every child that a deployment has once."""
    return f"{deployment}-node"


def limits_name(deployment: str) -> str:
    """Return the name of the ConfigMap with a deployment's limits."""
    return f"{base_name(deployment)}-limits"


def claim_name(deployment: str) -> str:
    """Return the name of the claim of a deployment's state volume."""
    return f"{base_name(deployment)}-state"


def pod_name(deployment: str) -> str:
    """Return the only name that a deployment's pod ever has."""
    return f"{deployment}{wiring.POD_SUFFIX}"


def owner_of(deployment: Manifest) -> Owner:
    """Return who a raw TradingDeployment is."""
    return Owner(name_of(deployment), deployment["metadata"]["namespace"], uid_of(deployment))


def selector_of(deployment: str) -> dict[str, str]:
    """Return the labels by which StatefulSet and Service find the pod."""
    return {LABEL_NAME: NAME_NODE, wiring.LABEL_DEPLOYMENT: deployment}
