"""Keeps still while a venue wants to hear nothing: Binance bans an address that goes on asking for longer each time."""

import functools
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from nautilus_trader.adapters.binance.http import client as binance_http
from nautilus_trader.adapters.binance.http.error import BinanceClientError, BinanceError
from nautilus_trader.core.nautilus_pyo3 import HttpClient, HttpMethod

from trading_node.nautilus_testimony import NOT_SENT

RETRY_AFTER = "retry-after"
# Nautilus' clients hand on only those headers that they are made to; Binance's are made before anybody else has them.
binance_http.HttpClient = functools.partial(HttpClient, header_keys=[RETRY_AFTER])

LIMITED, BANNED = 429, 418
TOO_MANY_ORDERS = -1015
"""Binance's limit on new orders alone, with status 429: questions and cancellations go on."""
_DEFAULT_SECONDS = {LIMITED: 10.0, BANNED: 120.0}
"""Where the venue does not say for how long: Binance's weight counts by the minute, its shortest ban is two minutes."""
_LONGEST_SECONDS = 3 * 86_400.0
"""Binance's longest ban; a longer one is a clock that is off."""
_OKX_LIMITED = re.compile(r"\bOKX error (50011|50061)\b")
_OKX_SECONDS = 2.0
"""OKX counts by two seconds."""
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")

_log = logging.getLogger(__name__)


def hold_seconds(error: BaseException, now_ns: int) -> float:
    """Return for how long a venue's error asks for no requests; 0 if it does not. now_ns: UTC nanoseconds."""
    if not isinstance(error, BinanceError):
        return _OKX_SECONDS if _OKX_LIMITED.search(str(error)) else 0.0
    if error.status not in _DEFAULT_SECONDS:
        return 0.0
    said = error.message if isinstance(error.message, dict) else {}
    if said.get("code") == TOO_MANY_ORDERS:
        return 0.0
    asked = [_DEFAULT_SECONDS[error.status]]
    until_ms = _BANNED_UNTIL.search(str(error.message))
    if until_ms is not None:
        asked = [int(until_ms.group(1)) / 1e3 - now_ns / 1e9]
    retry_after = _header(error.headers, RETRY_AFTER)
    if retry_after.isdigit():
        asked = [float(retry_after), *(asked if until_ms is not None else [])]
    return min(max(*asked, 0.0), _LONGEST_SECONDS)


def _header(headers: object, name: str) -> str:
    found = headers if isinstance(headers, Mapping) else {}
    return next((str(value).strip() for key, value in found.items() if str(key).lower() == name), "")


class Hold:
    """One venue's wish to hear nothing for a while."""

    def __init__(self, venue: str) -> None:
        """Begin without one."""
        self._venue = venue
        self._until = 0.0
        self._why = ""
        self.on_hold: Callable[[], None] = lambda: None
        """Called when one begins."""

    @property
    def remaining_seconds(self) -> float:
        """For how long nothing is to be asked any more."""
        return max(0.0, self._until - time.monotonic())

    @property
    def reason(self) -> str:
        """Why nothing is asked, with the time at which that ends."""
        end = datetime.fromtimestamp(time.time() + self.remaining_seconds, UTC)
        return f"the venue wants no requests until {end:%Y-%m-%d %H:%M:%S} UTC ({self._why})"

    def note(self, error: BaseException) -> None:
        """Take in what went wrong with a request."""
        seconds = hold_seconds(error, time.time_ns())
        if seconds <= self.remaining_seconds:
            return
        self._until = time.monotonic() + seconds
        self._why = " ".join(str(error).split())[:200]
        _log.warning("%s: nothing is asked or sent for %.0f s: %s", self._venue, seconds, self._why)
        self.on_hold()

    def guard(self, client: Any) -> None:  # noqa: ANN401  # adapters share no typed surface
        """Have a client of Binance send nothing meanwhile, whoever asks it to; orders are refused with the reason.

        It shares its HTTP client with the market data of the same key, which counts for the same limit.
        """
        http_client: Any = getattr(client, "_http_client", None)
        if not hasattr(http_client, "send_request"):
            return
        send = http_client.send_request

        async def guarded(http_method: HttpMethod, url_path: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401
            if self.remaining_seconds:
                # Of the client's own kind and without the venue's code: it is not tried again at once.
                raise BinanceClientError(status=403, message=f"{NOT_SENT}: {self.reason}", headers={})
            sent: Awaitable[Any] = send(http_method, url_path, *args, **options)
            try:
                return await sent
            except BinanceError as error:
                self.note(error)
                raise

        http_client.send_request = guarded
