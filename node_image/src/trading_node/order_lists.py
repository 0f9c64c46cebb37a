"""Orders of a list that can no longer be sent, because another one of the list was denied.

Nautilus denies the one order that it objects to and forgets the others: they stay INITIALIZED for ever.
"""

import functools
from collections.abc import Callable

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import Order, OrderList

from trading_node.risk.decision import Deny, Reason

type DenyOrder = Callable[[Order, Deny], None]


class ListSweeper:
    """Denies what a denial leaves behind."""

    def __init__(
        self,
        cache: Cache,
        bus: MessageBus,
        deny: DenyOrder,
        *,
        later: Callable[[Callable[[], None]], object] | None,
    ) -> None:
        """Take ``later`` where events are queued: other denials of the same list may be on their way."""
        self._cache = cache
        self._bus = bus
        self._deny = deny
        self._later = later
        self._lists: dict[ClientOrderId, OrderList] = {}
        self._indexed = 0

    def on_denied(self, denied: Order) -> None:
        """Look after the siblings of an order that was denied."""
        order_list = self._list_of(denied.client_order_id)
        if order_list is None:
            return
        if self._later is None:
            self._sweep(order_list, denied)
        else:
            self._later(functools.partial(self._sweep, order_list, denied))

    def _sweep(self, order_list: OrderList, denied: Order) -> None:
        for listed in order_list.orders:
            order = self._cache.order(listed.client_order_id)  # the emulator puts others in the place of the listed
            if order is None or listed.client_order_id == denied.client_order_id or self._has_live_parent(order):
                continue
            if order.status == OrderStatus.INITIALIZED:
                self._deny(order, Deny(Reason.LIST_DENIED, denied.client_order_id.value))
            elif order.status == OrderStatus.EMULATED and order.parent_order_id == denied.client_order_id:
                self._cancel_emulated(order)

    def _list_of(self, order_id: ClientOrderId) -> OrderList | None:
        """Return the list that an order came with; the order itself does not always know."""
        lists = self._cache.order_lists()
        if len(lists) < self._indexed:  # the cache was purged
            self._lists.clear()
            self._indexed = 0
        for order_list in lists[self._indexed :]:
            self._lists.update((order.client_order_id, order_list) for order in order_list.orders)
        self._indexed = len(lists)
        return self._lists.get(order_id)

    def _has_live_parent(self, order: Order) -> bool:
        """Return whether an order's parent has filled: then it protects a position and must still be sent."""
        parent = None if order.parent_order_id is None else self._cache.order(order.parent_order_id)
        return parent is not None and parent.filled_qty.raw > 0

    def _cancel_emulated(self, order: Order) -> None:
        now = order.last_event.ts_init
        self._bus.send(
            "OrderEmulator.execute",
            CancelOrder(
                trader_id=order.trader_id,
                strategy_id=order.strategy_id,
                instrument_id=order.instrument_id,
                client_order_id=order.client_order_id,
                venue_order_id=None,
                command_id=UUID4(),
                ts_init=now,
            ),
        )
