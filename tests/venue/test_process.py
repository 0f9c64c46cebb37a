"""The venue as a program: it says where it is, is commanded over HTTP, and ends when told."""

from __future__ import annotations

import asyncio

import pytest

from tests.venue.process import venue_process


async def test_program_trades_and_tells_its_ledger() -> None:
    async with venue_process("--seed", "5", "--market", "still", "--account", "desk-x") as venue:
        assert [account["account"] for account in venue.info["accounts"]] == ["desk-x"]
        room = "/binance-futures"
        order = {"account": "desk-x", "symbol": "BTCUSDT", "side": "BUY", "quantity": "0.2", "price": "49000"}
        placed = await venue.call("POST", f"{room}/orders", order)
        await venue.call("POST", f"{room}/fill", {"order_id": placed["id"], "quantity": "0.05"})
        ledger = await venue.ledger("binance-futures", "desk-x")
        assert [fill["quantity"] for fill in ledger["fills"]] == ["0.05"]
        assert ledger["positions"][0]["quantity"] == "0.05"
        assert ledger["orders"][0]["status"] == "PARTIALLY_FILLED"
        assert ledger["imbalance"] == {}

        canceled = await venue.call("POST", f"{room}/cancel", {"account": "desk-x", "order_id": placed["id"]})
        assert canceled["status"] == "CANCELED"
        await venue.call("POST", f"{room}/price", {"symbol": "BTCUSDT", "price": "50100"})
        assert (await venue.call("GET", f"{room}/prices"))["BTCUSDT"] == "50100"

        number = await venue.add_fault(action="lose_response", endpoint="POST /fapi/v1/order", count=3)
        assert [(fault["id"], fault["hits"]) for fault in await venue.call("GET", "/faults")] == [(number, 0)]
        with pytest.raises(RuntimeError, match=r"needs either `endpoint` .* or `stream`"):
            await venue.add_fault(action="drop")
        with pytest.raises(RuntimeError, match="no room"):
            await venue.ledger("binance-coin", "desk-x")


async def test_a_market_that_moves_can_be_stopped() -> None:
    async with venue_process("--market", "random", "--step-ms", "5") as venue:
        await venue.call("POST", "/market", {"running": False})
        still = await venue.call("GET", "/binance-spot/prices")
        await asyncio.sleep(0.05)
        assert await venue.call("GET", "/binance-spot/prices") == still
        await venue.call("POST", "/market", {"running": True})
        while await venue.call("GET", "/binance-spot/prices") == still:
            pass  # Asking takes long enough.


async def test_seed_decides_the_keys() -> None:
    async with venue_process("--seed", "5") as first, venue_process("--seed", "5") as second:
        assert first.info["accounts"] == second.info["accounts"]
        assert first.info["rooms"] != second.info["rooms"]
