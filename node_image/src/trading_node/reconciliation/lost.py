"""What the books have open and the node could not make again: how long that keeps both sides apart. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from trading_node.reconciliation.difference import Difference, Rules
from trading_node.reconciliation.facts import VenueView


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """One order or position."""

    difference: Difference
    client_order_id: str = ""
    """Of an order."""
    instrument_id: str = ""
    """Of a position, as the trading engine names it; empty where it has no name for it."""


def still_lost(lost: Iterable[Lost], view: VenueView, since_ns: int, rules: Rules) -> list[Difference]:
    """Return what stands by the venue's word: what is not open there any more, nobody has to make again.

    since_ns: when the books were read, UTC nanoseconds; an order that was on its way then may come to the venue later.
    """
    open_there = {order.client_order_id for order in view.open_orders}
    early = view.asked_ns < since_ns + rules.receive_window_ns

    def stands(each: Lost) -> bool:
        if each.client_order_id:
            return early or each.client_order_id in open_there
        return view.positions is None or not each.instrument_id or bool(view.positions.get(each.instrument_id))

    return [each.difference for each in lost if stands(each)]
