"""Nautilus's own Binance adapter trades USDT futures here, and its cache agrees with the venue's ledger."""

from __future__ import annotations

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus, TimeInForce
from tests.venue.nautilus_node import futures_clients, node_config, running, until
from tests.venue.venue import Venue

INSTRUMENT = "BTCUSDT-PERP.BINANCE"


@pytest.mark.parametrize("ed25519", [False, True], ids=["hmac", "ed25519"])
async def test_market_order_fills(venue: Venue, *, ed25519: bool) -> None:
    config = node_config(*futures_clients(venue.futures, venue, "desk-a", ed25519=ed25519))
    async with running(config, INSTRUMENT) as node:
        order = node.probe.order_factory.market(node.instrument.id, OrderSide.BUY, node.quantity("0.250"))
        node.probe.submit_order(order)
        await until(lambda: order.status == OrderStatus.FILLED, f"{order} fills")
