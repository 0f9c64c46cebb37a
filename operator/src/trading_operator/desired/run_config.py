"""The node's run-config for a deployment."""

from trading_api.codec import dump_node_config
from trading_api.deployment import TradingDeployment
from trading_api.node_config import CatalogPath, HttpServer, NodeConfig, TradingNodeSection
from trading_operator.desired.catalogs import catalog_path


def run_config(deployment: TradingDeployment) -> str:
    """Return the run-config's text: the same deployment gives the same bytes."""
    spec = deployment.spec
    return dump_node_config(
        NodeConfig(
            trading_node=TradingNodeSection(
                mode=spec.mode,
                trader_id=spec.trader_id,
                strategies=spec.strategies,
                venues=spec.venues,
                catalogs=tuple(CatalogPath(name=c.name, path=catalog_path(c.name)) for c in spec.catalogs),
                http=HttpServer(host="0.0.0.0"),  # noqa: S104  # the kubelet and Prometheus ask from outside of the pod
            ),
            risk_engine=spec.risk,
        )
    )
