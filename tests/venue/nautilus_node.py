"""A real TradingNode with an unmodified adapter, in the test's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.adapters.okx import (
    OKX,
    OKXDataClientConfig,
    OKXExecClientConfig,
    OKXLiveDataClientFactory,
    OKXLiveExecClientFactory,
)
from nautilus_trader.adapters.okx.factories import (
    get_cached_okx_http_client,
    get_cached_okx_instrument_provider,
)
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.core.nautilus_pyo3 import OKXInstrumentType, OKXMarginMode
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

from tests.venue.venue import Market, Venue

TIMEOUT_S = 10.0
POLL_S = 0.005


async def until(condition: Callable[[], object], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Wait for a condition that the event loop will bring about; fail with `what` when it does not come."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not condition():
        if loop.time() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        await asyncio.sleep(POLL_S)


class ProbeConfig(StrategyConfig, frozen=True):  # type: ignore[misc,call-arg]
    instrument_id: InstrumentId


class Probe(Strategy):  # type: ignore[misc]
    """Does nothing by itself: tests place its orders. It claims what it finds on its instrument."""

    def __init__(self, config: ProbeConfig) -> None:
        super().__init__(config)
        self.quotes: list[Any] = []
        self.trades: list[Any] = []
        self.deltas: list[Any] = []

    def on_start(self) -> None:
        pass

    def on_stop(self) -> None:
        pass

    def on_quote_tick(self, tick: Any) -> None:
        self.quotes.append(tick)

    def on_trade_tick(self, tick: Any) -> None:
        self.trades.append(tick)

    def on_order_book_deltas(self, deltas: Any) -> None:
        self.deltas.append(deltas)


class RunningNode:
    """What tests need of a node: its probe, its cache, its instrument."""

    def __init__(self, node: TradingNode, probe: Probe) -> None:
        self.node = node
        self.probe = probe
        self.cache = node.cache
        self.instrument = node.cache.instrument(probe.config.instrument_id)

    def quantity(self, value: str) -> Any:
        return self.instrument.make_qty(Decimal(value))

    def price(self, value: str) -> Any:
        return self.instrument.make_price(Decimal(value))


def futures_clients(market: Market, venue: Venue, account: str, *, ed25519: bool) -> tuple[Any, Any]:
    credentials = venue.credentials(account)
    common: dict[str, Any] = {
        "api_key": credentials.ed25519_api_key if ed25519 else credentials.api_key,
        "api_secret": credentials.ed25519_secret if ed25519 else credentials.api_secret,
        "account_type": BinanceAccountType.USDT_FUTURES,
        "base_url_http": market.url,
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    data = BinanceDataClientConfig(base_url_ws=market.ws_url, **common)
    execution = BinanceExecClientConfig(
        base_url_ws=f"{market.ws_url}/ws-fapi/v1", base_url_ws_stream=market.ws_url, **common
    )
    return data, execution


def spot_clients(market: Market, venue: Venue, account: str, *, ed25519: bool = True) -> tuple[Any, Any]:
    credentials = venue.credentials(account)
    common: dict[str, Any] = {
        "api_key": credentials.ed25519_api_key if ed25519 else credentials.api_key,
        "api_secret": credentials.ed25519_secret if ed25519 else credentials.api_secret,
        "account_type": BinanceAccountType.SPOT,
        "base_url_http": market.url,
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    data = BinanceDataClientConfig(base_url_ws=market.ws_url, **common)
    return data, BinanceExecClientConfig(base_url_ws=f"{market.ws_url}/ws-api/v3", **common)


def okx_clients(market: Market, venue: Venue, account: str, instrument_type: OKXInstrumentType) -> tuple[Any, Any]:
    credentials = venue.credentials(account)
    common: dict[str, Any] = {
        "api_key": credentials.api_key,
        "api_secret": credentials.api_secret,
        "api_passphrase": credentials.passphrase,
        "base_url_http": market.url,
        "instrument_types": (instrument_type,),
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    data = OKXDataClientConfig(base_url_ws=f"{market.ws_url}/ws/v5/public", **common)
    margin = OKXMarginMode.CROSS if instrument_type == OKXInstrumentType.SWAP else None
    return data, OKXExecClientConfig(base_url_ws=f"{market.ws_url}/ws/v5/private", margin_mode=margin, **common)


def node_config(
    data: Any, execution: Any, *, connect_s: float = TIMEOUT_S, name: str = BINANCE, **engine: Any
) -> TradingNodeConfig:
    """Build a node's configuration; `engine` is for the execution engine."""
    return TradingNodeConfig(
        trader_id="TESTER-001",
        logging=LoggingConfig(log_level="WARNING", log_colors=False, use_pyo3=False),
        exec_engine=LiveExecEngineConfig(reconciliation_startup_delay_secs=0.001, **engine),
        data_clients={name: data},
        exec_clients={name: execution},
        timeout_connection=connect_s,
        timeout_reconciliation=TIMEOUT_S,
        timeout_portfolio=TIMEOUT_S,
        timeout_disconnection=TIMEOUT_S,
        timeout_post_stop=0.01,
    )


def built(config: TradingNodeConfig, probe: Probe) -> TradingNode:
    """A node of both venues' adapters that has its strategy and is not running yet."""
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    node.trader.add_strategy(probe)
    node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
    node.add_exec_client_factory(BINANCE, BinanceLiveExecClientFactory)
    node.add_data_client_factory(OKX, OKXLiveDataClientFactory)
    node.add_exec_client_factory(OKX, OKXLiveExecClientFactory)
    node.build()
    return node


def dispose(node: TradingNode) -> None:
    """Free what a stopped node holds. Not by `node.dispose()`: that stops the loop, which is the test's."""
    node.kernel.dispose()
    # The OKX factories cache their HTTP client by its settings, and a stopped node leaves it cancelled for good:
    # the next node of this process would never connect.
    get_cached_okx_http_client.cache_clear()
    get_cached_okx_instrument_provider.cache_clear()
    if node.kernel.executor is not None:
        node.kernel.executor.shutdown(wait=True, cancel_futures=True)


@asynccontextmanager
async def running(
    config: TradingNodeConfig, instrument_id: str, *, start_s: float = TIMEOUT_S
) -> AsyncIterator[RunningNode]:
    """Run a node until the block ends; it is trading and reconciled when the block begins."""
    probe = Probe(
        ProbeConfig(
            instrument_id=InstrumentId.from_str(instrument_id),
            external_order_claims=[InstrumentId.from_str(instrument_id)],
            order_id_tag="001",
            # OKX refuses hyphens in client order ids.
            use_hyphens_in_client_order_ids=False,
        )
    )
    node = built(config, probe)
    task = asyncio.create_task(node.run_async())
    try:
        await until(lambda: node.trader.is_running or task.done(), "the node trades", start_s)
        assert node.trader.is_running, "the node ended before it traded"
        yield RunningNode(node, probe)
    finally:
        await node.stop_async()
        await asyncio.wait_for(task, TIMEOUT_S)
        dispose(node)
