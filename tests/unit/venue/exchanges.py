"""Small exchanges and random histories for the property tests."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from tests.venue.core.conditional import Conditionals
from tests.venue.core.exchange import Exchange
from tests.venue.core.model import (
    Instrument,
    InstrumentKind,
    OrderKind,
    OrderRequest,
    RefusalError,
    SelfTrade,
    Side,
    TimeInForce,
    Trigger,
)
from tests.venue.core.rules import VenueRules

ACCOUNTS = ("ann", "bob", "cy")
SPOT = Instrument(
    symbol="BTC-USDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(100),
    min_notional=Decimal("0.001"),
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.0015"),
)
PERPETUAL = replace(
    SPOT,
    symbol="BTC-PERP",
    kind=InstrumentKind.PERPETUAL,
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.0005"),
    multiplier=Decimal("0.1"),
)


def make_exchange(instrument: Instrument, rules: VenueRules | None = None) -> Exchange:
    exchange = Exchange([instrument], rules or VenueRules())
    for account in ACCOUNTS:
        exchange.open_account(account)
        exchange.deposit(account, "USDT", Decimal(1000), 0)
        if instrument.is_spot:
            exchange.deposit(account, "BTC", Decimal(10), 0)
    return exchange


@dataclass(frozen=True)
class Command:
    name: str
    run: Callable[[Exchange, Conditionals, int], None]

    def __repr__(self) -> str:
        return self.name


def prices() -> st.SearchStrategy[Decimal]:
    return st.integers(9_990, 10_010).map(lambda cents: Decimal(cents) / 100)


def quantities() -> st.SearchStrategy[Decimal]:
    return st.integers(1, 900).map(lambda thousandths: Decimal(thousandths) / 1000)


def random_request(rng: random.Random, symbol: str) -> OrderRequest:
    """Draw an order; most rest or trade, some are of the rarer kinds."""
    is_limit = rng.random() < 0.75
    tif = rng.choice([TimeInForce.GTC] * 6 + [TimeInForce.IOC, TimeInForce.FOK]) if is_limit else TimeInForce.GTC
    return OrderRequest(
        account=rng.choice(ACCOUNTS),
        symbol=symbol,
        side=rng.choice(list(Side)),
        kind=OrderKind.LIMIT if is_limit else OrderKind.MARKET,
        quantity=Decimal(rng.randint(1, 900)) / 1000,
        price=random_price(rng) if is_limit else None,
        time_in_force=tif,
        post_only=is_limit and tif is TimeInForce.GTC and rng.random() < 0.15,
        reduce_only=symbol == PERPETUAL.symbol and rng.random() < 0.25,
        client_id=rng.choice(["", "", "", "", "a", "b"]),
        self_trade=rng.choice(list(SelfTrade)),
    )


def random_price(rng: random.Random) -> Decimal:
    return Decimal(rng.randint(9_990, 10_010)) / 100


def _place(request: OrderRequest) -> Command:
    def run(exchange: Exchange, _conditionals: Conditionals, now: int) -> None:
        exchange.place(request, now)

    return Command(f"place({request})", run)


def _conditional(request: OrderRequest, trigger: Decimal) -> Command:
    def run(exchange: Exchange, conditionals: Conditionals, now: int) -> None:
        last = exchange.funds.last.get(request.symbol, Decimal(100))
        data = {name: getattr(request, name) for name in request.__slots__}
        conditionals.place(OrderRequest(**data | {"trigger": Trigger(rises=trigger > last, price=trigger)}), now)

    return Command(f"conditional({request}, {trigger})", run)


def _cancel(account: str, which: int) -> Command:
    def run(exchange: Exchange, _conditionals: Conditionals, now: int) -> None:
        if orders := exchange.open_orders(account):
            exchange.cancel(account, orders[which % len(orders)].id, now)

    return Command(f"cancel({account}, {which})", run)


def _amend(account: str, which: int, quantity: Decimal, price: Decimal) -> Command:
    def run(exchange: Exchange, _conditionals: Conditionals, now: int) -> None:
        if orders := exchange.open_orders(account):
            exchange.amend(account, orders[which % len(orders)].id, quantity, price, now)

    return Command(f"amend({account}, {which}, {quantity}, {price})", run)


def _mark(symbol: str, price: Decimal) -> Command:
    def run(exchange: Exchange, _conditionals: Conditionals, now: int) -> None:
        exchange.set_mark(symbol, price, now)

    return Command(f"mark({price})", run)


def random_command(rng: random.Random, symbol: str) -> Command:
    who, which = rng.choice(ACCOUNTS), rng.randint(0, 9)
    match rng.choices(["place", "cancel", "amend", "conditional", "mark"], [12, 2, 3, 2, 1])[0]:
        case "cancel":
            return _cancel(who, which)
        case "amend":
            return _amend(who, which, Decimal(rng.randint(1, 900)) / 1000, random_price(rng))
        case "conditional":
            return _conditional(random_request(rng, symbol), random_price(rng))
        case "mark":
            return _mark(symbol, random_price(rng))
        case _:
            return _place(random_request(rng, symbol))


def histories(symbol: str) -> st.SearchStrategy[list[Command]]:
    """Draw histories long enough to trade; a failing one shrinks to its shortest failing beginning."""

    def make(seed: int, size: int) -> list[Command]:
        rng = random.Random(seed)
        return [random_command(rng, symbol) for _ in range(size)]

    return st.builds(make, st.integers(0, 2**32), st.integers(10, 60))


def play(
    exchange: Exchange, history: list[Command], check: Callable[[Exchange, Conditionals], None] | None = None
) -> Conditionals:
    """Run a history; what the exchange refuses must leave no trace, and `check` holds after every step."""
    conditionals = Conditionals(exchange)
    for now, command in enumerate(history, start=1):
        before = len(exchange.journal.events)
        try:
            command.run(exchange, conditionals, now)
        except RefusalError:
            assert len(exchange.journal.events) == before
        conditionals.run(now)
        if check is not None:
            check(exchange, conditionals)
    return conditionals
