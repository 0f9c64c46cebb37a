"""Whether a venue keeps long and short positions of an instrument apart, which this node does not trade.

Nautilus' adapters send orders for one position of an instrument: OKX refuses those in its long/short mode. Binance's
client gives up its connection in hedge mode without a word for a person; and what it sends after a change while it runs
is refused. So the account itself is asked, and nothing passes while it is set so.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from nautilus_trader.adapters.binance.execution import BinanceCommonExecutionClient
from nautilus_trader.core import nautilus_pyo3
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.enums import AccountType

from trading_node.logs import rfc3339
from trading_node.nautilus_reader import VenueSilentError, describe
from trading_node.reconciliation.difference import Difference, Kind

ASK_SECONDS = 30.0
"""An account that is set well is not asked more often: the question is dear at Binance."""
PATIENCE_SECONDS = 10
_ONE_WAY = {
    "Binance": "set the position mode to one-way (POST /fapi/v1/positionSide/dual, dualSidePosition=false)",
    "OKX": "set the position mode to net (POST /api/v5/account/set-position-mode, posMode=net_mode)",
}


class PositionMode:
    """Asks one account, now and then."""

    def __init__(self, client: LiveExecutionClient) -> None:
        """Take a client before it connects."""
        self._venue = str(client.venue or client.id)
        self._name = ""
        self._ask: Callable[[], Awaitable[bool]] | None = None
        self._known_until = 0.0
        if isinstance(client, BinanceCommonExecutionClient):
            if client.account_type == AccountType.MARGIN and hasattr(client, "_futures_http_account"):
                self._name, self._ask = "Binance", _of_binance(client)
        elif type(client).__module__.startswith("nautilus_trader.adapters.okx."):
            kinds = nautilus_pyo3.OKXInstrumentType
            if {kinds.SWAP, kinds.FUTURES} & set(client._config.instrument_types):  # noqa: SLF001
                self._name, self._ask = "OKX", _of_okx(client)

    async def differences(self) -> tuple[Difference, ...]:
        """Return what is wrong with the account's setting, if something is. Raises VenueSilentError."""
        if self._ask is None or time.monotonic() < self._known_until:
            return ()
        try:
            two_way = await self._ask()
        except VenueSilentError:
            raise
        except Exception as error:
            raise VenueSilentError(describe(error)) from error
        if not two_way:
            self._known_until = time.monotonic() + ASK_SECONDS
            return ()
        return (
            Difference(
                kind=Kind.HEDGE_MODE,
                subject=self._venue,
                message=f"{self._name} keeps long and short positions of this account apart (hedge mode), "
                "and this node trades one position of an instrument",
                remedy=f"Close the account's positions, cancel its orders and {_ONE_WAY[self._name]}, or use another "
                "account; the node goes on by itself",
            ),
        )

    def forget(self) -> None:
        """Have the next look ask again: the account may have been changed meanwhile."""
        self._known_until = 0.0


def _of_binance(client: Any) -> Callable[[], Awaitable[bool]]:  # noqa: ANN401  # adapters share no typed surface
    http = client._futures_http_account  # noqa: SLF001

    async def ask() -> bool:
        mode = await http.query_futures_hedge_mode()
        client._is_dual_side_position = bool(mode.dualSidePosition)  # noqa: SLF001
        return bool(mode.dualSidePosition)

    # Its own raises in hedge mode, and the connection ends before anybody can say why.
    client._init_dual_side_position = ask  # noqa: SLF001
    return ask


def _of_okx(client: Any) -> Callable[[], Awaitable[bool]]:  # noqa: ANN401  # adapters share no typed surface
    config = client._config  # noqa: SLF001
    path = "/api/v5/account/config"
    http = nautilus_pyo3.HttpClient(timeout_secs=PATIENCE_SECONDS, proxy_url=config.proxy_url)

    async def ask() -> bool:
        headers = _okx_headers(path, config.api_key, config.api_secret, config.api_passphrase)
        if config.environment == nautilus_pyo3.OKXEnvironment.DEMO:
            headers["x-simulated-trading"] = "1"
        url = f"{client._http_client.base_url.rstrip('/')}{path}"  # noqa: SLF001
        response = await http.request(nautilus_pyo3.HttpMethod.GET, url, headers=headers)
        answer = json.loads(response.body)
        if answer.get("code") != "0":
            raise VenueSilentError(f"OKX did not tell the account's settings: {answer.get('code')} {answer.get('msg')}")
        return any(account["posMode"] == "long_short_mode" for account in answer["data"])

    return ask


def _okx_headers(path: str, key: str, secret: str, passphrase: str) -> dict[str, str]:
    """Return the headers of a signed GET request, as OKX wants them."""
    # Milliseconds: OKX takes no more digits.
    moment = f"{rfc3339(time.time_ns())[:-7]}Z"
    signature = hmac.new(secret.encode(), f"{moment}GET{path}".encode(), hashlib.sha256).digest()
    return {
        "OK-ACCESS-KEY": key,
        "OK-ACCESS-SIGN": base64.b64encode(signature).decode(),
        "OK-ACCESS-TIMESTAMP": moment,
        "OK-ACCESS-PASSPHRASE": passphrase,
    }
