"""What the operator asks of an API server, and nothing more."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from trading_operator.objects import Kind, Manifest, ObjectRef


class Client(Protocol):
    """Reads are live. Writes that fail raise an :class:`~trading_operator.kube.errors.ApiError`."""

    async def get(self, ref: ObjectRef) -> Manifest | None:
        """Return an object; None where there is none."""

    async def list(
        self,
        kind: Kind,
        namespace: str,
        *,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[Manifest]:
        """Return the objects of a kind whose labels and fields have these values."""

    async def create(self, manifest: Manifest) -> Manifest:
        """Create an object; raise AlreadyExistsError where there is one of its name."""

    async def apply(self, manifest: Manifest) -> Manifest:
        """Apply an object on the server, by force, as the operator's field manager."""

    async def replace(self, manifest: Manifest) -> Manifest:
        """Replace the object of this uid and resourceVersion; raise ConflictError where it is another by now."""

    async def decide(self, live: Manifest, wanted: Manifest) -> Manifest:
        """Change spec and annotations of the object of this uid, generation and annotations, whatever its status is.

        Raise ConflictError where somebody has decided otherwise by now.
        """

    async def set_finalizers(self, manifest: Manifest, finalizers: Sequence[str]) -> Manifest:
        """Set the finalizers of the object of this uid and resourceVersion."""

    async def annotate(self, manifest: Manifest, annotations: Mapping[str, str]) -> Manifest:
        """Set annotations of the object of this uid and resourceVersion."""

    async def delete(self, ref: ObjectRef, uid: str, resource_version: str) -> None:
        """Delete the object of this uid and resourceVersion in the background; one that is gone is fine."""

    async def apply_status(self, manifest: Manifest) -> Manifest:
        """Apply the status of the object of this uid and resourceVersion, only the fields that are given."""
