"""ccxt's own Binance client trades USDT futures here, and sees what the ledger says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest
import pytest_asyncio

from tests.venue.ccxt_client import futures_client
from tests.venue.core.model import Side, Status
from tests.venue.venue import Venue

PAIR, SYMBOL, DESK = "BTC/USDT:USDT", "BTCUSDT", "desk-b"


@pytest_asyncio.fixture
async def client(venue: Venue) -> AsyncIterator[Any]:
    async with futures_client(venue, DESK) as made:
        yield made


async def test_market_order_moves_position_and_balance(venue: Venue, client: Any) -> None:
    placed = await client.create_order(PAIR, "market", "sell", 0.25)
    seen = await client.fetch_order(placed["id"], PAIR)
    held = venue.futures.exchange.order(DESK, int(placed["id"]))
    assert seen["status"] == "closed"
    assert Decimal(str(seen["filled"])) == held.filled == Decimal("0.25")
    assert Decimal(str(seen["average"])) == held.average_price

    (position,) = await client.fetch_positions([PAIR])
    ledger = venue.futures.exchange.ledger.accounts[DESK]
    assert position["side"] == "short"
    assert Decimal(str(position["contracts"])) == -ledger.position(SYMBOL).quantity
    assert Decimal(str(position["entryPrice"])) == ledger.position(SYMBOL).entry_price(Decimal(1))

    balance = await client.fetch_balance()
    equity = ledger.total("USDT") + venue.futures.exchange.funds.unrealized(DESK, SYMBOL)
    assert Decimal(str(balance["total"]["USDT"])) == equity
    assert Decimal(str(balance["free"]["USDT"])) == venue.futures.exchange.funds.available(DESK, "USDT")

    seen_fills = [
        (trade["id"], *(Decimal(str(value)) for value in (trade["price"], trade["amount"], trade["fee"]["cost"])))
        for trade in await client.fetch_my_trades(PAIR)
    ]
    fills = venue.futures.exchange.account_fills(DESK)
    assert seen_fills == [(str(fill.trade_id), fill.price, fill.quantity, fill.fee) for fill in fills]


async def test_limit_order_is_amended_and_cancelled(venue: Venue, client: Any) -> None:
    params = {"clientOrderId": "mine-1", "timeInForce": "PO"}
    placed = await client.create_order(PAIR, "limit", "buy", 0.1, 49_000, params)
    held = venue.futures.exchange.order_by_client_id(DESK, "mine-1")
    assert str(held.id) == placed["id"]
    assert [order["clientOrderId"] for order in await client.fetch_open_orders(PAIR)] == ["mine-1"]

    await client.edit_order(placed["id"], PAIR, "limit", "buy", 0.2, 49_100)
    assert (held.quantity, held.price) == (Decimal("0.2"), Decimal(49_100))

    await client.cancel_order(placed["id"], PAIR)
    assert held.status is Status.CANCELED
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order(placed["id"], PAIR)


async def test_stop_order_goes_to_the_algo_service(venue: Venue, client: Any) -> None:
    placed = await client.create_order(PAIR, "market", "buy", 0.1, None, {"stopLossPrice": 51_000})
    (waiting,) = venue.futures.server.floor.conditionals.waiting(DESK)
    assert placed["id"] == str(waiting.id)
    venue.futures.set_price(SYMBOL, Decimal(51_500))
    venue.futures.take(SYMBOL, Side.BUY, Decimal("0.1"))
    ledger = venue.futures.exchange.ledger.accounts[DESK]
    assert ledger.position(SYMBOL).quantity == Decimal("0.1")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("limit", "buy", 0.1, 51_000, {"timeInForce": "PO"}), "-5022"),
        (("limit", "buy", 900, 49_000), "-2019"),
        (("market", "sell", 0.1, None, {"reduceOnly": True}), "-2022"),
        (("limit", "buy", 0.001, 1_000), "-4164"),
    ],
)
async def test_refusals_carry_the_venues_codes(client: Any, arguments: tuple[Any, ...], code: str) -> None:
    # ccxt chooses the finer exception types by the venue's host name, which is not ours.
    with pytest.raises(ccxt.ExchangeError, match=code):
        await client.create_order(PAIR, *arguments)


async def test_duplicate_client_id_is_refused_while_open(venue: Venue, client: Any) -> None:
    await client.create_order(PAIR, "limit", "buy", 0.1, 49_000, {"clientOrderId": "once"})
    with pytest.raises(ccxt.ExchangeError, match="duplicated"):
        await client.create_order(PAIR, "limit", "buy", 0.1, 49_000, {"clientOrderId": "once"})
    assert len(venue.futures.exchange.open_orders(DESK)) == 1


async def test_wrong_secret_and_wrong_clock_are_refused(venue: Venue) -> None:
    async with futures_client(venue, DESK) as client:
        client.secret = client.secret[::-1]
        with pytest.raises(ccxt.AuthenticationError):
            await client.fetch_balance()
    async with futures_client(venue, DESK) as client:
        client.nonce = lambda: client.milliseconds() - 60_000
        with pytest.raises(ccxt.InvalidNonce):
            await client.fetch_balance()


async def test_public_data_agrees_with_the_book(venue: Venue, client: Any) -> None:
    venue.futures.step(20)
    exchange = venue.futures.exchange
    book = await client.fetch_order_book(PAIR)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert book["nonce"] == exchange.journal.update_ids[SYMBOL]
    trades = await client.fetch_trades(PAIR)
    assert Decimal(str(trades[-1]["price"])) == exchange.funds.last[SYMBOL]
    candles = await client.fetch_ohlcv(PAIR, "1m")
    assert Decimal(str(candles[-1][4])) == exchange.funds.last[SYMBOL]
    ticker = await client.fetch_ticker(PAIR)
    assert Decimal(str(ticker["last"])) == exchange.funds.last[SYMBOL]
