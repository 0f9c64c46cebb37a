"""Asks the gate again on the last steps between the engine and the venue.

An admitted order waits in the engine's queue, in the client's retries and in its HTTP client. What was halted in the
meantime must not leave: it is asked again when the client takes it up, and, for venues with a known place, right before
the request goes out. Works on the live clients of any adapter, which are Python objects.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from nautilus_trader.adapters.binance.http.error import BinanceClientError
from nautilus_trader.core.nautilus_pyo3 import HttpMethod
from nautilus_trader.execution.messages import ModifyOrder, SubmitOrder, SubmitOrderList
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.orders import Order

from trading_node.pacing import BINANCE_QUOTAS, Pacer
from trading_node.risk.decision import Deny, Reason

type Permits = Callable[[Order], Deny | None]
"""Says why an order must not be sent now, if so, and counts the refusal."""
type Refuse = Callable[[Order, Deny], None]
"""Counts a refusal that follows from another one."""

_sending: contextvars.ContextVar[tuple[Order, ...]] = contextvars.ContextVar("sending", default=())
"""The orders that the running task sends; retries run in the same task."""
_log = logging.getLogger(__name__)


def in_submission() -> bool:
    """Whether the running task sends orders: what it says of them is its own conclusion, not the venue's word."""
    return bool(_sending.get())


def guard_client(client: LiveExecutionClient, permits: Permits, refuse: Refuse) -> None:
    """Have a client ask before it takes up an order, and before each request where that can be done."""
    _guard_submit(client, permits)
    _guard_submit_list(client, permits, refuse)
    _guard_modify(client, permits)
    http_client = getattr(client, "_http_client", None)
    if hasattr(http_client, "sign_request"):
        _guard_requests(http_client, permits)


def _guard_submit(client: Any, permits: Permits) -> None:  # noqa: ANN401  # adapters share no typed surface
    submit = client._submit_order  # noqa: SLF001  # the one step that all adapters have

    async def guarded(command: SubmitOrder) -> None:
        order = command.order
        if order.is_closed:
            _log_ended(order)
            return
        refusal = permits(order)
        if refusal is not None:
            _generate_denied(client, order, refusal)
            return
        with_orders = _sending.set((order,))
        try:
            await submit(command)
        finally:
            _sending.reset(with_orders)

    client._submit_order = guarded  # noqa: SLF001


def _guard_submit_list(client: Any, permits: Permits, refuse: Refuse) -> None:  # noqa: ANN401
    submit = client._submit_order_list  # noqa: SLF001

    async def guarded(command: SubmitOrderList) -> None:
        orders = tuple(command.order_list.orders)
        refused = next(((order, deny) for order in orders if (deny := permits(order)) is not None), None)
        if refused is not None:
            sibling = Deny(Reason.LIST_DENIED, refused[0].client_order_id.value)
            for order in orders:
                if order is not refused[0]:
                    refuse(order, sibling)
                _generate_denied(client, order, refused[1] if order is refused[0] else sibling)
            return
        with_orders = _sending.set(orders)
        try:
            await submit(command)
        finally:
            _sending.reset(with_orders)

    client._submit_order_list = guarded  # noqa: SLF001


def _guard_modify(client: Any, permits: Permits) -> None:  # noqa: ANN401
    modify = client._modify_order  # noqa: SLF001

    async def guarded(command: ModifyOrder) -> None:
        order = client._cache.order(command.client_order_id)  # noqa: SLF001
        refusal = None if order is None else permits(order)
        if refusal is not None:
            client.generate_order_modify_rejected(
                command.strategy_id,
                command.instrument_id,
                command.client_order_id,
                command.venue_order_id,
                str(refusal),
                client._clock.timestamp_ns(),  # noqa: SLF001
            )
            return
        with_orders = _sending.set(() if order is None else (order,))
        try:
            await modify(command)
        finally:
            _sending.reset(with_orders)

    client._modify_order = guarded  # noqa: SLF001


def _guard_requests(http_client: Any, permits: Permits) -> None:  # noqa: ANN401
    """Have Binance's client ask before each request of a task that sends orders.

    ``send_request`` comes after the signature and before the queue of the HTTP client, so it is later than
    ``sign_request``, and it is looked up for each request, which ``sign_request`` is not. An error of the client's own
    kind is taken as the venue's refusal: the order becomes rejected and is not tried again. What that queue would hold
    back waits before it is asked about.
    """
    send: Callable[..., Awaitable[Any]] = http_client.send_request
    pacer = Pacer(BINANCE_QUOTAS)

    async def guarded(http_method: HttpMethod, url_path: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        wait = pacer.take(options.get("ratelimiter_keys") or (), time.monotonic())
        if wait > 0 and _sending.get():
            await asyncio.sleep(wait)
            _sign_again(http_client, options.get("payload"))
        orders = _sending.get()
        if len(orders) == 1 and orders[0].is_closed:  # Of a list, others may have filled already.
            raise BinanceClientError(status=403, message=f"not sent: {_log_ended(orders[0])}", headers={})
        refused = [(order, deny) for order in orders if (deny := permits(order)) is not None]
        for order, refusal in refused:
            _log.warning("%s is not sent: %s", order.client_order_id, refusal)
        if refused:
            raise BinanceClientError(status=403, message=f"not sent: {refused[0][1]}", headers={})
        return await send(http_method, url_path, *args, **options)

    http_client.send_request = guarded


def _sign_again(http_client: Any, payload: dict[str, str] | None) -> None:  # noqa: ANN401
    """Give a request that waited the time of now, so that the venue does not refuse it for its age."""
    if payload is not None and "signature" in payload:
        del payload["signature"]
        payload["timestamp"] = str(http_client._clock.timestamp_ms())  # noqa: SLF001  # as its endpoints do
        payload["signature"] = http_client._get_sign(http_client._prepare_params(payload))  # noqa: SLF001


def _log_ended(order: Order) -> str:
    """Say that an order waited for so long that it was taken for lost, and was told as rejected: it must not live."""
    why = "the order has ended while it waited"
    _log.warning("%s is not sent: %s", order.client_order_id, why)
    return why


def _generate_denied(client: Any, order: Order, refusal: Deny) -> None:  # noqa: ANN401
    _log.warning("%s is not sent: %s", order.client_order_id, refusal)
    client.generate_order_denied(
        strategy_id=order.strategy_id,
        instrument_id=order.instrument_id,
        client_order_id=order.client_order_id,
        reason=str(refusal),
        ts_event=client._clock.timestamp_ns(),  # noqa: SLF001
    )
