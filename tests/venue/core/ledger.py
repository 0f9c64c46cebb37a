"""Who owns what: balances with locks, positions, fees, and the proof that nothing appears or vanishes.

Two laws hold after every operation, exactly (see `Ledger.imbalance`):

- for each asset: all balances + all fees - the entry cost of all positions settled in it = deposits - withdrawals;
- for each instrument: the positions of all accounts sum to zero.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from tests.venue.core.model import MONEY_STEP, ZERO, Instrument, Side


def to_money(value: Decimal) -> Decimal:
    """Round to what the ledger keeps: eight decimals."""
    return value.quantize(MONEY_STEP, rounding=ROUND_HALF_EVEN)


@dataclass(slots=True)
class Position:
    """A signed quantity and what it cost: `cost` is the signed entry notional, so unrealised = value - cost."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    updated_ns: int = 0

    def entry_price(self, multiplier: Decimal) -> Decimal:
        return self.cost / (self.quantity * multiplier) if self.quantity else ZERO

    def unrealized(self, mark: Decimal, multiplier: Decimal) -> Decimal:
        return self.quantity * multiplier * mark - self.cost

    def apply(self, side: Side, quantity: Decimal, unit_value: Decimal) -> Decimal:
        """Add a fill of contracts worth `unit_value` each and return the profit that it realised."""
        held = abs(self.quantity)
        opening = quantity
        realized = ZERO
        if self.quantity * side.sign < 0:
            closing = min(quantity, held)
            # What rounding takes from the removed cost stays in the rest of the position: the sum is exact.
            removed = self.cost if closing == held else to_money(self.cost * closing / held)
            realized = -side.sign * closing * unit_value - removed
            self.quantity += side.sign * closing
            self.cost -= removed
            self.realized += realized
            opening -= closing
        self.quantity += side.sign * opening
        self.cost += side.sign * opening * unit_value
        return realized


@dataclass(slots=True)
class AccountLedger:
    """One account's money. `free` may be used; `locked` belongs to open spot orders."""

    free: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    locked: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    positions: dict[str, Position] = field(default_factory=lambda: defaultdict(Position))
    leverage: dict[str, int] = field(default_factory=dict)
    updated_ns: int = 0

    def total(self, asset: str) -> Decimal:
        return self.free.get(asset, ZERO) + self.locked.get(asset, ZERO)

    def assets(self) -> list[str]:
        return sorted(set(self.free) | set(self.locked))

    def position(self, symbol: str) -> Position:
        """Return the position, flat when there never was one; asking leaves no trace."""
        return self.positions[symbol] if symbol in self.positions else Position()

    def leverage_of(self, instrument: Instrument) -> int:
        return self.leverage.get(instrument.symbol, instrument.default_leverage)


class Ledger:
    """All accounts of one exchange, with its own purse for fees."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountLedger] = {}
        self.fees: dict[str, Decimal] = defaultdict(Decimal)
        self.deposits: dict[str, Decimal] = defaultdict(Decimal)

    def open(self, account: str) -> AccountLedger:
        return self.accounts.setdefault(account, AccountLedger())

    def deposit(self, account: str, asset: str, amount: Decimal) -> None:
        """Bring money in; a negative amount takes it out."""
        book = self.accounts[account]
        if book.free[asset] + amount < 0:
            raise ValueError(f"account {account} holds {book.free[asset]} {asset} free, cannot withdraw {-amount}")
        book.free[asset] += amount
        self.deposits[asset] += amount

    def lock(self, account: str, asset: str, amount: Decimal) -> None:
        book = self.accounts[account]
        if amount > book.free[asset]:
            raise ValueError(f"account {account} holds {book.free[asset]} {asset} free, cannot lock {amount}")
        book.free[asset] -= amount
        book.locked[asset] += amount

    def unlock(self, account: str, asset: str, amount: Decimal) -> None:
        book = self.accounts[account]
        if amount > book.locked[asset]:
            raise ValueError(f"account {account} has {book.locked[asset]} {asset} locked, cannot unlock {amount}")
        book.locked[asset] -= amount
        book.free[asset] += amount

    def fill_spot(
        self, account: str, instrument: Instrument, side: Side, *, quantity: Decimal, price: Decimal, rate: Decimal
    ) -> tuple[Decimal, str]:
        """Swap base for quote out of the free balance; the fee comes out of what was received."""
        book = self.accounts[account]
        quote = quantity * price
        if side is Side.BUY:
            paid, received = (instrument.quote, quote), (instrument.base, quantity)
        else:
            paid, received = (instrument.base, quantity), (instrument.quote, quote)
        fee = to_money(received[1] * rate)
        book.free[paid[0]] -= paid[1]
        book.free[received[0]] += received[1] - fee
        self.fees[received[0]] += fee
        return fee, received[0]

    def fill_perpetual(
        self, account: str, instrument: Instrument, side: Side, *, quantity: Decimal, price: Decimal, rate: Decimal
    ) -> tuple[Decimal, str, Decimal]:
        """Move the position, pay profit or loss and the fee in the settlement asset; returns fee, asset, profit."""
        book = self.accounts[account]
        realized = book.positions[instrument.symbol].apply(side, quantity, instrument.multiplier * price)
        fee = to_money(instrument.notional(quantity, price) * rate)
        book.free[instrument.settle] += realized - fee
        self.fees[instrument.settle] += fee
        return fee, instrument.settle, realized

    def imbalance(self, instruments: dict[str, Instrument]) -> dict[str, Decimal]:
        """Return what breaks the laws, by asset or symbol; empty when the books are sound."""
        totals: dict[str, Decimal] = defaultdict(Decimal)
        sizes: dict[str, Decimal] = defaultdict(Decimal)
        for book in self.accounts.values():
            for asset in book.assets():
                totals[asset] += book.total(asset)
            for symbol, position in book.positions.items():
                totals[instruments[symbol].settle] -= position.cost
                sizes[symbol] += position.quantity
        for asset, fee in self.fees.items():
            totals[asset] += fee
        for asset, amount in self.deposits.items():
            totals[asset] -= amount
        return {name: value for name, value in (totals | sizes).items() if value != 0}
