"""A venue that wants to hear nothing for a while hears nothing."""

import asyncio
import time
from pathlib import Path

import pytest
from nautilus_trader.adapters.binance.http.error import BinanceClientError, BinanceServerError
from nautilus_trader.model.enums import OrderStatus

from tests.node.reconciliation.desk import life
from tests.venue.faults import Action, Fault
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.nautilus_hold import hold_seconds
from trading_node.reconciliation.difference import Kind

MANY_S = 20.0
NOW_NS = 1_700_000_000_000_000_000
UNTIL = {"code": -1003, "msg": "Way too many requests; IP(1.2.3.4) banned until 1700000030000."}


def refused(status: int, message: object, **headers: str) -> BinanceClientError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return BinanceClientError(status=status, message=message, headers=named)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (refused(429, {"code": -1003, "msg": "Too many requests."}, retry_after="7"), 7),
        (refused(429, {"code": -1003, "msg": "Too many requests."}, Retry_After="7"), 7),
        (refused(429, {"code": -1003, "msg": "Too many requests."}), 10),
        (refused(429, {"code": -1015, "msg": "Too many new orders."}, retry_after="7"), 0),
        (refused(418, UNTIL), 30),
        (refused(418, UNTIL, retry_after="40"), 40),
        (refused(418, UNTIL, retry_after="2"), 30),
        (refused(418, "<html>I'm a teapot</html>"), 120),
        (refused(418, {"code": -1003, "msg": "banned until 9999999999999"}), 3 * 86_400),
        (refused(400, {"code": -2019, "msg": "Margin is insufficient."}), 0),
        (BinanceServerError(status=503, message="Service Unavailable", headers={}), 0),
        (RuntimeError("OKX error 50011: Rate limit reached."), 2),
        (RuntimeError("OKX error 50061: Sub-account rate limit reached."), 2),
        (RuntimeError("OKX error 51008: Insufficient balance"), 0),
    ],
    ids=str,
)
def test_for_how_long(error: Exception, seconds: float) -> None:
    assert hold_seconds(error, NOW_NS) == pytest.approx(seconds)


@pytest.mark.asyncio
async def test_a_banned_address_asks_and_sends_nothing_until_the_ban_ends(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, interval_seconds=0.3) as desk:
        resting = desk.rest()
        await until(lambda: resting.status == OrderStatus.ACCEPTED, "accepted")
        venue.faults.add(Fault(Action.BAN, endpoint="GET /fapi/v1/openOrders", retry_after_s=7))
        await until(lambda: not desk.is_open(), "the gate closes at once: nobody can say for how long it was true")
        banned = time.monotonic()
        await until(lambda: desk.stats.unresolved, "it is told")
        (told,) = desk.stats.unresolved
        assert told.kind is Kind.VENUE_SILENT
        assert "wants no requests until" in told.message
        assert "banned until" in told.message
        assert "goes on by itself" in told.remedy
        await asyncio.sleep(0.3)  # what was on its way together with it
        before = dict(venue.futures.server.requests)
        desk.probe.cancel_order(resting)
        await until(
            lambda: type(resting.last_event).__name__ == "OrderCancelRejected", "it is told that nothing is sent"
        )
        assert "not sent: the venue wants no requests" in resting.last_event.reason
        await desk.reconciliation.look()  # as a stop does
        await asyncio.sleep(4.0)
        assert venue.futures.server.requests == before
        await until(desk.is_open, "it goes on by itself", MANY_S)
        assert time.monotonic() - banned > 6.0
        desk.probe.cancel_order(resting)
        await until(lambda: resting.status == OrderStatus.CANCELED, "requests are sent again")


@pytest.mark.asyncio
async def test_orders_are_refused_while_the_rate_limit_of_another_request_lasts(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as desk:
        venue.faults.add(Fault(Action.RATE_LIMIT, endpoint="POST /fapi/v1/order", retry_after_s=3))
        first = desk.rest()
        await until(lambda: first.status == OrderStatus.REJECTED, "refused by the venue")
        limited = time.monotonic()
        second = desk.rest()
        await until(lambda: second.status == OrderStatus.REJECTED, "not sent", 1.0)
        assert "not sent: the venue wants no requests" in second.last_event.reason
        await until(lambda: desk.stats.unresolved, "it is told")
        assert desk.is_open(), "a moment is no reason to disagree"
        await until(lambda: not desk.stats.unresolved, "agrees again", MANY_S)
        assert 2.5 < time.monotonic() - limited < 8, "the time that Retry-After says"
        third = desk.rest()
        await until(lambda: third.status == OrderStatus.ACCEPTED, "orders pass again", MANY_S)


@pytest.mark.asyncio
async def test_a_limited_okx_is_asked_again_no_sooner_than_its_limit_allows(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path, "okx", interval_seconds=0.3) as desk:
        number = venue.faults.add(Fault(Action.RATE_LIMIT, endpoint="GET /api/v5/trade/orders-pending", count=None))
        await until(lambda: venue.faults.hits(number), "asked and limited")
        await until(lambda: desk.stats.unresolved, "it is told", MANY_S)
        assert "50011" in desk.stats.unresolved[0].message
        venue.faults.clear()
        await until(desk.is_open, "agrees again", MANY_S)
