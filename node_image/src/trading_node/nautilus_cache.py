"""Redis as NautilusTrader's cache: it keeps what strategies save, and mirrors the rest for others to read.

Orders and positions are never read back from it. It loses the last of them when a process is killed, and a second
truth that lags behind the books crashes the engine or doubles what happened.
"""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from nautilus_trader.common.config import pyo3_config_json
from nautilus_trader.config import CacheConfig, DatabaseConfig
from nautilus_trader.core import nautilus_pyo3

from trading_api.policies import NodeCache
from trading_node.errors import NodeError, config_refused, not_trading

PORT = 6379
SECONDS = 5
"""How long Redis may take to answer at the start."""
RETRIES = 3
BUFFER_MS = 100
"""Changes are written together, so that trading does not wait for Redis."""
_ORDERS, _POSITIONS = "orders", "positions"

_log = logging.getLogger(__name__)


def cache_config(section: NodeCache | None, variables: Mapping[str, str]) -> CacheConfig | None:
    """Return how Nautilus reaches Redis; None without the section. Raises NodeError (CONFIG_REFUSED)."""
    if section is None:
        return None
    url = variables.get(section.url_env, "").strip()
    form = f"write redis://[:PASSWORD@]HOST[:{PORT}] (or rediss://) into it"
    if not url:
        raise config_refused(f"The variable {section.url_env} is to hold the URL of Redis, and is not set", form)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORT
    except ValueError:
        host, port, parts = None, PORT, urlsplit("")
    if parts.scheme not in ("redis", "rediss") or not host:
        raise config_refused(f"The variable {section.url_env} holds no URL of a Redis database", form)
    if parts.path.strip("/") not in ("", "0"):
        raise config_refused(f"{section.url_env} names a numbered database, which Nautilus cannot choose", form)
    database = DatabaseConfig(
        type="redis",
        host=host,
        port=port,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        ssl=parts.scheme == "rediss",
        connection_timeout=SECONDS,
        response_timeout=SECONDS,
        number_of_retries=RETRIES,
    )
    return CacheConfig(database=database, buffer_interval_ms=BUFFER_MS, persist_account_events=False)


def silent(config: CacheConfig, error: Exception) -> NodeError:
    """Return the error (NOT_TRADING) of a Redis that is not there; it may be there at the next start."""
    database = config.database
    where = "" if database is None else f" at {database.host}:{database.port}"
    return not_trading(
        f"Redis{where} does not answer: {type(error).__name__}",
        "Start it, correct its URL, or remove the cache from the run-config: the books do not need it",
        reason="CacheNotConnected",
    )


def forget_orders(config: CacheConfig, trader_id: str) -> None:
    """Take a former life's orders and positions out of Redis: this one's mirror begins empty. Strategies' state stays.

    Raises NodeError (NOT_TRADING) if Redis does not answer.
    """
    try:
        connect: Any = nautilus_pyo3.RedisCacheDatabase  # whose stub knows neither its arguments nor its methods
        redis = connect(
            trader_id=nautilus_pyo3.TraderId(trader_id),
            instance_id=nautilus_pyo3.UUID4(),
            config_json=pyo3_config_json(config),
        )
        orders, positions = (_names(redis.keys(f"{kind}:*"), kind) for kind in (_ORDERS, _POSITIONS))
        for name in orders:
            redis.delete_order(name)
        for name in positions:
            redis.delete_position(name)
        redis.close()
    except Exception as error:  # noqa: BLE001  # the Rust client raises several
        raise silent(config, error) from None
    if orders or positions:
        _log.info("%d orders and %d positions of a former life are taken out of Redis", len(orders), len(positions))


def _names(keys: list[str], kind: str) -> list[str]:
    return [key.rpartition(f"{kind}:")[2] for key in keys]
