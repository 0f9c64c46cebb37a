"""Positions are folded without commissions: quantities are right, what was earned is not."""

from decimal import Decimal

from msgspec.structs import replace

from tests.ledger.planted import plant
from tests.ledger.trader import LedgerTrader, LedgerTraderConfig
from trading_node import positions
from trading_node.book_events import Filled
from trading_node.positions import Position

__all__ = ["LedgerTrader", "LedgerTraderConfig"]

_next = positions._next


def _free_of_charge(position: Position, fill: Filled) -> Position:
    return _next(position, replace(fill, commission=Decimal(0)))


plant(positions, "_next", _free_of_charge)
