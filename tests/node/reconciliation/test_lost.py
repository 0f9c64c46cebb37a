"""What the books have and a node cannot make again, because it does not load the instrument any more."""

from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import InstrumentId

from tests.node.reconciliation.desk import ACCOUNT, INSTRUMENTS, life
from tests.venue.core.model import OrderKind, OrderRequest, Side
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue
from trading_node.reconciliation.difference import Difference, Kind, Rules
from trading_node.reconciliation.facts import VenueOrder, VenueStatus, VenueView
from trading_node.reconciliation.lost import Lost, still_lost

ETHER = InstrumentId.from_str("ETHUSDT-PERP.BINANCE")
MANY_S = 25.0


@pytest.mark.asyncio
async def test_the_remedy_of_what_was_lost_is_one(venue: Venue, tmp_path: Path) -> None:
    async with life(venue, tmp_path) as first:
        ether, make = first.cache.instrument(ETHER), first.probe.order_factory
        bought = make.market(ETHER, OrderSide.BUY, ether.make_qty(Decimal(1)))
        first.probe.submit_order(bought)
        await until(lambda: bought.is_closed, "bought")
        resting = make.limit(ETHER, OrderSide.BUY, ether.make_qty(Decimal(1)), ether.make_price(Decimal(2_500)))
        first.probe.submit_order(resting)
        await until(lambda: resting.status == OrderStatus.ACCEPTED, "rests")
    async with life(venue, tmp_path, trades_at_once=False, only=INSTRUMENTS["futures"]) as second:

        def told() -> dict[str, str]:
            return {each.subject: each.remedy for each in second.stats.unresolved if each.kind is Kind.BOOKS}

        await until(lambda: len(told()) == 2, "both are told", MANY_S)
        assert told().pop(resting.client_order_id.value).endswith("or cancel it at the venue by hand")
        assert not second.is_open()
        venue.futures.cancel(ACCOUNT, int(resting.venue_order_id.value))
        await until(lambda: len(told()) == 1, "the order is no matter any more", MANY_S)
        (remedy,) = told().values()
        assert remedy.startswith("Load its instrument")
        assert "by hand" not in remedy
        venue.futures.place(
            OrderRequest(
                account=ACCOUNT, symbol="ETHUSDT", side=Side.SELL, kind=OrderKind.MARKET, quantity=Decimal(1),
                client_id="web_1",
            )
        )  # fmt: skip
        await until(lambda: "web_1" in {each.subject for each in second.stats.unresolved}, "a trade without a place")
        assert not second.is_open()
    async with life(venue, tmp_path) as third:
        assert not third.cache.positions_open(), "the remedy is one"
    async with life(venue, tmp_path, only=INSTRUMENTS["futures"]) as fourth:
        assert fourth.is_open(), "and then it is not needed any more"


WHAT = Difference(kind=Kind.BOOKS, subject="x", message="lost")
RULES = Rules(receive_window_ns=10)


def there(**views: object) -> VenueView:
    return VenueView(asked_ns=110, **views)  # type: ignore[arg-type]


def order(client_order_id: str) -> VenueOrder:
    return VenueOrder(
        instrument_id="I", venue_order_id="1", client_order_id=client_order_id, status=VenueStatus.OPEN,
        quantity=Decimal(1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lost", "view", "since_ns", "stands"),
    [
        (Lost(difference=WHAT, client_order_id="A"), there(open_orders=(order("A"),)), 0, True),
        (Lost(difference=WHAT, client_order_id="A"), there(open_orders=(order("B"),)), 100, False),
        (Lost(difference=WHAT, client_order_id="A"), there(), 101, True),
        (Lost(difference=WHAT, instrument_id="I"), there(positions={"I": Decimal(-1)}), 0, True),
        (Lost(difference=WHAT, instrument_id="I"), there(positions={"J": Decimal(1)}), 0, False),
        (Lost(difference=WHAT, instrument_id="I"), there(), 0, True),
        (Lost(difference=WHAT), there(positions={}), 0, True),
    ],
    ids=[
        "open there", "not open there", "may be on its way", "held there", "not held there", "nobody can say",
        "without a name",
    ],
)  # fmt: skip
def test_what_stands(lost: Lost, view: VenueView, since_ns: int, *, stands: bool) -> None:
    assert still_lost([lost], view, since_ns, RULES) == ([WHAT] if stands else [])
