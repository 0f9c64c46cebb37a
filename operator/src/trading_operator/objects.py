"""Kubernetes objects as plain dicts, and how to name and read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trading_api import wiring

type Json = Any
"""Any JSON value."""
type Manifest = dict[str, Any]
"""One Kubernetes object as its JSON says. Treated as immutable: whoever changes one works on a copy."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of object and where the API server keeps it. There is one instance of each, compared by identity."""

    api_version: str
    name: str
    plural: str

    @property
    def prefix(self) -> str:
        """Path of the kind's group and version."""
        return f"/api/{self.api_version}" if "/" not in self.api_version else f"/apis/{self.api_version}"

    def path(self, namespace: str, name: str = "") -> str:
        """Path of one object, or of the collection; cluster-wide where the namespace is empty."""
        within = f"/namespaces/{namespace}" if namespace else ""
        return f"{self.prefix}{within}/{self.plural}" + (f"/{name}" if name else "")

    def __str__(self) -> str:
        return self.name


TRADING_DEPLOYMENT = Kind(wiring.API_VERSION, wiring.KIND, wiring.PLURAL)
STATEFUL_SET = Kind("apps/v1", "StatefulSet", "statefulsets")
CONTROLLER_REVISION = Kind("apps/v1", "ControllerRevision", "controllerrevisions")
POD = Kind("v1", "Pod", "pods")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
PERSISTENT_VOLUME_CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
SERVICE = Kind("v1", "Service", "services")
SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")
EVENT = Kind("events.k8s.io/v1", "Event", "events")
CORE_EVENT = Kind("v1", "Event", "events")
CSI_DRIVER = Kind("storage.k8s.io/v1", "CSIDriver", "csidrivers")

NAMED_CHILDREN = (SERVICE_ACCOUNT, ROLE, ROLE_BINDING, SERVICE)
"""Children that exist once per deployment, under its base name, beside the StatefulSet."""
AUXILIARY_KINDS = (*NAMED_CHILDREN, CONFIG_MAP)
"""Children that hold no decision: they can be made anew at any time."""
CHILD_KINDS = (
    STATEFUL_SET,
    POD,
    ROLE_BINDING,
    ROLE,
    SERVICE_ACCOUNT,
    SERVICE,
    CONFIG_MAP,
    CONTROLLER_REVISION,
    PERSISTENT_VOLUME_CLAIM,
)
"""Every kind that the operator makes or causes, in the order in which a deletion takes them away."""

_BY_NAME = {kind.name: kind for kind in (*CHILD_KINDS, TRADING_DEPLOYMENT, LEASE, EVENT)}


@dataclass(frozen=True, slots=True)
class DeploymentKey:
    """Which TradingDeployment: the key of all work."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """Which object."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def kind_of(manifest: Manifest) -> Kind:
    """Return the kind of an object that the operator reads or writes."""
    return _BY_NAME[manifest["kind"]]


def ref_of(manifest: Manifest) -> ObjectRef:
    """Return which object this is."""
    return ObjectRef(kind_of(manifest), manifest["metadata"]["namespace"], manifest["metadata"]["name"])


def name_of(manifest: Manifest) -> str:
    """Return the object's name."""
    return str(manifest["metadata"]["name"])


def uid_of(manifest: Manifest) -> str:
    """Return the object's uid; empty before it exists."""
    return str(manifest["metadata"].get("uid", ""))


def resource_version_of(manifest: Manifest) -> str:
    """Return the version of the whole object; empty before it exists."""
    return str(manifest["metadata"].get("resourceVersion", ""))


def generation_of(manifest: Manifest) -> int:
    """Return the version of the object's spec."""
    return int(manifest["metadata"].get("generation", 0))


def labels_of(manifest: Manifest) -> Mapping[str, str]:
    """Return the object's labels."""
    return manifest["metadata"].get("labels") or {}


def annotations_of(manifest: Manifest) -> Mapping[str, str]:
    """Return the object's annotations."""
    return manifest["metadata"].get("annotations") or {}


def finalizers_of(manifest: Manifest) -> tuple[str, ...]:
    """Return who has to agree to the object's deletion."""
    return tuple(manifest["metadata"].get("finalizers") or ())


def is_terminating(manifest: Manifest) -> bool:
    """Tell whether the object's deletion was asked for."""
    return bool(manifest["metadata"].get("deletionTimestamp"))


def owner_uid_of(manifest: Manifest) -> str:
    """Return the uid of the TradingDeployment that the object was made for; empty for a stranger's object.

    A StatefulSet whose own labels somebody has removed is known by its template's.
    """
    uid = labels_of(manifest).get(wiring.LABEL_DEPLOYMENT_UID, "")
    if not uid and manifest["kind"] == STATEFUL_SET.name:
        return labels_of(manifest["spec"]["template"]).get(wiring.LABEL_DEPLOYMENT_UID, "")
    return uid


def timestamp(text: str | None) -> datetime | None:
    """Read a Kubernetes timestamp (RFC 3339); None when there is none."""
    return datetime.fromisoformat(text) if text else None
