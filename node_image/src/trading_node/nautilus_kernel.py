"""How a Nautilus kernel is made here, and where its clocks' callbacks run."""

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Any

import nautilus_trader.common.component as nautilus_component
from nautilus_trader.common import Environment
from nautilus_trader.config import (
    CacheConfig,
    LiveDataEngineConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    TradingNodeConfig,
)

from trading_api.node_config import LogLevel
from trading_node.nautilus_logs import LogFile

CONNECT_SECONDS = 20.0
RECONCILE_SECONDS = 20.0
DISCONNECT_SECONDS = 5.0
UNLIMITED_RATE = "1000000/00:00:01"
"""Nautilus limits orders per second of this machine's clock, which says nothing when the catalog's time runs faster."""
_wrap_timer_callback = nautilus_component.create_pyo3_conversion_wrapper

_log = logging.getLogger(__name__)


def kernel_config(
    trader_id: str, log_file: LogFile, log_level: LogLevel, cache: CacheConfig | None
) -> TradingNodeConfig:
    """Return what the kernel is made with: no habits of its own that end, repair or make up anything."""
    return TradingNodeConfig(
        environment=Environment.LIVE,
        trader_id=trader_id,
        logging=LoggingConfig(
            log_level="OFF",
            # Warnings come through in any case: the one that marks the end of the log is among them.
            log_level_file=LogLevel.WARNING.value if log_level is LogLevel.ERROR else log_level.value,
            log_directory=log_file.directory,
            log_file_name=log_file.file_name,
            log_file_format="json",
            log_colors=False,
            fileout_sync_on_flush=False,
        ),
        data_engine=LiveDataEngineConfig(graceful_shutdown_on_exception=True),
        risk_engine=LiveRiskEngineConfig(
            graceful_shutdown_on_exception=True,
            max_order_submit_rate=UNLIMITED_RATE,
            max_order_modify_rate=UNLIMITED_RATE,
        ),
        # What these do by themselves, they make up: a missing answer becomes a rejection, a position a fill.
        exec_engine=LiveExecEngineConfig(
            graceful_shutdown_on_exception=True,
            inflight_check_interval_ms=0,
            generate_missing_orders=False,
            load_cache=False,  # the books know better
        ),
        cache=cache,
        load_state=cache is not None,
        save_state=cache is not None,
        timeout_connection=CONNECT_SECONDS,
        timeout_reconciliation=RECONCILE_SECONDS,
        timeout_disconnection=DISCONNECT_SECONDS,
        timeout_post_stop=0.0,
    )


def run_timers_on(loop: asyncio.AbstractEventLoop, report: Callable[[BaseException], None]) -> None:
    """Run the callbacks of Nautilus' clocks on the event loop.

    Its timers call strategies from threads of the Rust runtime, in between the strategies' other handlers, and what
    they raise disappears.
    """

    def call(callback: Callable[[Any], None], event: object) -> None:
        try:
            callback(event)
        except BaseException as error:  # noqa: BLE001  # a strategy may raise anything
            _log.exception("a timer's callback raised")
            report(error)

    def hand_over(callback: Callable[[Any], None], event: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(call, callback, event)

    def wrap(callback: Callable[[Any], None]) -> Callable[[Any], None]:
        wrapped: Callable[[Any], None] = _wrap_timer_callback(functools.partial(hand_over, callback))
        return wrapped

    nautilus_component.create_pyo3_conversion_wrapper = wrap
