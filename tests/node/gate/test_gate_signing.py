"""Between the gate and the wire: what was admitted and halted since does not leave, in Nautilus' own Binance client."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.adapters.binance.http.error import BinanceClientError
from nautilus_trader.common.component import LiveClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.nautilus_pyo3 import HttpMethod
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.orders import Order
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs

from tests.node.gate.backtests import BUY, PERPETUAL
from trading_node.risk.decision import Deny, Reason
from trading_node.signing import guard_client

HALTED = Deny(Reason.HALTED, "BINANCE")


class Client:
    """The part of a live client that the guard touches: it sends an order with a signed request, after a pause."""

    def __init__(self, base_url: str) -> None:
        self._clock = LiveClock()
        self._http_client = BinanceHttpClient(self._clock, "key", "secret", base_url)
        self.taken_up = asyncio.Event()
        self.go_on = asyncio.Event()
        self.denied: list[str] = []

    async def _submit_order(self, command: SubmitOrder) -> None:
        self.taken_up.set()
        await self.go_on.wait()
        payload = {"newClientOrderId": command.order.client_order_id.value}
        await self._http_client.sign_request(HttpMethod.POST, "/fapi/v1/order", payload)

    async def _submit_order_list(self, command: Any) -> None:
        raise AssertionError(f"only new single orders are sent here, not {command}")

    async def _modify_order(self, command: Any) -> None:
        raise AssertionError(f"only new single orders are sent here, not {command}")

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


def command() -> SubmitOrder:
    factory = OrderFactory(TestIdStubs.trader_id(), TestIdStubs.strategy_id(), LiveClock())
    order = factory.market(PERPETUAL.id, BUY, PERPETUAL.make_qty(1))
    return SubmitOrder(
        trader_id=order.trader_id, strategy_id=order.strategy_id, order=order, command_id=UUID4(), ts_init=0
    )


@pytest.mark.parametrize("guarded", [False, True])
async def test_an_order_that_waits_in_the_client_is_not_signed_after_a_halt(*, guarded: bool) -> None:
    requests: list[str] = []
    refusal: list[Deny] = []

    def permits(_: Order) -> Deny | None:
        return refusal[0] if refusal else None

    async def use(url: str) -> None:
        client: Any = Client(url)
        if guarded:
            guard_client(client, permits)
        sending = asyncio.create_task(client._submit_order(command()))
        await client.taken_up.wait()
        refusal.append(HALTED)
        client.go_on.set()
        if guarded:
            with pytest.raises(BinanceClientError, match="not sent: Halted BINANCE"):
                await sending
        else:
            await sending

    await serve(requests, use)
    assert len(requests) == (0 if guarded else 1)


async def test_an_order_is_not_taken_up_after_a_halt_and_other_requests_pass() -> None:
    requests: list[str] = []

    async def use(url: str) -> None:
        client: Any = Client(url)
        guard_client(client, lambda _: HALTED)
        await client._submit_order(command())
        assert client.denied == ["Halted BINANCE"]
        assert not client.taken_up.is_set()
        await client._http_client.sign_request(HttpMethod.DELETE, "/fapi/v1/order", {})

    await serve(requests, use)
    assert [line.split("?")[0] for line in requests] == ["DELETE /fapi/v1/order"]


async def test_an_order_that_is_permitted_is_sent() -> None:
    requests: list[str] = []

    async def use(url: str) -> None:
        client: Any = Client(url)
        guard_client(client, lambda _: None)
        client.go_on.set()
        await client._submit_order(command())

    await serve(requests, use)
    assert [line.split("?")[0] for line in requests] == ["POST /fapi/v1/order"]
