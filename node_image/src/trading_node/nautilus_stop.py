"""Ends algorithms and strategies, in the order in which none of them sends again what was taken back."""

import logging
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import Component
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder
from nautilus_trader.live.reconciliation import create_order_canceled_event, create_order_rejected_event
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.events import OrderDenied, OrderEvent
from nautilus_trader.model.orders import Order
from nautilus_trader.system.kernel import NautilusKernel

_log = logging.getLogger(__name__)


def stop_algorithms(kernel: NautilusKernel) -> None:
    """End what algorithms still hold back, then the algorithms: their children would come again otherwise.

    An algorithm gives up a primary order that was cancelled; its children at the venue are orders like others.
    """
    for algorithm in kernel.trader.exec_algorithms():
        if not algorithm.is_running:
            continue
        for order in kernel.cache.orders_for_exec_algorithm(algorithm.id):
            if order.is_active_local and order.exec_spawn_id == order.client_order_id:
                _cancel_primary(kernel, algorithm, order)
        try:
            algorithm.stop()
        except BaseException:  # noqa: BLE001  # the others are still to be stopped
            _log.exception("the algorithm %s raised while it stopped", algorithm.id)


def _cancel_primary(kernel: NautilusKernel, algorithm: Any, order: Order) -> None:  # noqa: ANN401  # anybody's
    command = cancel_command(order, kernel.cache, kernel.clock.timestamp_ns())
    try:
        kernel.msgbus.send(f"{algorithm.id}.execute", command)
    except BaseException:  # noqa: BLE001  # a strategy may raise in the handler of the event
        _log.exception("the order %s of the algorithm %s could not be ended", order.client_order_id, algorithm.id)


def stop_strategies(kernel: NautilusKernel) -> BaseException | None:
    """Ask the trader, or what of it runs, to stop; return what was raised first, after all were asked.

    A strategy with manage_stop goes on running until it has closed its positions.
    """
    failure: BaseException | None = None
    if kernel.trader.is_running:
        failure = _raised_by(kernel.trader)
    # One that raises ends the trader's own loop: the rest is gone through again.
    for component in (*kernel.trader.actors(), *kernel.trader.strategies()):
        if component.is_running:
            error = _raised_by(component)
            failure = failure or error
    return failure


def _raised_by(component: Any) -> BaseException | None:  # noqa: ANN401  # the trader, an actor, a strategy
    try:
        component.stop()
    except BaseException as error:  # noqa: BLE001  # a strategy may raise anything
        _log.exception("%s raised while it stopped", getattr(component, "id", component))
        return error
    return None


def end_strategies(kernel: NautilusKernel) -> list[str]:
    """Stop the strategies that did not come to an end of their own; return their ids."""
    late = [strategy for strategy in kernel.trader.strategies() if strategy.is_running]
    for strategy in late:
        try:
            # Their own stop would go on trying to close positions; this one does not.
            Component.stop(strategy)
        except BaseException:  # noqa: BLE001  # the others are still to be stopped
            _log.exception("the strategy %s raised while it stopped", strategy.id)
    return [strategy.id.value for strategy in late]


def cancel_command(order: Order, cache: Cache, now_ns: int) -> CancelOrder:
    """Return what cancels an order, wherever it is."""
    return CancelOrder(
        trader_id=order.trader_id,
        strategy_id=order.strategy_id,
        instrument_id=order.instrument_id,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        command_id=UUID4(),
        ts_init=now_ns,
        client_id=cache.client_id(order.client_order_id),
    )


def denied_event(order: Order, now_ns: int) -> OrderDenied:
    """Return the end of an order that was not sent."""
    return OrderDenied(
        trader_id=order.trader_id,
        strategy_id=order.strategy_id,
        instrument_id=order.instrument_id,
        client_order_id=order.client_order_id,
        reason="the node stops, and no venue has the order",
        event_id=UUID4(),
        ts_init=now_ns,
    )


def unknown_event(order: Order, now_ns: int) -> OrderEvent:
    """Return the end of an order that its venue does not know."""
    if order.status == OrderStatus.SUBMITTED:
        return create_order_rejected_event(order, now_ns, reason="the venue does not know the order")
    return create_order_canceled_event(order, now_ns)
