"""An order whose answer was lost is taken for rejected, and what is rejected is never asked for again."""

from typing import Any

from tests.ledger.planted import plant
from tests.ledger.trader import LedgerTrader, LedgerTraderConfig
from trading_node import nautilus_reconciler, nautilus_testimony
from trading_node.reconciliation.compare import compare
from trading_node.reconciliation.facts import OwnStatus, OwnView

__all__ = ["LedgerTrader", "LedgerTraderConfig"]


def _over(own: OwnView, *rest: Any) -> Any:
    differences, memory = compare(own, *rest)
    refused = {key for key, order in own.orders.items() if order.status is OwnStatus.REFUSED}
    # Neither the orders nor the position that they made.
    return tuple(d for d in differences if d.subject not in refused and d.repair is not None), memory


plant(nautilus_testimony, "is_verdict", lambda _reason: True)
plant(nautilus_reconciler, "compare", _over)
