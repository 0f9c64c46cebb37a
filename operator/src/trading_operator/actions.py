"""The effects that a plan may ask for. Each carries what makes it harmless in the hand of a former leader."""

from collections.abc import Mapping
from dataclasses import dataclass

from trading_operator.objects import Manifest, ObjectRef, ref_of, resource_version_of, uid_of


@dataclass(frozen=True, slots=True)
class Create:
    """Create an object; one that exists already is left alone."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of an object that holds no decision."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace an object that is still as it was read: the manifest carries its uid and resourceVersion."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Decide:
    """Change spec and annotations of an object on which nobody has decided anything else since it was read.

    Its status may have moved on: the decision does not rest on it.
    """

    live: Manifest
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class SetFinalizers:
    """Set the finalizers of a TradingDeployment that is still as it was read."""

    deployment: Manifest
    finalizers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Annotate:
    """Set annotations of an object that is still as it was read."""

    manifest: Manifest
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete, in order and never by force, an object that is still as it was read."""

    ref: ObjectRef
    uid: str
    resource_version: str


type Action = Create | Apply | Replace | Decide | SetFinalizers | Annotate | Delete


def target_of(action: Action) -> ObjectRef:
    """Return which object an action changes."""
    match action:
        case Delete(ref):
            return ref
        case SetFinalizers(deployment):
            return ref_of(deployment)
        case Create(manifest) | Apply(manifest) | Replace(manifest) | Annotate(manifest) | Decide(manifest):
            return ref_of(manifest)


def delete(manifest: Manifest) -> Delete:
    """Return the deletion of an object that was read."""
    return Delete(ref_of(manifest), uid_of(manifest), resource_version_of(manifest))
