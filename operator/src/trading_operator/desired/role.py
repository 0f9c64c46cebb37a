"""What the node may do at the API server: report on its own deployment, and nothing else."""

from trading_api import wiring
from trading_operator.desired.names import Owner
from trading_operator.objects import ROLE, Manifest


def role(owner: Owner) -> Manifest:
    """Return the Role. Strategy code holds these rights too, so there is one."""
    return {
        "apiVersion": ROLE.api_version,
        "kind": ROLE.name,
        "metadata": owner.metadata(owner.base),
        "rules": [
            {
                "apiGroups": [wiring.GROUP],
                "resources": [f"{wiring.PLURAL}/status"],
                "resourceNames": [owner.name],
                "verbs": ["patch"],
            }
        ],
    }
