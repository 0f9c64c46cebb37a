"""One row of what is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.api.manifests import Change, Manifest, changed, good_manifest


@dataclass(frozen=True)
class Bad:
    """One wrong thing."""

    title: str
    change: Change
    path: str
    """The field that the refusal names."""
    says: str
    """What the refusal says, from the API server and from the models."""
    models_say: str = ""
    """What the models say where the API server's own words, which are not ours, differ."""
    base: Callable[[], Manifest] = good_manifest
    """The manifest that the change is made to."""

    @property
    def manifest(self) -> Manifest:
        """The manifest with its one wrong thing."""
        return changed(self.change, base=self.base())
