"""How old a price is: as the venue says, not as it came."""

from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder, OrderBookDelta, QuoteTick, TradeTick
from nautilus_trader.model.enums import AggressorSide, BookAction, BookType, OrderSide
from nautilus_trader.model.identifiers import TradeId

from tests.node.gate.backtests import PERPETUAL, SECOND, SELL, START, Script, backtest
from trading_api.risk import RiskLimits
from trading_node.market_prices import Decimals, MarketPrices
from trading_node.risk.book import GateBook
from trading_node.risk.orders import Contract

NOW = START
CONTRACT = Contract(PERPETUAL.id.value, "BINANCE", "USDT", "USDT")
PRICE, SIZE = PERPETUAL.make_price(50_000), PERPETUAL.make_qty(1)


def quote(made_ns: int) -> QuoteTick:
    return QuoteTick(PERPETUAL.id, PRICE, PRICE, SIZE, SIZE, made_ns, NOW)


def trade(made_ns: int) -> TradeTick:
    return TradeTick(PERPETUAL.id, PRICE, SIZE, AggressorSide.BUYER, TradeId("1"), made_ns, NOW)


@pytest.mark.parametrize(
    ("made_ns", "age_seconds"),
    [
        (NOW - 60 * SECOND, 60),  # waited while the process stood still
        (NOW + 2 * SECOND, 0),  # the venue's clock is ahead
        (0, 0),  # the venue says nothing
    ],
)
@pytest.mark.parametrize("kind", ["quote", "trade"])
def test_a_price_is_as_old_as_the_venue_says(kind: str, made_ns: int, age_seconds: int) -> None:
    newest = {"quote": None, "trade": None, kind: quote(made_ns) if kind == "quote" else trade(made_ns)}
    cache: Any = SimpleNamespace(
        quote_tick=lambda _: newest["quote"], trade_tick=lambda _: newest["trade"], order_book=lambda _: None
    )
    book = GateBook()
    market = book.market(CONTRACT)
    MarketPrices(cache, book, Decimals()).refresh(market, PERPETUAL.id)
    assert market.mark == 50_000
    assert market.seen_ns is not None
    assert (NOW - market.seen_ns) // SECOND == age_seconds


def test_an_order_brings_the_newest_price_where_there_are_no_quotes() -> None:
    book = OrderBook(PERPETUAL.id, BookType.L2_MBP)

    def move_to(price: int) -> None:
        book.clear(START, 0)
        for side in OrderSide.BUY, OrderSide.SELL:
            level = BookOrder(side, PERPETUAL.make_price(price + (side == OrderSide.SELL)), SIZE, side)
            book.apply_delta(OrderBookDelta(PERPETUAL.id, BookAction.ADD, level, 0, 0, START, START))

    def sell(script: Script) -> None:
        order = script.order_factory.limit(PERPETUAL.id, SELL, SIZE, PRICE)
        run.engine.kernel.msgbus.send(
            "ExecEngine.execute",
            SubmitOrder(
                trader_id=order.trader_id, strategy_id=order.strategy_id, order=order, command_id=UUID4(), ts_init=0
            ),
        )  # fmt: skip

    with backtest({}, limits=RiskLimits(price_tolerance="0.01")) as run:
        assert run.installed is not None
        run.installed._forward = lambda _: None  # to a venue that is not connected
        run.cache.add_order_book(book)
        move_to(50_000)
        sell(run.scripts[0])
        move_to(60_000)
        sell(run.scripts[0])  # in the same moment
        assert run.reasons() == ["PriceOffMarket"]
