"""What the pod holds beside the revision: keys, limits and state, each where the run-config says."""

from trading_api import wiring
from trading_api.adapters import CREDENTIAL_KEYS
from trading_api.deployment import TradingDeploymentSpec
from trading_api.venues import DeployedVenue
from trading_operator.desired.names import Owner
from trading_operator.desired.run_config import credentials_folder
from trading_operator.objects import Manifest

VOLUME_LIMITS = "trading-limits"
VOLUME_STATE = "trading-state"
LIMITS_FOLDER = wiring.LIMITS_PATH.rpartition("/")[0]
URL_KEY = "url"
"""Key of a database's Secret."""
_FOR_THE_GROUP = 0o440
"""Mode of a key's file; the pod's fsGroup is the node's group."""


def volume_of_keys(venue: str) -> str:
    """Return the name of the volume with a venue's keys; a venue may end with _, a volume may not end with -."""
    return f"venue-{venue.lower().replace('_', '-')}-keys"


def volumes(owner: Owner, spec: TradingDeploymentSpec) -> list[Manifest]:
    """Return the volumes of limits, state and keys."""
    state: Manifest = (
        {"persistentVolumeClaim": {"claimName": owner.claim_name}} if spec.state is not None else {"emptyDir": {}}
    )
    return [
        {"name": VOLUME_LIMITS, "configMap": {"name": owner.limits_name}},
        {"name": VOLUME_STATE, **state},
        *(
            {"name": volume_of_keys(venue.name), "secret": _keys(venue, venue.credentials.secret_name)}
            for venue in spec.venues
            if venue.credentials is not None
        ),
    ]


def mounts(spec: TradingDeploymentSpec) -> list[Manifest]:
    """Return where the node finds them; folders as a whole, because a subPath would never change."""
    return [
        {"name": VOLUME_LIMITS, "mountPath": LIMITS_FOLDER, "readOnly": True},
        {"name": VOLUME_STATE, "mountPath": wiring.STATE_PATH},
        *(
            {"name": volume_of_keys(venue.name), "mountPath": credentials_folder(venue.name), "readOnly": True}
            for venue in spec.venues
            if venue.credentials is not None
        ),
    ]


def environment(spec: TradingDeploymentSpec) -> list[Manifest]:
    """Return the variables that hold URLs with passwords."""
    secrets = {
        wiring.ENV_DATABASE_URL: spec.database.secret_name if spec.database else "",
        wiring.ENV_CACHE_URL: spec.cache.redis.secret_name if spec.cache else "",
    }
    return [
        {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": URL_KEY}}}
        for variable, secret in secrets.items()
        if secret
    ]


def _keys(venue: DeployedVenue, secret: str) -> Manifest:
    """Return the source of a venue's keys: those alone, and all of them, else the pod does not start."""
    items = [{"key": key, "path": key} for key in CREDENTIAL_KEYS[venue.adapter]]
    return {"secretName": secret, "items": items, "defaultMode": _FOR_THE_GROUP}
