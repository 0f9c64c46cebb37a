"""Repairs as Nautilus' events, so that cache, strategies, gate and books learn the same.

Each event carries what the venue said, with the venue's own trade ids, and is marked as learned afterwards.
"""

import time
from collections.abc import Callable
from typing import Any, cast

from nautilus_trader.cache.cache import Cache
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import FillReport, OrderStatusReport
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.live.execution_engine import LiveExecutionEngine
from nautilus_trader.model import events
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId, VenueOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order, OrderUnpacker

from trading_node.reconciliation.compare import external_id
from trading_node.reconciliation.difference import Adopt, ApplyFill, Change, ChangeOrder, Difference, Revive

_ENDED = (events.OrderRejected, events.OrderDenied, events.OrderCanceled, events.OrderExpired)


class RepairError(Exception):
    """A repair that cannot be made; says why."""


class Repairer:
    """Repairs the orders of one client."""

    def __init__(
        self,
        engine: LiveExecutionEngine,
        cache: Cache,
        client: LiveExecutionClient,
        process: Callable[[Any], None],
    ) -> None:
        """process: takes an order event to where the venue's own go."""
        self._engine: Any = engine
        self._cache = cache
        self._client = client
        self._process = process

    def repair(self, difference: Difference) -> None:
        """Make a difference's repair. Raises RepairError."""
        try:
            match difference.repair:
                case ApplyFill() as repair:
                    self._fill(repair)
                case Adopt() as repair:
                    self._adopt(repair)
                case Revive() as repair:
                    self._revive(repair)
                case ChangeOrder() as repair:
                    self._change(repair)
                case None:
                    pass
        except RepairError:
            raise
        except Exception as error:
            raise RepairError(f"{type(error).__name__}: {error}") from error

    def _order(self, client_order_id: str) -> Order:
        order = self._cache.order(ClientOrderId(client_order_id))
        if order is None:
            raise RepairError(f"the order {client_order_id} is not there")
        return order

    def _instrument(self, order: Order) -> Instrument:
        instrument = self._cache.instrument(order.instrument_id)
        if instrument is None:
            raise RepairError(f"the instrument {order.instrument_id} is not loaded: add it to the venue's instruments")
        return instrument

    def _fill(self, repair: ApplyFill) -> None:
        order = self._order(repair.client_order_id)
        instrument = self._instrument(order)
        if order.status == OrderStatus.EXPIRED:  # It would take no fill, while its position and the books did.
            order = self._reopen(order)
        fill = repair.fill
        report = cast("FillReport", fill.report)
        self._rename(order, report.venue_order_id, report.ts_event)
        self._process(
            events.OrderFilled(
                **self._head(order),
                venue_order_id=report.venue_order_id,
                account_id=report.account_id,
                trade_id=report.trade_id,
                position_id=report.venue_position_id,
                order_side=report.order_side,
                order_type=order.order_type,
                last_qty=instrument.make_qty(fill.quantity),
                last_px=instrument.make_price(fill.price),
                currency=instrument.quote_currency,
                commission=report.commission,
                liquidity_side=report.liquidity_side,
                ts_event=report.ts_event,
            )
        )

    def _adopt(self, repair: Adopt) -> None:
        report = cast("OrderStatusReport", repair.order.report)
        report.client_order_id = ClientOrderId(external_id(repair.order))
        if self._cache.order_exists(report.client_order_id):
            return
        if self._cache.instrument(report.instrument_id) is None:
            raise RepairError(f"the instrument {report.instrument_id} is not loaded: add it to the venue's instruments")
        order = self._engine._generate_order(report, True)  # noqa: SLF001  # claims and options as Nautilus reads them
        if order is None:
            raise RepairError("the engine is configured to drop orders that were placed outside")
        self._cache.add_order(order, None, self._client.id)
        self._cache.add_venue_order_id(order.client_order_id, report.venue_order_id, True)

    def _revive(self, repair: Revive) -> None:
        self._reopen(self._order(repair.client_order_id))
        self._change(ChangeOrder(client_order_id=repair.client_order_id, change=Change.ACCEPTED, order=repair.order))

    def _reopen(self, closed: Order) -> Order:
        """Put an order into the cache as it was before it ended, in the place of the one that did."""
        order: Order = OrderUnpacker.from_init(closed.init_event)
        for event in closed.events[1:]:
            if not isinstance(event, _ENDED):
                order.apply(event)
        self._cache.add_order(order, closed.position_id, self._client.id, True)
        self._cache.update_order(order)
        return order

    def _change(self, repair: ChangeOrder) -> None:
        order = self._order(repair.client_order_id)
        report: Any = repair.order.report if repair.order is not None else None
        now = time.time_ns()
        told: dict[str, Any] = {
            **self._head(order),
            "account_id": report.account_id if report is not None else order.account_id or self._client.account_id,
            "ts_event": report.ts_last if report is not None and report.ts_last else now,
        }
        venue_order_id = report.venue_order_id if report is not None else order.venue_order_id
        self._rename(order, venue_order_id, told["ts_event"])
        match repair.change:
            case Change.REJECTED:
                self._process(events.OrderRejected(**told, reason=repair.reason or "rejected"))
                return
            case Change.ACCEPTED:
                told["ts_event"] = report.ts_accepted or now
        told["venue_order_id"] = venue_order_id
        if repair.change is Change.CANCEL_REFUSED and _is_stuck(order):
            self._process(events.OrderAccepted(**{**told, "event_id": UUID4()}))
        self._process(self._event(repair, order, report, told))

    def _rename(self, order: Order, venue_order_id: VenueOrderId | None, ts_event: int) -> None:
        """Tell that the venue has the order under another id now: a stop that fired is a new order there."""
        if order.is_closed or None in (order.venue_order_id, venue_order_id) or order.venue_order_id == venue_order_id:
            return
        self._cache.add_venue_order_id(order.client_order_id, venue_order_id, True)
        self._process(
            events.OrderUpdated(
                **self._head(order),
                venue_order_id=venue_order_id,
                account_id=order.account_id or self._client.account_id,
                quantity=order.quantity,
                price=order.price if order.has_price else None,
                trigger_price=order.trigger_price if order.has_trigger_price else None,
                ts_event=ts_event,
            )
        )

    def _event(self, repair: ChangeOrder, order: Order, report: Any, told: dict[str, Any]) -> Any:  # noqa: ANN401
        made: Any
        match repair.change:
            case Change.AMENDED:
                instrument = self._instrument(order)
                price, trigger = report.price, report.trigger_price
                made = events.OrderUpdated(
                    **told,
                    quantity=instrument.make_qty(report.quantity),
                    price=instrument.make_price(price) if order.has_price and price else None,
                    trigger_price=instrument.make_price(trigger) if order.has_trigger_price and trigger else None,
                )
            case Change.TRIGGERED:
                made = events.OrderTriggered(**told)
            case Change.CANCEL_REFUSED:
                made = events.OrderCancelRejected(**told, reason=repair.reason)
            case Change.MODIFY_REFUSED:
                made = events.OrderModifyRejected(**told, reason=repair.reason)
            case Change.EXPIRED:
                made = events.OrderExpired(**told)
            case Change.CANCELED:
                made = events.OrderCanceled(**told)
            case _:
                made = events.OrderAccepted(**told)
        return made

    @staticmethod
    def _head(order: Order) -> dict[str, Any]:
        return {
            "trader_id": order.trader_id,
            "strategy_id": order.strategy_id,
            "instrument_id": order.instrument_id,
            "client_order_id": order.client_order_id,
            "event_id": UUID4(),
            "ts_init": time.time_ns(),
            "reconciliation": True,
        }


def _is_stuck(order: Order) -> bool:
    """Return whether a refused cancellation leaves an order as it is: Nautilus has no way back to TRIGGERED."""
    triggered = any(isinstance(event, events.OrderTriggered) for event in order.events)
    return triggered and order.status == OrderStatus.PENDING_CANCEL and order.filled_qty == 0
