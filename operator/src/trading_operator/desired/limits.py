"""The limits as the node reads them: a ConfigMap beside the revisions, which changes while the node runs."""

from pathlib import PurePosixPath

from trading_api import wiring
from trading_api.risk import RiskLimits, dump_limits, limits_hash
from trading_operator.desired.names import ANNOTATION_GENERATION, ANNOTATION_LIMITS, NAME_REVISION, Owner
from trading_operator.objects import CONFIG_MAP, Manifest, annotations_of

LIMITS_FILE = PurePosixPath(wiring.LIMITS_PATH).name


def limits_config_map(owner: Owner, risk: RiskLimits, generation: int) -> Manifest:
    """Return the ConfigMap that holds the limits of one generation of the deployment."""
    text = dump_limits(risk)
    metadata = owner.metadata(owner.limits_name, app=NAME_REVISION)
    annotations = {ANNOTATION_GENERATION: str(generation), ANNOTATION_LIMITS: limits_hash(text)}
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": metadata | {"annotations": annotations},
        "data": {LIMITS_FILE: text},
    }


def hash_of(manifest: Manifest) -> str:
    """Return the hash of the limits that a ConfigMap holds; empty where it does not hold what it says."""
    told = annotations_of(manifest).get(ANNOTATION_LIMITS, "")
    return told if told == limits_hash((manifest.get("data") or {}).get(LIMITS_FILE, "")) else ""


def generation_in(manifest: Manifest) -> int:
    """Return the generation whose limits a ConfigMap holds; 0 where it does not say."""
    text = annotations_of(manifest).get(ANNOTATION_GENERATION, "")
    return int(text) if text.isdecimal() else 0
