"""Limits as they apply to one holding: looked up once, so that an order is held only against those that there are."""

from collections.abc import Callable
from dataclasses import dataclass

from trading_node.risk.book import GateBook
from trading_node.risk.decision import Deny
from trading_node.risk.holdings import Holding
from trading_node.risk.limits import InstrumentLimits, Limits, ScopeLimits
from trading_node.risk.orders import OrderIntent
from trading_node.risk.rates import SendTimes
from trading_node.risk.totals import Totals

type Check = Callable[[OrderIntent, Holding, "Plan", GateBook, int], Deny | None]
"""Refuses an order for a holding at a time, or finds nothing against it; reads and changes nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What orders for one holding are held against."""

    limits: Limits
    """What this was made from; another object means that this is out of date."""
    own: InstrumentLimits
    rates: tuple[tuple[ScopeLimits, SendTimes], ...]
    exposures: tuple[tuple[ScopeLimits, Totals], ...]
    losses: tuple[tuple[ScopeLimits, Totals], ...]
    valued: bool
    """Whether a check of growing orders asks what something is worth."""
    reducing: tuple[Check, ...]
    """Checks of orders that only reduce; of cleanup none is made."""
    growing: tuple[Check, ...]
    """Checks of all others."""
