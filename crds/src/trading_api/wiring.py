"""Names, paths and numbers on which operator and node must agree."""

from typing import Final

GROUP: Final = "trading-operator.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "TradingDeployment"
PLURAL: Final = "tradingdeployments"

LABEL_DEPLOYMENT: Final = f"{GROUP}/deployment"
"""Name of the owning TradingDeployment; on every child and on the pod."""
LABEL_DEPLOYMENT_UID: Final = f"{GROUP}/deployment-uid"
"""Uid of the owning TradingDeployment; on every child and on the pod. Orphans are swept by it."""
LABEL_REVISION: Final = f"{GROUP}/revision"
"""Hash of the revision; on the pod, the ConfigMap and the ControllerRevision."""

FIELD_MANAGER_OPERATOR: Final = "trading-operator"
FIELD_MANAGER_NODE: Final = "trading-node"

HTTP_PORT: Final = 8080
CONFIG_PATH: Final = "/etc/trading/config/config.json"
LIMITS_PATH: Final = "/etc/trading/limits/limits.json"
"""The limits in force, as in the run-config's ``risk_engine``; replaced while the node runs."""
CREDENTIALS_ROOT: Final = "/etc/trading/credentials"
"""The keys of venue NAME are files in CREDENTIALS_ROOT/NAME."""
STATE_PATH: Final = "/state"
"""What outlives the node's process, and its pod where the deployment has a state volume."""
BOOKS_PATH: Final = f"{STATE_PATH}/books"
CATALOG_ROOT: Final = "/catalogs"
"""Catalog NAME is mounted read-only at CATALOG_ROOT/NAME."""
TERMINATION_MESSAGE_PATH: Final = "/dev/termination-log"

ENV_POD_NAME: Final = "TRADING_POD_NAME"
ENV_POD_UID: Final = "TRADING_POD_UID"
ENV_NAMESPACE: Final = "TRADING_NAMESPACE"
ENV_DEPLOYMENT_NAME: Final = "TRADING_DEPLOYMENT_NAME"
ENV_DEPLOYMENT_UID: Final = "TRADING_DEPLOYMENT_UID"
ENV_REVISION: Final = "TRADING_REVISION"
ENV_DATABASE_URL: Final = "TRADING_DATABASE_URL"
"""Set from the database's Secret."""
ENV_CACHE_URL: Final = "TRADING_CACHE_URL"
"""Set from the Redis cache's Secret."""
ENV_REPORT_INTERVAL: Final = "TRADING_REPORT_INTERVAL_SECONDS"
"""How often the node may refresh the numbers in ``status.node``; a change of state is reported at once."""
QUIET_REPORT_INTERVALS: Final = 5
"""After so many intervals a node reports though nothing has changed, so that silence tells something."""

NODE_CONTAINER: Final = "node"
POD_SUFFIX: Final = "-node-0"
"""What the name of a deployment's only pod has after the deployment's. A pod of any other name is a second one."""
GRACE_BEYOND_DRAIN_SECONDS: Final = 15
"""What the pod is given beyond the drain's time: for disconnecting, the books' last lines and the sidecars."""
STATUS_NODE_MAX_BYTES: Final = 4096
