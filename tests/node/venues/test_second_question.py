"""Between the gate and every venue: what was admitted and halted since does not leave a client, whatever it is."""

import asyncio
from typing import Any

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import ModifyOrder, SubmitOrder, SubmitOrderList
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.identifiers import OrderListId
from nautilus_trader.model.orders import Order, OrderList
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs

from tests.node.gate.backtests import BUY, PERPETUAL
from tests.node.venues.venues import OPTIONS, client, venue
from tests.venue.nautilus_node import until
from trading_api.adapters import Adapter
from trading_node.risk.decision import Deny, Reason
from trading_node.signing import guard_client

HALTED = Deny(Reason.HALTED, "BINANCE")
BROKER = {"interactive_brokers": {"host": "gateway", "client_id": 7, "account_id": "U1234567"}}


class Desk:
    """A client as its factory makes it, connected to nothing, and what it tells the engine."""

    def __init__(self, adapter: Adapter) -> None:
        of = venue(adapter, **(BROKER if adapter is Adapter.INTERACTIVE_BROKERS else {}))
        made: Any = client(of, "execution")
        clock = LiveClock()
        bus = MessageBus(TestIdStubs.trader_id(), clock)
        self.told: list[Any] = []
        bus.register("ExecEngine.process", self.told.append)
        self.cache = Cache()
        self.client: Any = made.factory.create(
            loop=asyncio.get_running_loop(), name=of.name, config=made.config, msgbus=bus, cache=self.cache, clock=clock
        )
        self.taken_up: list[Any] = []
        for kind in ("_submit_order", "_submit_order_list", "_modify_order"):
            self._note(kind)
        factory = OrderFactory(TestIdStubs.trader_id(), TestIdStubs.strategy_id(), clock)
        self.orders = [factory.market(PERPETUAL.id, BUY, PERPETUAL.make_qty(1)) for _ in range(4)]
        for order in self.orders:
            self.cache.add_order(order)

    def _note(self, kind: str) -> None:
        """Note what comes to the adapter's own method, which would send it."""

        async def noting(command: Any) -> None:
            self.taken_up.append(command)

        setattr(self.client, kind, noting)

    def command_all(self) -> None:
        """Give the client a submit, a list and a modify, as the engine does; it makes tasks of them."""
        one, changed, *listed = self.orders
        common = {"trader_id": one.trader_id, "strategy_id": one.strategy_id, "command_id": UUID4(), "ts_init": 0}
        self.client.submit_order(SubmitOrder(order=one, **common))
        self.client.submit_order_list(SubmitOrderList(order_list=OrderList(OrderListId("L-1"), listed), **common))
        self.client.modify_order(
            ModifyOrder(
                instrument_id=PERPETUAL.id, client_order_id=changed.client_order_id, venue_order_id=None,
                quantity=PERPETUAL.make_qty(2), price=None, trigger_price=None, **common,
            )
        )  # fmt: skip


@pytest.mark.usefixtures("gateway_client")
@pytest.mark.parametrize("adapter", OPTIONS)
async def test_nothing_that_is_halted_is_taken_up(adapter: Adapter) -> None:
    desk = Desk(adapter)
    assert isinstance(desk.client, LiveExecutionClient)
    counted: list[tuple[Order, Deny]] = []
    guard_client(desk.client, lambda _: HALTED, lambda order, deny: counted.append((order, deny)))
    desk.command_all()
    await until(lambda: len(desk.told) >= len(desk.orders), "all are answered")
    assert not desk.taken_up
    one, changed, first, second = desk.orders
    sibling = Deny(Reason.LIST_DENIED, first.client_order_id.value)
    assert [(type(event).__name__, event.client_order_id, event.reason) for event in desk.told] == [
        ("OrderDenied", one.client_order_id, str(HALTED)),
        ("OrderDenied", first.client_order_id, str(HALTED)),
        ("OrderDenied", second.client_order_id, str(sibling)),
        ("OrderModifyRejected", changed.client_order_id, str(HALTED)),
    ]
    assert counted == [(second, sibling)]


@pytest.mark.usefixtures("gateway_client")
@pytest.mark.parametrize("adapter", OPTIONS)
async def test_what_is_permitted_is_taken_up(adapter: Adapter) -> None:
    desk = Desk(adapter)
    guard_client(desk.client, lambda _: None, lambda _, deny: pytest.fail(str(deny)))
    desk.command_all()
    await until(lambda: len(desk.taken_up) >= 3, "all are taken up")
    assert [type(command) for command in desk.taken_up] == [SubmitOrder, SubmitOrderList, ModifyOrder]
    assert not desk.told
