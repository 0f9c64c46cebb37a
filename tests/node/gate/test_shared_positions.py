"""One position at the venue, several strategies: each is held against what it bought and sold itself."""

from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import LiquiditySide, OmsType, OrderSide, OrderType
from nautilus_trader.model.events import OrderFilled, PositionChanged
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientOrderId,
    PositionId,
    StrategyId,
    TradeId,
    TraderId,
    VenueOrderId,
)
from nautilus_trader.model.objects import Money
from nautilus_trader.model.position import Position

from tests.node.gate.backtests import BUY, PERPETUAL, SELL, SPOT, START
from trading_node.market_prices import Decimals
from trading_node.nautilus_account import AccountFollower
from trading_node.nautilus_orders import OrderReader
from trading_node.risk.book import GateBook
from trading_node.risk.orders import Contract

CONTRACT = Contract(PERPETUAL.id.value, "BINANCE", "USDT", "USDT", account="BINANCE-1")
COINS = Contract(SPOT.id.value, "BINANCE", "USDT", "USDT", account="BINANCE-1", base="BTC", spot=True)
SHARED = PositionId("BTCUSDT-PERP.BINANCE-BOTH")


class Venue:
    """A venue that calls the one position of an account by a name, as the engine hands its fills over."""

    def __init__(self, instrument: Any = PERPETUAL, contract: Contract = CONTRACT) -> None:
        self.instrument, self.contract = instrument, contract
        self.cache = Cache()
        self.cache.add_instrument(instrument)
        self.book = GateBook()
        self.market = self.book.market(contract)
        self.book.set_prices(self.market, None, None, Decimal(100), START)
        self.bus: dict[str, Any] = {}
        self.follower = self.follow(self.book)
        self.position: Position | None = None
        self._ids = count(1)

    def follow(self, book: GateBook) -> AccountFollower:
        def subscribe(topic: str, handler: Any, _: int) -> None:
            self.bus[topic] = handler

        follower = AccountFollower(
            self.cache, book, OrderReader(Decimals(), "cleanup", {}), lambda _: book.market(self.contract),
            on_denied=lambda _: None, now=lambda: START,
        )  # fmt: skip
        follower.follow(SimpleNamespace(subscribe=subscribe))
        return follower

    def fill(self, strategy: str, side: OrderSide, quantity: str, price: str, charge: str = "0 USDT") -> None:
        """Fill an order of a strategy; a fill that turns the position comes in two parts, as in the engine."""
        number = next(self._ids)
        whole = self._filled(number, strategy, side, Decimal(quantity), price, charge=charge)
        held = Decimal(0) if self.position is None else self.position.signed_decimal_qty()
        signed = whole.last_qty.as_decimal() * (1 if side == BUY else -1)
        parts = [abs(held), abs(held + signed)] if held and held * (held + signed) < 0 else [abs(signed)]
        for part in parts:
            self._apply(self._filled(number, strategy, side, part, price, charge=charge))
        self.bus["events.order.*"](whole)

    def _apply(self, fill: OrderFilled) -> None:
        if self.position is None or self.position.is_closed:
            self.position = Position(self.instrument, fill)
            self.cache.add_position(self.position, OmsType.HEDGING)
        else:
            self.position.apply(fill)
            self.cache.update_position(self.position)
        if not self.position.is_closed:
            self.bus["events.position.*"](PositionChanged.create(self.position, fill, UUID4(), START))

    def _filled(
        self, number: int, strategy: str, side: OrderSide, quantity: Decimal, price: str, *, charge: str
    ) -> OrderFilled:
        traded = self.instrument
        return OrderFilled(
            TraderId("T-1"), StrategyId(strategy), traded.id, ClientOrderId(f"O-{number}"),
            VenueOrderId(str(number)), AccountId("BINANCE-1"), TradeId(f"{number}-{quantity}"), SHARED, side,
            OrderType.MARKET, traded.make_qty(quantity), traded.make_price(Decimal(price)),
            traded.quote_currency, Money.from_str(charge), LiquiditySide.TAKER, UUID4(), START, START,
        )  # fmt: skip

    def held(self, book: GateBook | None = None) -> dict[str, Decimal]:
        return {each.key[0]: each.position for each in (book or self.book).holdings.values() if each.position}

    def profits(self) -> dict[str, Decimal]:
        self.book.valuation.use_currencies(frozenset({"USDT"}), [self.market])
        self.book.valuation.revalue()
        return {name: totals.profit for name, totals in self.book.valuation.strategies.items()}


@pytest.fixture
def venue() -> Venue:
    return Venue()


def test_each_strategy_holds_its_own_share(venue: Venue) -> None:
    venue.fill("A-1", BUY, "1", "100")
    venue.fill("B-1", BUY, "0.4", "100")
    venue.fill("A-1", SELL, "0.5", "90")
    assert venue.held() == {"A-1": Decimal("0.5"), "B-1": Decimal("0.4")}
    assert venue.profits() == {"A-1": Decimal(-5), "B-1": Decimal(0)}


def test_who_closes_what_another_opened_takes_it_over_at_that_price(venue: Venue) -> None:
    venue.fill("A-1", BUY, "1", "100")
    venue.fill("B-1", SELL, "1", "90")
    assert venue.held() == {}
    assert venue.profits() == {"A-1": Decimal(-10), "B-1": Decimal(0)}


def test_who_turns_it_holds_what_is_left(venue: Venue) -> None:
    venue.fill("A-1", BUY, "1", "100")
    venue.fill("B-1", SELL, "1.5", "90")
    assert venue.held() == {"B-1": Decimal("-0.5")}
    assert venue.profits() == {"A-1": Decimal(-10), "B-1": Decimal(-5)}  # the market is at 100
    venue.fill("A-1", BUY, "0.2", "100")
    assert venue.held() == {"A-1": Decimal("0.2"), "B-1": Decimal("-0.5")}


def test_shares_are_found_again_after_a_restart(venue: Venue) -> None:
    venue.fill("A-1", BUY, "1", "100")
    venue.fill("B-1", SELL, "0.4", "100")
    book = GateBook()
    venue.follow(book).resync()
    assert venue.held(book) == {"A-1": Decimal(1), "B-1": Decimal("-0.4")}


def test_telling_it_again_changes_nothing(venue: Venue) -> None:
    venue.fill("A-1", BUY, "1", "100")
    venue.fill("B-1", BUY, "0.4", "90")
    before = venue.profits()
    venue.follower.resync()
    assert venue.held() == {"A-1": Decimal(1), "B-1": Decimal("0.4")}
    assert venue.profits() == before == {"A-1": Decimal(0), "B-1": Decimal(4)}


def test_each_strategy_bears_what_its_own_fills_were_charged_in_coins() -> None:
    venue = Venue(SPOT, COINS)
    venue.fill("A-1", BUY, "1", "100", "0.001 BTC")
    venue.fill("B-1", BUY, "1", "100", "0.002 BTC")
    assert venue.held() == {"A-1": Decimal("0.999"), "B-1": Decimal("0.998")}
    assert venue.profits() == {"A-1": Decimal("-0.1"), "B-1": Decimal("-0.2")}
    book = GateBook()
    venue.follow(book).resync()
    assert venue.held(book) == {"A-1": Decimal("0.999"), "B-1": Decimal("0.998")}
