"""Price-time priority against the simplest matcher there is: a list, sorted anew for each order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.venue.exchanges import ACCOUNTS, PERPETUAL, make_exchange, prices, quantities
from tests.venue.core.model import OrderKind, OrderRequest, SelfTrade, Side


@dataclass
class Naive:
    number: int
    side: Side
    price: Decimal
    left: Decimal


def naive_match(book: list[Naive], taker: Naive) -> list[tuple[int, int, Decimal, Decimal]]:
    """Return (taker, maker, price, quantity) of each trade, and leave the rest in the book."""
    trades = []
    makers = sorted((o for o in book if o.side is not taker.side), key=lambda o: (o.price * taker.side.sign, o.number))
    for maker in makers:
        crosses = (taker.price - maker.price) * taker.side.sign >= 0
        if taker.left == 0 or not crosses:
            break
        quantity = min(taker.left, maker.left)
        maker.left -= quantity
        taker.left -= quantity
        trades.append((taker.number, maker.number, maker.price, quantity))
    book[:] = [o for o in [*book, taker] if o.left > 0]
    return trades


@examples(10)
@given(
    orders=st.lists(
        st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(Side), prices(), quantities()), min_size=2, max_size=25
    )
)
def test_trades_follow_price_then_time(orders: list[tuple[str, Side, Decimal, Decimal]]) -> None:
    exchange = make_exchange(PERPETUAL)
    book: list[Naive] = []
    expected = []
    for now, (account, side, price, quantity) in enumerate(orders):
        request = OrderRequest(
            account, PERPETUAL.symbol, side, OrderKind.LIMIT, quantity, price, self_trade=SelfTrade.ALLOWED
        )
        order = exchange.place(request, now)
        expected += naive_match(book, Naive(order.id, side, price, quantity))
    fills = exchange.fills
    actual = [
        (taker.order_id, maker.order_id, maker.price, maker.quantity)
        for maker, taker in zip(fills[::2], fills[1::2], strict=True)
    ]
    assert actual == expected
    assert all(fill.maker is (index % 2 == 0) for index, fill in enumerate(fills))
