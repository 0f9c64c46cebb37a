"""Between the gate and the wire: what was admitted and halted since does not leave, in Nautilus' own Binance client."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.adapters.binance.http.error import BinanceClientError
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.nautilus_pyo3 import HttpMethod
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import ModifyOrder, SubmitOrder, SubmitOrderList
from nautilus_trader.model.identifiers import OrderListId
from nautilus_trader.model.orders import Order, OrderList
from nautilus_trader.test_kit.stubs.events import TestEventStubs
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs

from tests.node.gate.backtests import BUY, PERPETUAL
from trading_node.risk.decision import Deny, Reason
from trading_node.signing import guard_client

HALTED = Deny(Reason.HALTED, "BINANCE")


class Client:
    """The part of a live client that the guard touches: it sends orders with signed requests, after a pause."""

    def __init__(self, base_url: str) -> None:
        self._clock = LiveClock()
        self._cache = Cache()
        self._http_client = BinanceHttpClient(self._clock, "key", "secret", base_url)
        self.taken_up = asyncio.Event()
        self.go_on = asyncio.Event()
        self.denied: list[str] = []

    async def _submit_order(self, command: Any) -> None:
        await self._send(HttpMethod.POST, command.order)

    async def _submit_order_list(self, command: Any) -> None:
        for order in command.order_list.orders:
            await self._send(HttpMethod.POST, order)

    async def _modify_order(self, command: Any) -> None:
        await self._send(HttpMethod.PUT, self._cache.order(command.client_order_id))

    async def _send(self, method: HttpMethod, order: Order) -> None:
        self.taken_up.set()
        await self.go_on.wait()
        payload = {"newClientOrderId": order.client_order_id.value}
        await self._http_client.sign_request(method, "/fapi/v1/order", payload)

    def generate_order_denied(self, *, reason: str, **_: Any) -> None:
        self.denied.append(reason)


async def serve(requests: list[str], use: Callable[[str], Awaitable[None]]) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        await use(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")


def orders(count: int) -> list[Order]:
    factory = OrderFactory(TestIdStubs.trader_id(), TestIdStubs.strategy_id(), LiveClock())
    return [factory.market(PERPETUAL.id, BUY, PERPETUAL.make_qty(1)) for _ in range(count)]


def commands(cache: Cache) -> dict[str, Any]:
    """A command of each kind, by the client's method that takes it."""
    one, changed, *listed = orders(4)
    cache.add_order(changed)
    common = {"trader_id": one.trader_id, "strategy_id": one.strategy_id, "command_id": UUID4(), "ts_init": 0}
    return {
        "_submit_order": SubmitOrder(order=one, **common),
        "_submit_order_list": SubmitOrderList(order_list=OrderList(OrderListId("L-1"), listed), **common),
        "_modify_order": ModifyOrder(
            instrument_id=PERPETUAL.id, client_order_id=changed.client_order_id, venue_order_id=None,
            quantity=PERPETUAL.make_qty(2), price=None, trigger_price=None, **common,
        ),
    }  # fmt: skip


KINDS = ("_submit_order", "_submit_order_list", "_modify_order")


@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_waits_in_the_client_is_not_signed_after_a_halt(kind: str, *, guarded: bool) -> None:
    requests: list[str] = []
    refusal: list[Deny] = []

    def permits(_: Order) -> Deny | None:
        return refusal[0] if refusal else None

    async def use(url: str) -> None:
        client: Any = Client(url)
        command = commands(client._cache)[kind]
        if guarded:
            guard_client(client, permits, refuse_none)
        sending = asyncio.create_task(getattr(client, kind)(command))
        await client.taken_up.wait()
        refusal.append(HALTED)
        client.go_on.set()
        if guarded:
            with pytest.raises(BinanceClientError, match="not sent: Halted BINANCE"):
                await sending
        else:
            await sending

    await serve(requests, use)
    assert len(requests) == (0 if guarded else 2 if kind == "_submit_order_list" else 1)


async def test_an_order_that_was_taken_for_lost_while_it_waited_is_not_sent_any_more() -> None:
    """A venue that is asked for an order which waits here for its turn does not know it, and it is told as rejected."""
    requests: list[str] = []

    async def use(url: str) -> None:
        client: Any = Client(url)
        guard_client(client, lambda _: None, refuse_none)
        command = commands(client._cache)["_submit_order"]
        sending = asyncio.create_task(client._submit_order(command))
        await client.taken_up.wait()
        command.order.apply(TestEventStubs.order_submitted(command.order))
        command.order.apply(TestEventStubs.order_rejected(command.order))
        client.go_on.set()
        with pytest.raises(BinanceClientError, match="not sent: the order has ended while it waited"):
            await sending
        client.taken_up.clear()
        await client._submit_order(command)  # where it waited for the client itself
        assert not client.taken_up.is_set()

    await serve(requests, use)
    assert not requests


def refuse_none(order: Order, deny: Deny) -> None:
    raise AssertionError(f"{order} was refused for {deny}")


async def test_an_order_is_not_taken_up_after_a_halt_and_other_requests_pass() -> None:
    requests: list[str] = []

    async def use(url: str) -> None:
        client: Any = Client(url)
        guard_client(client, lambda _: HALTED, refuse_none)
        await client._submit_order(commands(client._cache)["_submit_order"])
        assert client.denied == ["Halted BINANCE"]
        assert not client.taken_up.is_set()
        await client._http_client.sign_request(HttpMethod.DELETE, "/fapi/v1/order", {})

    await serve(requests, use)
    assert [line.split("?")[0] for line in requests] == ["DELETE /fapi/v1/order"]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_permitted_is_sent(kind: str) -> None:
    requests: list[str] = []

    async def use(url: str) -> None:
        client: Any = Client(url)
        guard_client(client, lambda _: None, refuse_none)
        client.go_on.set()
        await getattr(client, kind)(commands(client._cache)[kind])

    await serve(requests, use)
    sent = "PUT" if kind == "_modify_order" else "POST"
    assert {line.split("?")[0] for line in requests} == {f"{sent} /fapi/v1/order"}


async def test_a_list_is_held_back_where_one_of_it_is() -> None:
    requests: list[str] = []

    async def use(url: str) -> None:
        client: Any = Client(url)
        command = commands(client._cache)["_submit_order_list"]
        second = command.order_list.orders[1]
        client.go_on.set()
        guard_client(
            client, lambda order: HALTED if order is second and client.taken_up.is_set() else None, refuse_none
        )
        with pytest.raises(BinanceClientError, match="not sent: Halted BINANCE"):
            await client._submit_order_list(command)

    await serve(requests, use)
    assert not requests
