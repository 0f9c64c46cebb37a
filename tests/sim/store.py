"""An API server in memory: what the operator's promises rest on of it, and nothing else.

Optimistic locking by uid and resourceVersion, generations, finalizers, graceful deletion of pods, deletion propagation,
immutable objects, namespaces that are going. Manifests are never changed in place, so reading needs no copies.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from trading_operator.kube import errors
from trading_operator.objects import (
    CONFIG_MAP,
    CONTROLLER_REVISION,
    EVENT,
    POD,
    Kind,
    Manifest,
    ObjectRef,
    finalizers_of,
    generation_of,
    is_terminating,
    kind_of,
    labels_of,
    ref_of,
    resource_version_of,
    uid_of,
)

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
Watcher = Callable[[str, Manifest | None, Manifest], None]


@dataclass
class Clock:
    """The time of the whole simulation."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def text(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")


def with_metadata(manifest: Manifest, **changes: Any) -> Manifest:
    return manifest | {"metadata": manifest["metadata"] | changes}


@dataclass
class Store:
    """Objects by reference. Every change is told to the watchers: (ADDED | MODIFIED | DELETED, before, after)."""

    clock: Clock
    objects: dict[ObjectRef, Manifest] = field(default_factory=dict)
    going_namespaces: set[str] = field(default_factory=set)
    watchers: list[Watcher] = field(default_factory=list)
    version: int = 0
    uids: int = 0
    _kinds: dict[Kind, dict[ObjectRef, Manifest]] = field(init=False, default_factory=lambda: defaultdict(dict))

    def get(self, ref: ObjectRef) -> Manifest | None:
        return self.objects.get(ref)

    def of_kind(self, kind: Kind, labels: Mapping[str, str] | None = None) -> Iterator[Manifest]:
        wanted = (labels or {}).items()
        for manifest in list(self._kinds[kind].values()):
            if not wanted or wanted <= labels_of(manifest).items():
                yield manifest

    def create(self, manifest: Manifest) -> Manifest:
        ref = ref_of(manifest)
        if ref.namespace in self.going_namespaces:
            raise errors.NamespaceTerminatingError(f"{ref}: namespace is going")
        if ref in self.objects:
            raise errors.AlreadyExistsError(f"{ref}: already exists")
        self.uids += 1
        metadata = manifest["metadata"] | {
            "uid": f"uid-{self.uids}",
            "creationTimestamp": self.clock.text,
            "generation": 1,
        }
        return self._put("ADDED", None, manifest | {"metadata": metadata})

    def update(self, manifest: Manifest) -> Manifest:
        """Replace an object; uid and resourceVersion, where given, must be the live ones."""
        ref = ref_of(manifest)
        live = self._locked(ref, uid_of(manifest), resource_version_of(manifest))
        self._refuse_immutable(live, manifest)
        metadata = dict(manifest["metadata"])
        for name in ("uid", "creationTimestamp", "deletionTimestamp", "generation"):
            if name in live["metadata"]:
                metadata[name] = live["metadata"][name]
        if manifest.get("spec") != live.get("spec"):
            metadata["generation"] = generation_of(live) + 1
        if manifest | {"metadata": {**metadata, "resourceVersion": ""}} == with_metadata(live, resourceVersion=""):
            return live
        changed = manifest | {"metadata": metadata}
        if is_terminating(live) and not metadata.get("finalizers") and ref.kind is not POD:
            return self._drop(ref, changed)
        return self._put("MODIFIED", live, changed)

    def patch(self, ref: ObjectRef, operations: Sequence[Mapping[str, Any]]) -> Manifest:
        """JSON patch, as far as it is used here: fields of metadata and spec, and tests of them."""
        live = self._locked(ref, "", "")
        changed: dict[str, Any] = live
        for one in operations:
            part, name = str(one["path"]).removeprefix("/").split("/")
            before = changed[part]
            if one["op"] == "test" and before.get(name) != one["value"]:
                raise errors.ConflictError(f"{ref}: {one['path']} is not {one['value']!r}")
            if one["op"] == "add" and one["value"] != {}:
                changed = changed | {part: before | {name: one["value"]}}
            elif one["op"] != "test":  # an empty map is not kept
                changed = changed | {part: {key: value for key, value in before.items() if key != name}}
        return self.update(changed)

    def change(self, ref: ObjectRef, **parts: Any) -> Manifest | None:
        """Replace parts of an object that may be gone, as a controller or a person does."""
        live = self.objects.get(ref)
        return self.update(live | parts) if live is not None else None

    def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply, as far as it is told apart here: create, or take over every field that is given."""
        live = self.objects.get(ref_of(manifest))
        if live is None:
            return self.create(manifest)
        metadata = live["metadata"] | {"labels": {**labels_of(live), **manifest["metadata"].get("labels", {})}}
        return self.update(live | manifest | {"metadata": metadata})

    def apply_status(self, manifest: Manifest) -> Manifest:
        ref = ref_of(manifest)
        live = self._locked(ref, uid_of(manifest), resource_version_of(manifest))
        status = {**live.get("status", {}), **manifest["status"]}
        return self._put("MODIFIED", live, live | {"status": status}) if status != live.get("status") else live

    def delete(
        self, ref: ObjectRef, uid: str = "", resource_version: str = "", *, propagation: str = "Background"
    ) -> None:
        live = self._locked(ref, uid, resource_version)
        finalizers = list(finalizers_of(live))
        extra = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(propagation)
        if extra and extra not in finalizers and ref.kind not in {CONFIG_MAP, CONTROLLER_REVISION}:
            finalizers.append(extra)
        if not finalizers and ref.kind is not POD:
            self._drop(ref, live)
        elif not is_terminating(live):
            grace = live["spec"].get("terminationGracePeriodSeconds", 30) if ref.kind is POD else 0
            end = (self.clock.now + timedelta(seconds=grace)).strftime("%Y-%m-%dT%H:%M:%SZ")
            generation = generation_of(live) + 1
            marked = with_metadata(live, deletionTimestamp=end, finalizers=finalizers, generation=generation)
            self._put("MODIFIED", live, marked)

    def drop(self, ref: ObjectRef) -> None:
        """Remove an object for good, as a kubelet does with a pod that has ended."""
        if ref in self.objects:
            self._drop(ref, self.objects[ref])

    def _locked(self, ref: ObjectRef, uid: str, resource_version: str) -> Manifest:
        live = self.objects.get(ref)
        if live is None:
            raise errors.NotFoundError(f"{ref}: not found")
        if (uid and uid != uid_of(live)) or (resource_version and resource_version != resource_version_of(live)):
            raise errors.ConflictError(f"{ref}: has changed")
        return live

    @staticmethod
    def _refuse_immutable(live: Manifest, manifest: Manifest) -> None:
        immutable = kind_of(live) is CONTROLLER_REVISION or live.get("immutable")
        if immutable and live.get("data") != manifest.get("data"):
            raise errors.InvalidError("data is immutable")

    def _put(self, event: str, before: Manifest | None, after: Manifest) -> Manifest:
        self.version += 1
        after = with_metadata(after, resourceVersion=str(self.version))
        ref = ref_of(after)
        self.objects[ref] = self._kinds[ref.kind][ref] = after
        self._tell(event, before, after)
        return after

    def _drop(self, ref: ObjectRef, last: Manifest) -> Manifest:
        self.version += 1
        last = with_metadata(last, resourceVersion=str(self.version))
        before = self.objects.pop(ref)
        del self._kinds[ref.kind][ref]
        self._tell("DELETED", before, last)
        return last

    def _tell(self, event: str, before: Manifest | None, after: Manifest) -> None:
        if after["kind"] != EVENT.name:
            for watcher in self.watchers:
                watcher(event, before, after)
