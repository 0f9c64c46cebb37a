"""Where to find the node's health, metrics and API."""

from trading_api import wiring
from trading_operator.desired.names import Owner, selector_of
from trading_operator.objects import SERVICE, Manifest


def service(owner: Owner) -> Manifest:
    """Return the headless Service; a node that is not ready yet can be asked why."""
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.name,
        "metadata": owner.metadata(owner.base),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": selector_of(owner.name),
            "ports": [{"name": "http", "port": wiring.HTTP_PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    }
