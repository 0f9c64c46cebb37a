"""The node's run-config for a deployment."""

from trading_api import wiring
from trading_api.codec import dump_node_config
from trading_api.database import DatabaseSection
from trading_api.deployment import TradingDeployment
from trading_api.node_config import CatalogPath, HttpServer, NodeConfig, TradingNodeSection
from trading_api.policies import NodeCache
from trading_api.venues import CredentialSource, DeployedVenue, NodeVenue
from trading_operator.desired.catalogs import catalog_path


def run_config(deployment: TradingDeployment) -> str:
    """Return the run-config's text: the same deployment gives the same bytes.

    The limits are not in it: they are a file of their own, which changes without a restart.
    """
    spec = deployment.spec
    return dump_node_config(
        NodeConfig(
            trading_node=TradingNodeSection(
                mode=spec.mode,
                trader_id=spec.trader_id,
                strategies=spec.strategies,
                venues=tuple(map(_venue, spec.venues)),
                catalogs=tuple(CatalogPath(name=c.name, path=catalog_path(c.name)) for c in spec.catalogs),
                state_directory=wiring.STATE_PATH,
                limits_file=wiring.LIMITS_PATH,
                cache=NodeCache(url_env=wiring.ENV_CACHE_URL) if spec.cache else None,
                reconciliation=spec.reconciliation,
                drain=spec.drain,
                http=HttpServer(host="0.0.0.0"),  # noqa: S104  # the kubelet and Prometheus ask from outside of the pod
            ),
            database=DatabaseSection(
                directory=wiring.BOOKS_PATH, url_env=wiring.ENV_DATABASE_URL if spec.database else None
            ),
        )
    )


def credentials_folder(venue: str) -> str:
    """Return the folder of a venue's keys, as the node sees it."""
    return f"{wiring.CREDENTIALS_ROOT}/{venue}"


def _venue(venue: DeployedVenue) -> NodeVenue:
    source = CredentialSource(directory=credentials_folder(venue.name)) if venue.credentials else None
    return venue.in_node(source)
