"""The claim of the state volume, which may outlive its deployment."""

from decimal import Decimal

from trading_api.policies import State, WhenDeleted
from trading_operator.desired.names import ANNOTATION_STATE_OF, ANNOTATION_WHEN_DELETED, NAME_REVISION, Owner
from trading_operator.objects import (
    PERSISTENT_VOLUME_CLAIM,
    Manifest,
    annotations_of,
    labels_of,
    owner_uid_of,
    uid_of,
)
from trading_operator.quantity import quantity


def state_claim(owner: Owner, state: State, books: str) -> Manifest:
    """Return the claim that a deployment with state asks for; ``books`` says whose they are."""
    claim: Manifest = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": state.size}}}
    if state.storage_class_name is not None:
        claim["storageClassName"] = state.storage_class_name
    annotations = {ANNOTATION_STATE_OF: books, ANNOTATION_WHEN_DELETED: str(state.when_deleted)}
    return {
        "apiVersion": PERSISTENT_VOLUME_CLAIM.api_version,
        "kind": PERSISTENT_VOLUME_CLAIM.name,
        "metadata": owner.metadata(owner.claim_name, app=NAME_REVISION) | {"annotations": annotations},
        "spec": claim,
    }


def goes_with_its_deployment(claim: Manifest) -> bool:
    """Tell whether the claim, and with it what it holds, is deleted with its deployment."""
    return annotations_of(claim).get(ANNOTATION_WHEN_DELETED) == WhenDeleted.DELETE


def is_to_be_kept(claim: Manifest, deployment: Manifest) -> bool:
    """Tell whether a deployment that is going wants its claim kept, also where no mark says so yet."""
    state = (deployment.get("spec") or {}).get("state")
    wants = isinstance(state, dict) and state.get("whenDeleted") != WhenDeleted.DELETE
    return wants and owner_uid_of(claim) == uid_of(deployment)


def retained(live: Manifest) -> Manifest:
    """Return a live claim marked to be kept."""
    annotations = {**annotations_of(live), ANNOTATION_WHEN_DELETED: str(WhenDeleted.RETAIN)}
    return live | {"metadata": live["metadata"] | {"annotations": annotations}}


def whose_books(claim: Manifest) -> str:
    """Return trader and mode whose books the volume holds."""
    return annotations_of(claim).get(ANNOTATION_STATE_OF, "")


def storage_class_of(claim: Manifest) -> str | None:
    """Return the StorageClass that a claim names; a live one names the cluster's default, too."""
    name = claim["spec"].get("storageClassName")
    return str(name) if name is not None else None


def marked(live: Manifest, wanted: Manifest) -> Manifest:
    """Return a live claim with the marks that are wanted of it: whose it is, and what becomes of it."""
    metadata = live["metadata"] | {
        "labels": {**labels_of(live), **labels_of(wanted)},
        "annotations": {**annotations_of(live), **annotations_of(wanted)},
    }
    return live | {"metadata": metadata}


def is_marked(live: Manifest, wanted: Manifest) -> bool:
    """Tell whether a live claim bears the marks that are wanted of it."""
    return (
        labels_of(live).items() >= labels_of(wanted).items()
        and annotations_of(live).items() >= annotations_of(wanted).items()
    )


def grown(live: Manifest, wanted: Manifest) -> Manifest | None:
    """Return a live claim that asks for the size that is wanted; None where it asks for as much already."""
    asked, least = _size(live), _size(wanted)
    if asked is not None and least is not None and asked >= least:
        return None
    return live | {"spec": live["spec"] | {"resources": wanted["spec"]["resources"]}}


def _size(claim: Manifest) -> Decimal | None:
    return quantity(claim["spec"].get("resources", {}).get("requests", {}).get("storage"))
