"""ccxt's own Binance client trades spot here, and sees what the ledger says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest
import pytest_asyncio

from tests.venue.ccxt_client import spot_client
from tests.venue.core.model import Status
from tests.venue.venue import Venue

PAIR, DESK = "BTC/USDT", "desk-b"


@pytest_asyncio.fixture
async def client(venue: Venue) -> AsyncIterator[Any]:
    async with spot_client(venue, DESK) as made:
        yield made


async def test_market_order_moves_both_balances(venue: Venue, client: Any) -> None:
    placed = await client.create_order(PAIR, "market", "buy", 0.25)
    held = venue.spot.exchange.order(DESK, int(placed["id"]))
    assert placed["status"] == "closed"
    assert Decimal(str(placed["filled"])) == held.filled == Decimal("0.25")

    balance = await client.fetch_balance()
    ledger = venue.spot.exchange.ledger.accounts[DESK]
    for asset in ("BTC", "USDT"):
        assert Decimal(str(balance["total"][asset])) == ledger.total(asset)

    (trade,) = await client.fetch_my_trades(PAIR)
    (fill,) = venue.spot.exchange.account_fills(DESK)
    assert (trade["id"], trade["order"]) == (str(fill.trade_id), str(fill.order_id))
    assert Decimal(str(trade["fee"]["cost"])) == fill.fee
    assert trade["fee"]["currency"] == fill.fee_asset == "BTC"


async def test_limit_order_is_replaced_and_cancelled(venue: Venue, client: Any) -> None:
    placed = await client.create_order(PAIR, "limit", "buy", 0.1, 49_000, {"clientOrderId": "mine-1"})
    first = venue.spot.exchange.order_by_client_id(DESK, "mine-1")
    replaced = await client.edit_order(placed["id"], PAIR, "limit", "buy", 0.2, 49_100)
    second = venue.spot.exchange.order(DESK, int(replaced["id"]))
    assert first.status is Status.CANCELED
    assert (second.quantity, second.price) == (Decimal("0.2"), Decimal(49_100))
    assert [order["id"] for order in await client.fetch_open_orders(PAIR)] == [str(second.id)]
    await client.cancel_order(replaced["id"], PAIR)
    assert second.status is Status.CANCELED
    assert not any(venue.spot.exchange.ledger.accounts[DESK].locked.values())


async def test_stop_limit_is_listed_until_cancelled(venue: Venue, client: Any) -> None:
    await venue_trades(venue)
    placed = await client.create_order(PAIR, "limit", "sell", 0.1, 48_000, {"stopLossPrice": 49_000})
    (listed,) = await client.fetch_open_orders(PAIR)
    assert listed["id"] == placed["id"]
    assert venue.spot.exchange.ledger.accounts[DESK].locked["BTC"] == Decimal("0.1")
    await client.cancel_order(placed["id"], PAIR)
    assert (await client.fetch_order(placed["id"], PAIR))["status"] == "canceled"
    assert not any(venue.spot.exchange.ledger.accounts[DESK].locked.values())


async def venue_trades(venue: Venue) -> None:
    """Give the market a last price, against which a stop is judged."""
    venue.spot.step(12)


async def test_refusals_are_the_right_exceptions(client: Any) -> None:
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        await client.create_order(PAIR, "limit", "buy", 0.1, 51_000, {"postOnly": True})
    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(PAIR, "limit", "buy", 100, 49_000)
    with pytest.raises(ccxt.BadRequest, match="NOTIONAL"):
        await client.create_order(PAIR, "limit", "buy", 0.00001, 49_000)
    await client.create_order(PAIR, "limit", "buy", 0.1, 49_000, {"clientOrderId": "once"})
    with pytest.raises(ccxt.ExchangeError, match="Duplicate"):
        await client.create_order(PAIR, "limit", "buy", 0.1, 49_000, {"clientOrderId": "once"})
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order("999", PAIR)


async def test_public_data_agrees_with_the_book(venue: Venue, client: Any) -> None:
    await venue_trades(venue)
    book = await client.fetch_order_book(PAIR)
    assert book["bids"][0][0] < book["asks"][0][0]
    last = venue.spot.exchange.funds.last["BTCUSDT"]
    assert Decimal(str((await client.fetch_trades(PAIR))[-1]["price"])) == last
    assert Decimal(str((await client.fetch_ohlcv(PAIR, "1m"))[-1][4])) == last
    assert Decimal(str((await client.fetch_ticker(PAIR))["last"])) == last
