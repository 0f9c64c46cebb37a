"""What the operator remembers between two looks, so that it need not read or act again. All of it can be lost."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trading_api import wiring
from trading_api.reasons import DegradedReason
from trading_operator.desired.names import ANNOTATION_APPROVE, FINALIZER
from trading_operator.objects import (
    AUXILIARY_KINDS,
    CONTROLLER_REVISION,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    DeploymentKey,
    Manifest,
    ObjectRef,
    annotations_of,
    finalizers_of,
    generation_of,
    kind_of,
    labels_of,
    name_of,
    ref_of,
    resource_version_of,
    uid_of,
)
from trading_operator.observe.observed import Auxiliary
from trading_operator.observe.status import OWN_FIELDS
from trading_operator.outcome import ANNOTATION

REMEMBERED_KINDS = (*AUXILIARY_KINDS, CONTROLLER_REVISION, PERSISTENT_VOLUME_CLAIM)
"""Kinds that are written by the operator alone, so that they need not be read again at every look."""


@dataclass(slots=True)
class Reading:
    """A full reading of the remembered kinds, kept true by our own writes and by events."""

    at: datetime
    auxiliaries: dict[ObjectRef, Auxiliary]
    records: dict[ObjectRef, Manifest]
    claim: Manifest | None = None

    def holds(self, manifest: Manifest) -> bool:
        """Tell whether an object is remembered exactly as it is."""
        ref, version = ref_of(manifest), resource_version_of(manifest)
        if ref in self.records:
            return resource_version_of(self.records[ref]) == version
        if ref.kind is PERSISTENT_VOLUME_CLAIM:
            return self.claim is not None and resource_version_of(self.claim) == version
        return ref in self.auxiliaries and self.auxiliaries[ref].resource_version == version


@dataclass(slots=True)
class Memory:
    """One operator's memory."""

    _readings: dict[DeploymentKey, Reading] = field(default_factory=dict)
    _answers: dict[DeploymentKey, tuple[str, int]] = field(default_factory=dict)
    _stateful_sets: dict[DeploymentKey, Manifest] = field(default_factory=dict)
    _fresh: set[DeploymentKey] = field(default_factory=set)
    _seen: dict[ObjectRef, int] = field(default_factory=dict)
    _untold: set[DeploymentKey] = field(default_factory=set)

    def saw(self, *manifests: Manifest | None) -> None:
        """Take note of what was read or written: an event that tells of it is no news."""
        for manifest in manifests:
            if manifest is None:
                continue
            self._seen[ref_of(manifest)] = hash(fingerprint(manifest))
            if kind_of(manifest) is TRADING_DEPLOYMENT:
                fresh = FINALIZER not in finalizers_of(manifest)
                (self._fresh.add if fresh else self._fresh.discard)(key_of(manifest))

    def is_news(self, manifest: Manifest) -> bool:
        """Tell whether an event's object differs from what was last seen, in anything that matters; take note of it."""
        ref, key = ref_of(manifest), key_of(manifest)
        if ref.kind in REMEMBERED_KINDS:
            reading = self._readings.get(key)
            if reading is not None and reading.holds(manifest):
                return False
            self.forget_reading(key)
            return True
        known = self._stateful_sets.get(key)
        if (
            ref.kind is STATEFUL_SET
            and known is not None
            and resource_version_of(known) != resource_version_of(manifest)
        ):
            del self._stateful_sets[key]
        before = self._seen.get(ref)
        self.saw(manifest)
        return before != self._seen[ref]

    def gone(self, manifest: Manifest) -> None:
        """Take note that an object is no more."""
        ref = ref_of(manifest)
        self._seen.pop(ref, None)
        if ref.kind in REMEMBERED_KINDS or ref.kind is STATEFUL_SET:
            self.forget_reading(key_of(manifest))

    def reading(self, key: DeploymentKey, since: datetime) -> Reading | None:
        """Return the last full reading; None where there is none, or none since then."""
        reading = self._readings.get(key)
        return reading if reading is not None and reading.at >= since else None

    def read(self, key: DeploymentKey, reading: Reading) -> Reading:
        """Take note of a full reading."""
        self._readings[key] = reading
        return reading

    def forget_reading(self, key: DeploymentKey) -> None:
        """Read everything anew at the next look."""
        self._readings.pop(key, None)
        self.forget_stateful_set(key)

    def is_fresh(self, key: DeploymentKey) -> bool:
        """Tell whether the deployment was last seen without our finalizer: then nothing was made for it yet."""
        return key in self._fresh

    def stateful_set(self, key: DeploymentKey) -> Manifest | None:
        """Return the StatefulSet as it was last read or written; every write of it is locked to that version."""
        return self._stateful_sets.get(key)

    def remember(self, key: DeploymentKey, stateful_set: Manifest) -> None:
        """Take note of the StatefulSet as it is."""
        self._stateful_sets[key] = stateful_set

    def forget_stateful_set(self, key: DeploymentKey) -> None:
        """Read the StatefulSet anew at the next look: of all that is remembered it is the largest."""
        self._stateful_sets.pop(key, None)

    def wrote(self, key: DeploymentKey, manifest: Manifest) -> None:
        """Take note of the API server's answer to a write: what stands there now is what was wanted."""
        ref = ref_of(manifest)
        reading = self._readings.get(key)
        if ref.kind not in REMEMBERED_KINDS:
            self.saw(manifest)
            if ref.kind is STATEFUL_SET:
                self.remember(key, manifest)
                self._answers[key] = (uid_of(manifest), generation_of(manifest))
        elif reading is not None and ref.kind is CONTROLLER_REVISION:
            reading.records[ref] = manifest
        elif reading is not None and ref.kind is PERSISTENT_VOLUME_CLAIM:
            reading.claim = manifest
        elif reading is not None:
            reading.auxiliaries[ref] = Auxiliary.of(manifest, None)

    def deleted(self, key: DeploymentKey, ref: ObjectRef) -> None:
        """Take note of a deletion of ours."""
        reading = self._readings.get(key)
        if reading is not None:
            reading.auxiliaries.pop(ref, None)
            reading.records.pop(ref, None)
            if ref.kind is PERSISTENT_VOLUME_CLAIM:
                self.forget_reading(key)  # it goes only when no pod uses it any more

    def misjudged(self, key: DeploymentKey, ref: ObjectRef) -> None:
        """Take note that an object is not what it was thought to be.

        Where somebody else has decided, records may be new, too: all of it is read anew at the next look. The
        deployment and its pod are read at each look anyway, and change for many reasons.
        """
        if ref.kind is STATEFUL_SET or ref.kind in REMEMBERED_KINDS:
            self.forget_reading(key)

    def answered_generation(self, key: DeploymentKey, stateful_set: Manifest | None) -> int:
        """Return the generation that answered the last write of this very StatefulSet; 0: none did."""
        uid, generation = self._answers.get(key, ("", 0))
        return generation if stateful_set is not None and uid == uid_of(stateful_set) else 0

    def may_wait_for_pod(self, key: DeploymentKey) -> bool:
        """Tell whether the status of a node that was started may wait for its pod: once, until a status was told.

        Where somebody scales the node back each time, no pod would ever bring the turn that tells.
        """
        first = key not in self._untold
        self._untold.add(key)
        return first

    def told(self, key: DeploymentKey) -> None:
        """Take note that a status says what is so."""
        self._untold.discard(key)

    def forget(self, key: DeploymentKey) -> None:
        """Forget a deployment that is no more."""
        self.forget_reading(key)
        self.told(key)
        self._answers.pop(key, None)
        self._fresh.discard(key)


def key_of(manifest: Manifest) -> DeploymentKey:
    """Return the deployment that an object is or belongs to."""
    namespace = manifest["metadata"]["namespace"]
    if manifest["kind"] == TRADING_DEPLOYMENT.name:
        return DeploymentKey(namespace, name_of(manifest))
    return DeploymentKey(namespace, labels_of(manifest).get(wiring.LABEL_DEPLOYMENT, ""))


def fingerprint(manifest: Manifest) -> Hashable:
    """Return all of an object that a reconciliation could act on.

    The numbers that a node refreshes all the time are not in it.
    """
    reader = _READERS.get(kind_of(manifest))
    specific = reader(manifest) if reader else (resource_version_of(manifest),)
    return (uid_of(manifest), manifest["metadata"].get("deletionTimestamp"), *specific)


def _deployment(manifest: Manifest) -> tuple[Hashable, ...]:
    status = manifest.get("status") or {}
    node = status.get("node") or {}
    return (
        # Its own status too: what a former leader wrote late is news.
        repr([status.get(name) for name in OWN_FIELDS]),
        generation_of(manifest),
        finalizers_of(manifest),
        annotations_of(manifest).get(ANNOTATION_APPROVE),
        # A process that was started again in its pod has the uid and perhaps the state of the one before.
        *(node.get(name) for name in ("podUid", "startedAt", "state", "reason", "message", "reconciled")),
        node.get("updatedAt") if _counts_as_silent(status) else None,
        *((node.get("limits") or {}).get(name) for name in ("hash", "error")),
    )


def _counts_as_silent(status: Mapping[str, Any]) -> bool:
    """Tell whether any report is news, because none was heard for so long."""
    conditions = status.get("conditions") or ()
    return any(one.get("reason") == DegradedReason.NODE_NOT_REPORTING for one in conditions)


def _stateful_set(manifest: Manifest) -> tuple[Hashable, ...]:
    status = manifest.get("status") or {}
    return (
        generation_of(manifest),
        annotations_of(manifest).get(ANNOTATION),
        tuple(sorted(labels_of(manifest).items())),
        status.get("observedGeneration", 0) >= generation_of(manifest),
        bool(status.get("replicas")),
    )


def _pod(manifest: Manifest) -> tuple[Hashable, ...]:
    status = manifest.get("status") or {}
    conditions = ((c["type"], c["status"], c.get("reason"), c.get("message")) for c in status.get("conditions") or ())
    return (
        labels_of(manifest).get(wiring.LABEL_REVISION),
        tuple(conditions),
        *(tuple(map(_container, status.get(name) or ())) for name in ("containerStatuses", "initContainerStatuses")),
    )


def _container(status: Mapping[str, Any]) -> Hashable:
    states = (status.get("state") or {}, status.get("lastState") or {})
    return (status["name"], status.get("ready"), status.get("started"), *map(_state, states))


def _state(state: Mapping[str, Mapping[str, Any]]) -> Hashable:
    told = ("reason", "exitCode", "message", "startedAt")
    return tuple((kind, *(detail.get(name) for name in told)) for kind, detail in state.items())


_READERS = {
    TRADING_DEPLOYMENT: _deployment,
    STATEFUL_SET: _stateful_set,
    POD: _pod,
}
