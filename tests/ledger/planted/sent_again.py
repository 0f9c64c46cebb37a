"""One order in five is sent again under another client order id, as a retry does that takes a lost answer for a no."""

from typing import Any

from nautilus_trader.adapters.binance.http.account import BinanceAccountHttpAPI

from tests.ledger.planted import plant
from tests.ledger.trader import LedgerTrader, LedgerTraderConfig

__all__ = ["LedgerTrader", "LedgerTraderConfig"]

_new_order = BinanceAccountHttpAPI.new_order
_sent = 0


async def _eager(api: Any, **terms: Any) -> Any:
    global _sent  # noqa: PLW0603  # as short-lived as the process
    _sent += 1
    answer = await _new_order(api, **terms)
    if _sent % 5 == 0:
        await _new_order(api, **{**terms, "new_client_order_id": f"{terms['new_client_order_id']}R"})
    return answer


plant(BinanceAccountHttpAPI, "new_order", _eager)
