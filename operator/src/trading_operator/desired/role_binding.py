"""Gives the node's identity its role."""

from trading_operator.desired.names import Owner
from trading_operator.objects import ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Manifest


def role_binding(owner: Owner) -> Manifest:
    """Return the RoleBinding of ServiceAccount and Role of the same name."""
    return {
        "apiVersion": ROLE_BINDING.api_version,
        "kind": ROLE_BINDING.name,
        "metadata": owner.metadata(owner.base),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": ROLE.name, "name": owner.base},
        "subjects": [{"kind": SERVICE_ACCOUNT.name, "name": owner.base, "namespace": owner.namespace}],
    }
