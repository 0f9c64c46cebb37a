"""The StatefulSet of 0 or 1 whose template is always the approved revision."""

from trading_api import wiring
from trading_operator.desired.names import LABEL_MANAGED_BY, LABEL_NAME, Owner, selector_of
from trading_operator.objects import STATEFUL_SET, Manifest, annotations_of, labels_of
from trading_operator.outcome import ANNOTATION, Outcome

ON_DELETE = {"type": "OnDelete"}


def stateful_set(owner: Owner, template: Manifest, replicas: int) -> Manifest:
    """Return the StatefulSet. OnDelete: the operator alone decides when a pod is replaced."""
    return {
        "apiVersion": STATEFUL_SET.api_version,
        "kind": STATEFUL_SET.name,
        "metadata": owner.metadata(owner.base),
        "spec": {
            "replicas": replicas,
            "serviceName": owner.base,
            "podManagementPolicy": "Parallel",
            "revisionHistoryLimit": 0,
            "updateStrategy": ON_DELETE,
            "selector": {"matchLabels": selector_of(owner.name)},
            "template": template,
        },
    }


def restated(live: Manifest, *, template: Manifest, replicas: int, outcome: Outcome | None) -> Manifest:
    """Return what is there with the operator's decisions written into it, and the labels by which it is found.

    Among them are how pods are replaced and that pod 0 is the only one: with other ordinals a second pod would be made
    before the first has ended.
    """
    annotations = {key: value for key, value in annotations_of(live).items() if key != ANNOTATION}
    if outcome is not None:
        annotations[ANNOTATION] = outcome.to_json()
    return {
        "apiVersion": STATEFUL_SET.api_version,
        "kind": STATEFUL_SET.name,
        "metadata": {key: value for key, value in live["metadata"].items() if key != "managedFields"}
        | {"annotations": annotations, "labels": {**labels_of(live), **_labels(template)}},
        "spec": {key: value for key, value in live["spec"].items() if key != "ordinals"}
        | {"replicas": replicas, "template": template, "updateStrategy": ON_DELETE},
    }


def _labels(template: Manifest) -> dict[str, str]:
    names = (LABEL_MANAGED_BY, LABEL_NAME, wiring.LABEL_DEPLOYMENT, wiring.LABEL_DEPLOYMENT_UID)
    return {name: labels_of(template)[name] for name in names if name in labels_of(template)}


def scaled_to_zero(live: Manifest) -> Manifest:
    """Return what is there, told to stop."""
    metadata = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
    return live | {"metadata": metadata, "spec": live["spec"] | {"replicas": 0}}


def replicas_of(stateful_set: Manifest) -> int:
    """Return how many pods the StatefulSet is told to run."""
    return int(stateful_set["spec"].get("replicas", 1))


def revision_in(manifest: Manifest) -> str:
    """Return the revision that a StatefulSet's template holds."""
    labels = manifest["spec"]["template"]["metadata"].get("labels") or {}
    return str(labels.get(wiring.LABEL_REVISION, ""))
