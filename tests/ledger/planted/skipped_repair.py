"""What differs from the venue is found and called repaired, and nothing is done about it."""

from collections.abc import Iterable

from tests.ledger.planted import plant
from tests.ledger.trader import LedgerTrader, LedgerTraderConfig
from trading_node.nautilus_reconciler import VenueReconciler
from trading_node.reconciliation.difference import Difference

__all__ = ["LedgerTrader", "LedgerTraderConfig"]


async def _content(_reconciler: VenueReconciler, _differences: Iterable[Difference]) -> list[Difference]:
    return []


plant(VenueReconciler, "_repair", _content)
