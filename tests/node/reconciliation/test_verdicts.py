"""Which refusals are the venue's own word, so that nobody has to ask it again."""

from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.events import OrderRejected
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.orders import Order
from nautilus_trader.test_kit.stubs.events import TestEventStubs
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs

from tests.node.gate.backtests import BUY, PERPETUAL
from trading_node import nautilus_testimony
from trading_node.nautilus_testimony import is_plain_refusal, is_verdict


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        ("{'code': -2019, 'msg': 'Margin is insufficient.'}", True),
        ("{'code': -1007, 'msg': 'Timeout waiting for response'}", False),
        ("OKX error 1: SL trigger price must be less than the last traded price", True),
        ("OKX error 50026: System error", False),
        ("OKX error 503: Service Unavailable", False),
        ("connection closed before message completed", False),
        ("not sent: HALTED", True),
    ],
)
def test_a_venues_own_word(reason: str, *, verdict: bool) -> None:
    assert is_verdict(reason) is verdict


@pytest.mark.parametrize(
    ("reason", "plain"),
    [
        ("Order failed. Insufficient USDT margin in account", True),
        ("Parameter px error", True),
        ("Rate limit reached. Please refer to API documentation and throttle requests accordingly", True),
        ("Your order should meet or exceed the minimum order amount.", True),
        ("SL trigger price must be less than the last traded price", True),
        ("System error. Try again later", False),
        ("Order failed. Please try again later", False),
        ("Order timed out. Please try again later.", False),
        ("Systems are busy. Please try again later.", False),
        ("Duplicated client order ID", False),
        ("REJECTED", False),
        ("", False),
    ],
)
def test_words_without_a_code(reason: str, *, plain: bool) -> None:
    assert is_plain_refusal(reason) is plain


@pytest.mark.parametrize(("reason", "doubts"), [("not sent: the order has ended while it waited", 0), ("timed out", 1)])
def test_a_rejection_is_told_once(reason: str, doubts: int) -> None:
    """The strategy would send another order in its place once more; what may live is asked for all the same."""
    cache = Cache()
    told: list[Any] = []
    doubted: list[tuple[Venue, bool]] = []
    factory = OrderFactory(TestIdStubs.trader_id(), TestIdStubs.strategy_id(), LiveClock())
    order = factory.market(PERPETUAL.id, BUY, PERPETUAL.make_qty(1))
    cache.add_order(order)
    engine: Any = SimpleNamespace(process=told.append)

    def on_doubt(venue: Venue, urgent: bool) -> None:
        doubted.append((venue, urgent))

    testimony = nautilus_testimony.Testimony(
        engine, engine, cache, is_ours=lambda _: True, streams_states=lambda _: True, on_doubt=on_doubt
    )  # fmt: skip
    order.apply(TestEventStubs.order_submitted(order))
    testimony.on_event(rejected(order, "the venue's own word"))
    assert len(told) == 1
    order.apply(told[0])
    testimony.on_event(rejected(order, reason))
    assert len(told) == 1
    assert doubted == [(PERPETUAL.id.venue, True)] * doubts


def rejected(order: Order, reason: str) -> OrderRejected:
    return OrderRejected(
        order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id, TestIdStubs.account_id(),
        reason, UUID4(), 0, 0,
    )  # fmt: skip
