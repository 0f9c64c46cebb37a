"""Orders and instruments as risk sees them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, cast

type HoldingKey = tuple[str, str, str]
"""Strategy, instrument and, where the venue keeps several positions in one instrument, position id."""

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What an instrument's quantities and prices mean in money."""

    instrument_id: str
    venue: str
    currency: str
    """Currency of ``quantity * multiplier * price``, or of ``quantity * multiplier`` for an inverse contract."""
    settlement: str
    """Currency that profit is paid in."""
    multiplier: Decimal = ONE
    inverse: bool = False
    """Quantities are money and profit is paid in the underlying, as with BTC futures that are counted in dollars."""
    account: str = ""
    """The account that pays."""
    base: str = ""
    """Currency that the price is the price of; empty where that is none."""
    margin: Decimal = ONE
    """Share of an order's worth that the account must have free; ONE on a cash account."""
    cash: bool = False
    """The account lends nothing: buys are paid for, sales are delivered."""
    hedged: bool = False
    """The venue keeps several positions in the instrument and nets none."""
    reduce_only_buys: bool = True
    """The venue fills a buy that is marked reduce-only no further than to zero."""
    reduce_only_sells: bool = True
    """The same for a sell."""
    spot: bool = False
    """Coins or currency change hands: what is sold is what the account has, be it of the position or not."""
    lends: bool = False
    """The account is set up to borrow on spot, where an order says so."""
    account_base: str = ""
    """What the account calls ``base``, the coins that a sale delivers; as they are called here if empty."""
    account_settlement: str = ""
    """The same for ``settlement``."""
    plain: bool = field(init=False)
    """A quantity is worth itself times the price: no multiplier, not inverse."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", self.multiplier == ONE and not self.inverse)
        object.__setattr__(self, "account_base", self.account_base or self.base)
        object.__setattr__(self, "account_settlement", self.account_settlement or self.settlement)

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Return what a quantity is worth at a price, in ``currency``."""
        worth = quantity * self.multiplier
        return worth if self.inverse else worth * price

    def settle(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Return what buying a signed quantity at a price does to the cash, in ``settlement``."""
        worth = quantity * self.multiplier
        return worth / price if self.inverse else -worth * price


class OrderIntent(NamedTuple):
    """An order as it would be sent; a tuple, because one is made for every order."""

    order_id: str
    strategy: str
    contract: Contract
    buy: bool
    quantity: Decimal
    """What is still to be filled: coins, shares or contracts, greater than zero."""
    kind: str
    """Type of the order, such as LIMIT."""
    price: Decimal | None = None
    """Worst price at which it may fill; None: any."""
    trigger: Decimal | None = None
    """Price at which it becomes active, where it has one."""
    active: bool = True
    """It may trade at once; otherwise it waits at the venue for its trigger."""
    reduce_only: bool = False
    """The venue fills no more of it than there is to reduce."""
    position_id: str = ""
    """Where the venue keeps several positions in one instrument: the one it is sent for; empty: a new one."""
    cleanup: bool = False
    """Sent by the node itself to end its exposure, and marked so that nobody else can send it."""

    @property
    def key(self) -> HoldingKey:
        """Whose position it changes."""
        contract = self.contract
        return (self.strategy, contract.instrument_id, self.position_id if contract.hedged else "")


make_intent = cast("Callable[[Iterable[Any]], OrderIntent]", partial(tuple.__new__, OrderIntent))
"""Makes an order from all its fields in order: in a fraction of the time, because one is made for every order."""
