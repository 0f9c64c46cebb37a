"""ccxt's own OKX client trades spot and swaps here, and sees what the ledger says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest
import pytest_asyncio

from tests.venue.ccxt_client import okx_client
from tests.venue.core.model import Status
from tests.venue.venue import Venue

SWAP, SYMBOL, SPOT, DESK = "BTC/USDT:USDT", "BTC-USDT-SWAP", "BTC/USDT", "desk-b"


@pytest_asyncio.fixture
async def client(venue: Venue) -> AsyncIterator[Any]:
    async with okx_client(venue, DESK) as made:
        yield made


async def test_swap_market_order_moves_position_and_balance(venue: Venue, client: Any) -> None:
    placed = await client.create_order(SWAP, "market", "sell", 12.5)
    held = venue.okx.exchange.order(DESK, int(placed["id"]))
    seen = await client.fetch_order(placed["id"], SWAP)
    assert seen["status"] == "closed"
    assert Decimal(str(seen["filled"])) == held.filled == Decimal("12.5")

    (position,) = await client.fetch_positions([SWAP])
    ledger = venue.okx.exchange.ledger.accounts[DESK]
    assert position["side"] == "short"
    assert Decimal(str(position["contracts"])) == -ledger.position(SYMBOL).quantity

    balance = await client.fetch_balance()
    equity = ledger.total("USDT") + venue.okx.exchange.funds.unrealized(DESK, SYMBOL)
    assert Decimal(str(balance["total"]["USDT"])) == equity

    (trade,) = await client.fetch_my_trades(SWAP)
    (fill,) = venue.okx.exchange.account_fills(DESK)
    assert (trade["id"], Decimal(str(trade["price"])), Decimal(str(trade["fee"]["cost"]))) == (
        str(fill.trade_id),
        fill.price,
        fill.fee,
    )


async def test_spot_order_is_amended_and_cancelled(venue: Venue, client: Any) -> None:
    placed = await client.create_order(SPOT, "limit", "buy", 0.1, 49_000, {"clientOrderId": "mine1", "postOnly": True})
    held = venue.okx.exchange.order_by_client_id(DESK, "mine1")
    assert [order["clientOrderId"] for order in await client.fetch_open_orders(SPOT)] == ["mine1"]
    await client.edit_order(placed["id"], SPOT, "limit", "buy", 0.2, 49_100)
    assert (held.quantity, held.price) == (Decimal("0.2"), Decimal(49_100))
    assert venue.okx.exchange.ledger.accounts[DESK].locked["USDT"] == 9_820
    await client.cancel_order(placed["id"], SPOT)
    assert held.status is Status.CANCELED
    assert not any(venue.okx.exchange.ledger.accounts[DESK].locked.values())


async def test_spot_market_buy_by_cost(venue: Venue, client: Any) -> None:
    await client.create_market_buy_order_with_cost(SPOT, 1_000)
    (fill,) = venue.okx.exchange.account_fills(DESK)
    assert 0 <= 1_000 - fill.quote < Decimal("0.01")
    assert fill.fee_asset == "BTC"


async def test_refusals_are_the_right_exceptions(venue: Venue, client: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(SWAP, "limit", "buy", 9_000, 49_000)
    await client.create_order(SPOT, "limit", "buy", 0.1, 49_000, {"clientOrderId": "once"})
    with pytest.raises(ccxt.InvalidOrder, match="51016"):
        await client.create_order(SPOT, "limit", "buy", 0.1, 49_000, {"clientOrderId": "once"})
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order("999", SPOT)
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order("999", SPOT)
    client.secret = client.secret[::-1]
    with pytest.raises(ccxt.AuthenticationError):
        await client.fetch_balance()


async def test_public_data_agrees_with_the_book(venue: Venue, client: Any) -> None:
    venue.okx.step(20)
    last = venue.okx.exchange.funds.last[SYMBOL]
    book = await client.fetch_order_book(SWAP, 5)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert Decimal(str((await client.fetch_trades(SWAP))[-1]["price"])) == last
    assert Decimal(str((await client.fetch_ohlcv(SWAP, "1m"))[-1][4])) == last
    assert Decimal(str((await client.fetch_ticker(SWAP))["last"])) == last
