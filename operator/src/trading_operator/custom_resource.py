"""The CustomResourceDefinition of TradingDeployment, made from the models."""

from typing import Any

from trading_api import wiring
from trading_api.deployment import TradingDeployment
from trading_api.status import TradingDeploymentStatus
from trading_operator.structural_schema import Schema, structural_schema

CRD_NAME = f"{wiring.PLURAL}.{wiring.GROUP}"

_LONGEST_NAME = 253
"""Longest name that the API server takes for any object; the bound makes rules on the name cheap to check."""


def _column(name: str, path: str, description: str, *, kind: str = "string", wide: bool = False) -> Schema:
    column = {"name": name, "type": kind, "jsonPath": path, "description": description}
    return column | {"priority": 1} if wide else column


PRINTER_COLUMNS: list[Schema] = [
    _column("Mode", ".spec.mode", "What the deployment trades with."),
    _column("Phase", ".status.phase", "Where the deployment is in its life."),
    _column("Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether everything is as the spec says."),
    _column("State", ".status.node.tradingState", "Whether the node may trade: Active, Reducing or Halted."),
    _column("Orders", ".status.node.orders.total", "Orders since the node's start.", kind="integer"),
    _column("Positions", ".status.node.positions.open", "Open positions.", kind="integer"),
    _column("PnL", ".status.node.pnl", "Profit since the node's start."),
    _column("Age", ".metadata.creationTimestamp", "Time since the creation.", kind="date"),
    _column("Revision", ".status.revision.running", "Revision of the present pod.", wide=True),
    _column("Reason", '.status.conditions[?(@.type=="Ready")].reason', "Why it is ready or not.", wide=True),
    _column("Message", '.status.conditions[?(@.type=="Ready")].message', "What is so, and what to do.", wide=True),
]


def resource_schema() -> Schema:
    """Return the structural schema of the whole resource."""
    schema = structural_schema(TradingDeployment)
    properties: dict[str, Any] = schema["properties"]
    for name in ("apiVersion", "kind"):
        # The API server holds these to the CRD's own names.
        properties[name] = {"type": "string", "description": properties[name]["description"]}
    # Metadata is the API server's own; a schema may speak of the name alone.
    properties["metadata"] = {"type": "object", "properties": {"name": {"type": "string", "maxLength": _LONGEST_NAME}}}
    status = structural_schema(TradingDeploymentStatus, defaults=False)
    properties["status"] = {"description": properties["status"]["description"]} | {
        key: value for key, value in status.items() if key != "description"
    }
    return schema


def custom_resource_definition() -> dict[str, Any]:
    """Return the CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD_NAME},
        "spec": {
            "group": wiring.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": wiring.KIND,
                "listKind": f"{wiring.KIND}List",
                "plural": wiring.PLURAL,
                "singular": wiring.KIND.lower(),
                "shortNames": ["td"],
                "categories": ["trading"],
            },
            "versions": [
                {
                    "name": wiring.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": PRINTER_COLUMNS,
                    "schema": {"openAPIV3Schema": resource_schema()},
                }
            ],
        },
    }
