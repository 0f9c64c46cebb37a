"""Notices when a venue's stream of our own orders breaks and comes back: what happened in between was not heard.

Nautilus tells nobody but its log. Binance's client calls back when it subscribes anew; of the others the connection is
looked at many times a second, and a break that is shorter is found by the next regular look.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from nautilus_trader.adapters.binance.execution import BinanceCommonExecutionClient
from nautilus_trader.live.execution_client import LiveExecutionClient

REVIVE_SECONDS = 5.0
"""How often a client is started anew that gave up its stream."""
_CONNECTIONS = ("_ws_client", "_ws_private_client", "_ws_trade_client", "_ws_business_client", "_ws_auth_client")

_log = logging.getLogger(__name__)


class StreamWatch:
    """Watches the streams of one client."""

    def __init__(self, client: LiveExecutionClient, on_return: Callable[[], None], is_held: Callable[[], bool]) -> None:
        """on_return: called when a stream came back and may have lost something; is_held: whether to ask nothing."""
        self._client: Any = client
        self._on_return = on_return
        self._is_held = is_held
        self._was_up = True
        self._revived_at = 0.0
        self._binance = isinstance(client, BinanceCommonExecutionClient)
        if self._binance:
            client._ws_client._on_resubscribe = self._resubscribed  # noqa: SLF001  # it asks for all, and counts twice

    async def _resubscribed(self) -> None:
        self._on_return()

    def is_up(self) -> bool:
        """Return whether the venue can tell us of our orders."""
        return self._binance_up() if self._binance else self._connections_up()

    async def watch(self) -> bool:
        """Look at the streams; return whether they are up. To be called many times a second."""
        up = self.is_up()
        if up and not self._was_up and not self._binance:  # which called back already
            self._on_return()
        self._was_up = up
        if self._binance and self._client._ws_client._is_recovery_failed:  # noqa: SLF001
            await self._revive()
        return up

    def _binance_up(self) -> bool:
        ws = self._client._ws_client  # noqa: SLF001
        connections = [each for each in (ws._client, ws._stream_client) if each is not None]  # noqa: SLF001
        return (
            ws._subscription_id is not None  # noqa: SLF001
            and bool(connections)
            and all(each.is_active() for each in connections)
        )

    def _connections_up(self) -> bool:
        connections = [getattr(self._client, name, None) for name in _CONNECTIONS]
        return all(each.is_active() for each in connections if each is not None and hasattr(each, "is_active"))

    async def _revive(self) -> None:
        """Start a stream again that Binance's client gave up for good."""
        if time.monotonic() < self._revived_at + REVIVE_SECONDS or self._is_held():
            return
        self._revived_at = time.monotonic()
        ws = self._client._ws_client  # noqa: SLF001
        try:
            await ws.connect()
            await ws.session_logon()
            await ws.subscribe_user_data_stream(pre_dispatch_hook=self._resubscribed)
            _log.warning("%s: the stream of our orders, which its client had given up, runs again", self._client.id)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is tried again
            ws._is_recovery_failed = True  # noqa: SLF001
            _log.warning("%s: the stream of our orders does not come back: %s", self._client.id, error)
