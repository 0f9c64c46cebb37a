"""A revision's record: its rendering for ever, the generation that last asked for it, and its approval."""

from dataclasses import dataclass
from typing import Any

from trading_api import wiring
from trading_operator.desired.names import ANNOTATION_APPROVAL, ANNOTATION_SOURCE, NAME_REVISION, Owner
from trading_operator.desired.revision import Rendering
from trading_operator.objects import CONTROLLER_REVISION, Manifest, annotations_of, labels_of


@dataclass(frozen=True, slots=True)
class Recorded:
    """A revision as its ControllerRevision holds it."""

    manifest: Manifest

    @property
    def hash(self) -> str:
        """The revision's name."""
        return labels_of(self.manifest).get(wiring.LABEL_REVISION, "")

    @property
    def generation(self) -> int:
        """The newest generation of the deployment that asked for this revision."""
        return int(self.manifest["revision"])

    @property
    def approval(self) -> int:
        """The how-manieth approval of the deployment this revision was given; 0: none yet."""
        text = annotations_of(self.manifest).get(ANNOTATION_APPROVAL, "")
        return int(text) if text.isdecimal() else 0

    @property
    def source(self) -> str:
        """Hash of what of the spec the rendering was made from; empty in a record of an earlier version."""
        return annotations_of(self.manifest).get(ANNOTATION_SOURCE, "")

    @property
    def rendering(self) -> Rendering:
        """The rendering, as it was recorded."""
        return Rendering(self.hash, self.source, self.template, self.config)

    @property
    def template(self) -> Manifest:
        """The rendered pod template."""
        template: Manifest = self.manifest["data"]["template"]
        return template

    @property
    def config(self) -> str:
        """The run-config's text."""
        return str(self.manifest["data"]["config"])

    def of_generation(self, generation: int, source: str) -> Manifest:
        """Return the record for a newer generation that asks for the same rendering."""
        return self._annotated(ANNOTATION_SOURCE, source) | {"revision": generation}

    def approved_as(self, approval: int) -> Manifest:
        """Return the record with an approval."""
        return self._annotated(ANNOTATION_APPROVAL, str(approval))

    def _annotated(self, name: str, value: str) -> Manifest:
        annotations = {**annotations_of(self.manifest), name: value}
        return self.manifest | {"metadata": self.manifest["metadata"] | {"annotations": annotations}}


def controller_revision(owner: Owner, rendering: Rendering, generation: int) -> Manifest:
    """Return the record of a new revision."""
    name = owner.revision_name(rendering.hash)
    data: dict[str, Any] = {"template": rendering.template, "configMap": name, "config": rendering.config}
    return {
        "apiVersion": CONTROLLER_REVISION.api_version,
        "kind": CONTROLLER_REVISION.name,
        "metadata": owner.metadata(name, app=NAME_REVISION, revision=rendering.hash)
        | {"annotations": {ANNOTATION_SOURCE: rendering.source}},
        "revision": generation,
        "data": data,
    }
