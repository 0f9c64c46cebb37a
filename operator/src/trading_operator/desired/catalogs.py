"""How a deployment's catalogs come into its pod."""

from dataclasses import dataclass, field

from trading_api import wiring
from trading_api.deployment import Catalog, CatalogDriver, GcsCatalog
from trading_operator.desired import gcsfuse
from trading_operator.objects import Manifest
from trading_operator.settings import GcsSettings


@dataclass(frozen=True, slots=True)
class CatalogParts:
    """What the pod gets for its catalogs."""

    volumes: list[Manifest] = field(default_factory=list)
    mounts: list[Manifest] = field(default_factory=list)
    sidecars: list[Manifest] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)


def catalog_path(name: str) -> str:
    """Return the folder of a catalog, as the node sees it."""
    return f"{wiring.CATALOG_ROOT}/{name}"


def catalog_parts(catalogs: tuple[Catalog, ...], settings: GcsSettings) -> CatalogParts:
    """Return the volumes, mounts, sidecars and pod annotations of all catalogs."""
    parts = CatalogParts()
    for catalog in catalogs:
        volume = gcsfuse.VOLUME_PREFIX + catalog.name
        mount: Manifest = {"name": volume, "mountPath": catalog_path(catalog.name), "readOnly": True}
        if catalog.gcs is not None:
            _add_bucket(parts, catalog.gcs, mount, settings)
        elif catalog.pvc is not None:
            claim = {"claimName": catalog.pvc.claim_name, "readOnly": True}
            parts.volumes.append({"name": volume, "persistentVolumeClaim": claim})
            parts.mounts.append(mount | ({"subPath": catalog.pvc.sub_path} if catalog.pvc.sub_path else {}))
    return parts


def _add_bucket(parts: CatalogParts, gcs: GcsCatalog, mount: Manifest, settings: GcsSettings) -> None:
    volume = mount["name"]
    if resolved_driver(gcs.driver, settings) is CatalogDriver.GKE:
        parts.volumes.append(gcsfuse.gke_volume(volume, gcs))
        parts.mounts.append(mount)
        parts.annotations.update(gcsfuse.GKE_ANNOTATIONS)
    else:
        parts.volumes.append({"name": volume, "emptyDir": {}})
        parts.mounts.append(mount | {"mountPropagation": "HostToContainer"})
        parts.sidecars.append(gcsfuse.sidecar(volume, gcs, settings))


def resolved_driver(wanted: CatalogDriver, settings: GcsSettings) -> CatalogDriver:
    """Return who mounts a bucket: the catalog's choice, else the operator's, else the sidecar, which runs anywhere."""
    for driver in (wanted, settings.driver):
        if driver is not CatalogDriver.AUTO:
            return driver
    return CatalogDriver.SIDECAR
