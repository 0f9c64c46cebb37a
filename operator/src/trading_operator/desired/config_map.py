"""The run-config that a revision's node reads."""

from pathlib import PurePosixPath

from trading_api import wiring
from trading_operator.desired.names import NAME_REVISION, Owner
from trading_operator.objects import CONFIG_MAP, Manifest

CONFIG_FILE = PurePosixPath(wiring.CONFIG_PATH).name
MAX_BYTES = 1 << 20
"""What the API server takes as a ConfigMap's data."""


def config_map(owner: Owner, revision: str, config: str) -> Manifest:
    """Return the immutable ConfigMap: a container that restarts in place reads what it read before."""
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": owner.metadata(owner.revision_name(revision), app=NAME_REVISION, revision=revision),
        "immutable": True,
        "data": {CONFIG_FILE: config},
    }
