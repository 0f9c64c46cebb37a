"""Redis beside the books: a restart takes orders from the books alone, and what strategies save stays."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from nautilus_trader.config import CacheConfig
from nautilus_trader.model.enums import OrderStatus

from tests.cluster.servers import REDIS, Address, fresh
from tests.node.processes import node_process
from tests.node.reconciliation.desk import life, position
from tests.node.venues import desks
from tests.venue.nautilus_node import until
from tests.venue.process import VenueAccount
from tests.venue.venue import Venue
from trading_api.exit_codes import ExitCode
from trading_api.policies import NodeCache
from trading_node.errors import NodeError
from trading_node.nautilus_cache import cache_config, forget_orders

TRADER = "TESTER-001"


@pytest.fixture(scope="module")
def redis() -> Iterator[Address]:
    with fresh(REDIS) as server:
        yield server


def url_of(server: Address) -> str:
    return f"redis://:{server.password}@{server.host}:{server.port}"


def config_for(url: str) -> CacheConfig:
    config = cache_config(NodeCache(url_env="CACHE"), {"CACHE": url})
    assert config is not None
    return config


def ask(server: Address, *words: str) -> str:
    command = [
        "redis-cli",
        "-h",
        server.host,
        "-p",
        str(server.port),
        "--no-auth-warning",
        "-a",
        server.password,
        *words,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout


async def test_a_restart_takes_orders_from_the_books_and_forgets_those_of_redis(
    venue: Venue, tmp_path: Path, redis: Address
) -> None:
    cache = config_for(url_of(redis))
    forget_orders(cache, TRADER)
    async with life(venue, tmp_path, cache=cache) as first:
        order = first.rest()
        await until(lambda: order.status == OrderStatus.ACCEPTED, "accepted")
        ours, theirs = order.client_order_id, int(order.venue_order_id.value)
        key = f"trader-{TRADER}:orders:{ours}"
        await until(lambda: ask(redis, "LLEN", key).strip() == "3", "Redis mirrors it")
    venue.futures.fill(theirs)
    ask(redis, "SET", f"trader-{TRADER}:strategies:Probe-001:state", "kept")
    forget_orders(cache, TRADER)
    assert not ask(redis, "KEYS", f"trader-{TRADER}:orders:*").strip()
    assert ask(redis, "GET", f"trader-{TRADER}:strategies:Probe-001:state").strip() == "kept"
    async with life(venue, tmp_path, cache=cache) as second:
        assert second.order(ours).status == OrderStatus.FILLED
        assert len(second.cache.orders()) == 1
        assert str(position(second)) == "0.100"


NEVER_ANSWERED = "from trading_node.examples.ema_cross import EmaCross, EmaCrossConfig\n"
ANSWERED_AT_FIRST = (
    NEVER_ANSWERED + "from trading_node import runner\n"
    "runner.forget_orders = lambda *_: None  # as if Redis went away right after it\n"
)


def test_a_node_trades_with_redis_and_without_it_says_so(
    tmp_path: Path, simulator: VenueAccount, redis: Address
) -> None:
    config = desks.run_config(
        desks.venue(simulator, "futures"), desks.strategy("futures"), cache={"url_env": "CACHE_URL"}
    )
    secrets = desks.keys(simulator, "futures")
    with node_process(tmp_path, config, environment={**secrets, "CACHE_URL": url_of(redis)}) as node:
        node.wait_for('"message": "Trading"')
        assert redis.password not in "".join(node.stdout)
    gone = f"redis://:{redis.password}@127.0.0.1:1"
    later = {**desks.strategy("futures"), "path": "later:EmaCross", "config_path": "later:EmaCrossConfig"}
    config["trading_node"]["strategies"] = [later]
    for module in (ANSWERED_AT_FIRST, NEVER_ANSWERED):
        variables = {**secrets, "CACHE_URL": gone}
        with node_process(tmp_path, config, environment=variables, modules={"later": module}) as node:
            assert node.wait() == ExitCode.NOT_TRADING
            assert node.termination is not None
            assert node.termination["reason"] == "CacheNotConnected"
            assert redis.password not in json.dumps(node.termination) + "".join(node.stdout + node.stderr)


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://redis", "redis://", "redis://host/3", "redis://host:x"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(NodeError, match="CACHE") as caught:
        cache_config(NodeCache(url_env="CACHE"), {"CACHE": url})
    assert caught.value.exit_code is ExitCode.CONFIG_REFUSED
    assert "redis://" in str(caught.value)
