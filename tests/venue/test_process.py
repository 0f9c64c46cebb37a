"""The venue as a program: it says where it is, is commanded over HTTP, and ends when told."""

from __future__ import annotations

import time

import pytest

from tests.venue.process import venue_process


def test_program_trades_and_tells_its_ledger() -> None:
    with venue_process("--seed", "5", "--market", "still", "--account", "desk-x") as venue:
        assert [account["account"] for account in venue.info["accounts"]] == ["desk-x"]
        room = "/binance-futures"
        order = {"account": "desk-x", "symbol": "BTCUSDT", "side": "BUY", "quantity": "0.2", "price": "49000"}
        placed = venue.call("POST", f"{room}/orders", order)
        venue.call("POST", f"{room}/fill", {"order_id": placed["id"], "quantity": "0.05"})
        ledger = venue.ledger("binance-futures", "desk-x")
        assert [fill["quantity"] for fill in ledger["fills"]] == ["0.05"]
        assert ledger["positions"][0]["quantity"] == "0.05"
        assert ledger["orders"][0]["status"] == "PARTIALLY_FILLED"
        assert ledger["imbalance"] == {}

        canceled = venue.call("POST", f"{room}/cancel", {"account": "desk-x", "order_id": placed["id"]})
        assert canceled["status"] == "CANCELED"
        venue.call("POST", f"{room}/price", {"symbol": "BTCUSDT", "price": "50100"})
        assert (venue.call("GET", f"{room}/prices"))["BTCUSDT"] == "50100"

        number = venue.add_fault(action="lose_response", endpoint="POST /fapi/v1/order", count=3)
        assert [(fault["id"], fault["hits"]) for fault in venue.call("GET", "/faults")] == [(number, 0)]
        with pytest.raises(RuntimeError, match=r"needs either `endpoint` .* or `stream`"):
            venue.add_fault(action="drop")
        with pytest.raises(RuntimeError, match="no room"):
            venue.ledger("binance-coin", "desk-x")


def test_accounts_are_opened_while_it_runs_and_share_nothing_but_the_market() -> None:
    with venue_process("--seed", "5", "--market", "still", "--account", "desk-x") as venue:
        first, second = venue.open_account("desk-1"), venue.open_account("desk-2")
        assert [account["account"] for account in venue.info["accounts"]] == ["desk-x", "desk-1", "desk-2"]
        first.act("okx", "orders", symbol="BTC-USDT", side="BUY", quantity="0.5")
        assert [order["quantity"] for order in first.ledger("okx")["orders"]] == ["0.5"]
        assert second.ledger("okx")["orders"] == []
        first.add_fault(action="drop", stream="user", count=None)
        venue.clear_faults()
        assert venue.call("GET", "/faults") == []
        assert venue.open_account("desk-1").ledger("okx")["orders"] != []


def test_a_market_that_moves_can_be_stopped() -> None:
    with venue_process("--market", "random", "--step-ms", "5") as venue:
        venue.call("POST", "/market", {"running": False})
        still = venue.call("GET", "/binance-spot/prices")
        time.sleep(0.05)
        assert venue.call("GET", "/binance-spot/prices") == still
        venue.call("POST", "/market", {"running": True})
        while venue.call("GET", "/binance-spot/prices") == still:
            pass  # Asking takes long enough.


def test_seed_decides_the_keys() -> None:
    with venue_process("--seed", "5") as first, venue_process("--seed", "5") as second:
        assert first.info["accounts"] == second.info["accounts"]
        assert first.info["rooms"] != second.info["rooms"]
