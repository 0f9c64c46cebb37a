"""The stop cancels two orders in three, and takes the others for somebody else's."""

import zlib

from nautilus_trader.model.orders import Order

from tests.ledger.planted import plant
from tests.ledger.trader import LedgerTrader, LedgerTraderConfig
from trading_node.nautilus_drain import NautilusDrain

__all__ = ["LedgerTrader", "LedgerTraderConfig"]

_is_ours = NautilusDrain._is_ours


def _mostly_ours(drain: NautilusDrain, order: Order) -> bool:
    return _is_ours(drain, order) and zlib.crc32(order.client_order_id.value.encode()) % 3 != 0


plant(NautilusDrain, "_is_ours", _mostly_ours)
