"""The other side of the market: quotes around a price that wanders, and takers that hit them; all from one seed."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from pathlib import Path

from tests.venue.core.exchange import Exchange
from tests.venue.core.model import (
    Instrument,
    OrderKind,
    OrderRequest,
    RefusalError,
    SelfTrade,
    Side,
    TimeInForce,
)

MAKER = "market-maker"
FLOW = "market-flow"
PURSE = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the background market quotes. Sizes are in multiples of `lot`, distances in multiples of `spacing`."""

    start_price: Decimal
    spacing: Decimal
    lot: Decimal
    levels: int = 5
    walk: int = 2
    """The price moves by up to so many spacings a step."""
    taker_chance: float = 0.3


class Background:
    """Quotes one instrument. `step` moves time on; `quote` only renews the quotes at the present price."""

    def __init__(self, exchange: Exchange, instrument: Instrument, behaviour: Behaviour, seed: int) -> None:
        self._exchange = exchange
        self._instrument = instrument
        self._behaviour = behaviour
        self._rng = random.Random(f"{seed}:{instrument.symbol}")
        self._tape: Iterator[tuple[Decimal, Decimal, Side]] | None = None
        self.price = behaviour.start_price

    @property
    def symbol(self) -> str:
        return self._instrument.symbol

    def open_accounts(self, now: int) -> None:
        for account in (MAKER, FLOW):
            known = account in self._exchange.ledger.accounts
            self._exchange.open_account(account, quiet=True)
            for asset in {self._instrument.quote, self._instrument.base} if self._instrument.is_spot else set():
                self._exchange.deposit(account, asset, PURSE, now)
            if not known and not self._instrument.is_spot:
                self._exchange.deposit(account, self._instrument.settle, PURSE, now)

    def replay(self, path: Path) -> None:
        """Follow a file of trades (`price,quantity,side` with a header) instead of wandering, over and over.

        Trades are fitted to the instrument: prices to its tick, quantities to what it takes in one order.
        """
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        trades = []
        for number, row in enumerate(rows, start=1):
            try:
                trade = Decimal(row["price"]), Decimal(row["quantity"]), Side(row["side"].upper())
            except (KeyError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
                wanted = "needs the columns price,quantity,side (BUY or SELL)"
                raise ValueError(f"{path}, row {number}: {wanted}: {error!r}") from error
            try:
                trades.append(self._fitted(*trade))
            except ValueError as error:
                raise ValueError(f"{path}, row {number}: {error}") from error
        if not trades:
            raise ValueError(f"{path}: holds no trades")
        self._tape = _forever(trades)

    def _fitted(self, price: Decimal, quantity: Decimal, side: Side) -> tuple[Decimal, Decimal, Side]:
        """Return a trade as the instrument takes it. Raises ValueError for one that it cannot quote around."""
        instrument, behaviour = self._instrument, self._behaviour
        room = (behaviour.levels + 1) * behaviour.spacing
        lowest = room + max(behaviour.spacing, instrument.min_notional / (behaviour.lot * instrument.multiplier))
        highest = instrument.max_price - room
        if not (price.is_finite() and lowest <= price <= highest):
            raise ValueError(f"price {price}: write one between {lowest} and {highest} for {instrument.symbol}")
        if not quantity.is_finite() or quantity <= 0:
            raise ValueError(f"quantity {quantity}: write one above zero")
        fitted = _to_multiple(price, instrument.tick, ROUND_HALF_EVEN)
        least = max(instrument.min_quantity, instrument.min_notional / ((fitted - room) * instrument.multiplier))
        within = min(max(quantity, least), instrument.max_quantity)
        return fitted, _to_multiple(within, instrument.step, ROUND_CEILING), side

    def set_price(self, price: Decimal, now: int) -> None:
        """Jump to a price and quote around it: what lies between is traded through."""
        self.price = price
        self.quote(now)

    def step(self, now: int) -> None:
        if self._tape is not None:
            self.price, quantity, side = next(self._tape)
            self.quote(now)
            self.take(side, quantity, now)
            return
        move = self._rng.randint(-self._behaviour.walk, self._behaviour.walk)
        floor = self._behaviour.spacing * (self._behaviour.levels + 2)
        self.price = max(floor, self.price + move * self._behaviour.spacing)
        self.quote(now)
        if self._rng.random() < self._behaviour.taker_chance:
            side = Side.BUY if self._rng.random() < 0.5 else Side.SELL
            self.take(side, self._behaviour.lot * self._rng.randint(1, 3), now)

    def quote(self, now: int) -> None:
        exchange, behaviour = self._exchange, self._behaviour
        self.withdraw(now)
        for level in range(1, behaviour.levels + 1):
            size = behaviour.lot * self._rng.randint(1, 10)
            for side in (Side.BUY, Side.SELL):
                price = self.price - side.sign * level * behaviour.spacing
                self._place(OrderRequest(MAKER, self.symbol, side, OrderKind.LIMIT, size, price), now)
        exchange.set_mark(self.symbol, self.price, now)

    def withdraw(self, now: int) -> None:
        """Take all quotes out of the book."""
        for order in self._exchange.open_orders(MAKER, self.symbol):
            self._exchange.cancel(MAKER, order.id, now)

    def take(self, side: Side, quantity: Decimal, now: int) -> None:
        """Trade against whatever lies in the book, up to the maker's outermost quote."""
        limit = self.price + side.sign * (self._behaviour.levels + 1) * self._behaviour.spacing
        request = OrderRequest(
            FLOW, self.symbol, side, OrderKind.LIMIT, quantity, limit,
            time_in_force=TimeInForce.IOC, self_trade=SelfTrade.ALLOWED,
        )  # fmt: skip
        self._place(request, now)

    def _place(self, request: OrderRequest, now: int) -> None:
        try:
            self._exchange.place(request, now)
        except RefusalError as refusal:
            raise ValueError(f"the background market of {self.symbol} cannot trade: {refusal}") from refusal


def _to_multiple(value: Decimal, unit: Decimal, rounding: str) -> Decimal:
    return (value / unit).to_integral_value(rounding) * unit


def _forever[T](items: list[T]) -> Iterator[T]:
    while True:
        yield from items
