"""The identity that node and strategies run under."""

from trading_operator.desired.names import Owner
from trading_operator.objects import SERVICE_ACCOUNT, Manifest


def service_account(owner: Owner) -> Manifest:
    """Return the ServiceAccount. Its token is mounted by the pod template, into the node's container alone."""
    return {
        "apiVersion": SERVICE_ACCOUNT.api_version,
        "kind": SERVICE_ACCOUNT.name,
        "metadata": owner.metadata(owner.base),
        "automountServiceAccountToken": False,
    }
