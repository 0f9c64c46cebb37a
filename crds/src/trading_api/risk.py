"""The limits that every order is held against before it leaves the node.

Amounts of money are in one currency, ``currency``; amounts in others are converted at the market's price. Quantities
are in the instrument's own unit: coins, shares or contracts. Both are texts, so that no digit is lost.

A strictly reducing order makes a position smaller and cannot turn it, also if every other pending order fills;
reduce-only orders, where the venue keeps them so, need not share the position between them. It is exempt from the
limits on size, position, exposure, age of prices, balance and loss, never from those on rates, duplicates, crossing and
price.
"""

import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field

from trading_api.base import ApiModel
from trading_api.fields import InstrumentName, Matches, Name, VenueName, keyed_by
from trading_api.rules import Rule, RuleOfEach

Amount = Annotated[
    str,
    Field(min_length=1, max_length=40),
    Matches(r"[0-9]{1,18}(\.[0-9]{1,16})?", "write a number in quotes, without a sign or exponent, such as '50000'"),
]
Share = Annotated[
    str,
    Field(min_length=1, max_length=12),
    Matches(r"(0(\.[0-9]{1,8})?|1(\.0{1,8})?)", "write a share from 0 to 1 in quotes, such as '0.02' for 2 %"),
]
CurrencyCode = Annotated[
    str,
    Field(min_length=2, max_length=16),
    Matches(r"[A-Z0-9]{2,16}", "write a currency's code in capital letters and digits, such as USDT"),
]
PerSecond = Annotated[int, Field(ge=1, le=10_000)]
PerMinute = Annotated[int, Field(ge=1, le=100_000)]


class SelfCrossing(StrEnum):
    """What becomes of an order that would trade with a resting order of our own."""

    DENY = "Deny"
    ALLOW = "Allow"


def _in_order(smaller: str, larger: str) -> Rule:
    """Make the rule that one amount is not above another where both are written."""
    low, high = (f"self.{_camel(field)}" for field in (smaller, larger))

    def holds(model: ApiModel) -> bool:
        least, most = getattr(model, smaller), getattr(model, larger)
        return least is None or most is None or Decimal(least) <= Decimal(most)

    return Rule(
        at=smaller,
        cel=f"!has({low}) || !has({high}) || double({low}) <= double({high})",
        holds=holds,
        says=f"no order could pass both: write at most what {{{larger}}} says",
    )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _twice(items: str, field: str) -> RuleOfEach:
    """Make the rule that no scope is limited twice."""

    def offenders(model: ApiModel) -> list[str]:
        names = [getattr(item, field) for item in getattr(model, items)]
        return [name for name in names if names.count(name) > 1]

    return RuleOfEach(
        at=items,
        cel=None,  # the API server keeps such lists by this field, as maps
        offenders=offenders,
        says="write all limits of one in one entry",
    )


class StrategyRisk(ApiModel):
    """Limits of one strategy, beside those of the node."""

    name: Name
    """Name of the strategy in ``strategies``."""
    max_orders_per_second: PerSecond | None = None
    """Most submits, modifies and cancels within any second."""
    max_orders_per_minute: PerMinute | None = None
    """Most submits, modifies and cancels within any minute."""
    max_gross_notional: Amount | None = None
    """Most that its positions and pending orders may be worth together, long and short added."""
    max_net_notional: Amount | None = None
    """Most that its positions and pending orders may be worth together, long less short, on either side."""
    max_daily_loss: Amount | None = None
    """Loss since midnight UTC, open positions and commissions included, funding not, at which it may only reduce; also
    while the loss is not known, for want of a price or of a conversion into ``currency``."""


class VenueRisk(ApiModel):
    """Limits of one venue, beside those of the node."""

    name: VenueName
    """Name of the venue in ``venues``."""
    max_orders_per_second: PerSecond | None = None
    """Most submits, modifies and cancels within any second; stay below what the venue itself allows."""
    max_orders_per_minute: PerMinute | None = None
    """Most submits, modifies and cancels within any minute; stay below what the venue itself allows."""
    max_gross_notional: Amount | None = None
    """Most that the positions and pending orders there may be worth together, long and short added."""


class InstrumentRisk(ApiModel):
    """Limits of one instrument, beside or instead of those of the node."""

    id: InstrumentName
    """The instrument's id, such as BTCUSDT-PERP.BINANCE."""
    min_order_quantity: Amount | None = None
    """Least quantity of an order."""
    max_order_quantity: Amount | None = None
    """Most quantity of an order."""
    max_order_notional: Amount | None = None
    """Most that an order may be worth; instead of the node's."""
    max_position: Amount | None = None
    """Most quantity of the position on either side, if every pending order on that side fills."""
    max_position_notional: Amount | None = None
    """Most that the position may be worth on either side, pending orders counted; instead of the node's."""
    price_tolerance: Share | None = None
    """Share by which a price may be worse than the market; instead of the node's."""

    rules = (_in_order("min_order_quantity", "max_order_quantity"),)


class RiskLimits(ApiModel):
    """Limits of the whole node; what is absent is not limited."""

    currency: CurrencyCode = "USD"
    """The currency that amounts are in."""
    equal_currencies: Annotated[tuple[CurrencyCode, ...], Field(max_length=16)] = ("USDT", "USDC")
    """Currencies that are counted as worth the same as ``currency``."""
    max_orders_per_second: PerSecond | None = None
    """Most submits, modifies and cancels within any second. Cancels count and are never held back."""
    max_orders_per_minute: PerMinute | None = None
    """Most submits, modifies and cancels within any minute. Cancels count and are never held back."""
    min_order_notional: Amount | None = None
    """Least that an order may be worth."""
    max_order_notional: Amount | None = None
    """Most that an order may be worth."""
    max_position_notional: Amount | None = None
    """Most that the position in any one instrument may be worth on either side, pending orders counted."""
    max_gross_notional: Amount | None = None
    """Most that all positions and pending orders may be worth together, long and short added."""
    max_net_notional: Amount | None = None
    """Most that all positions and pending orders may be worth together, long less short, on either side."""
    price_tolerance: Share | None = None
    """Share by which a price may be worse than the market: a buy above the ask, a sell below the bid; that of an order
    which waits for a trigger, worse than the trigger. The market's price must not be older than
    ``max_reference_age_seconds``, or than 60 seconds where that is absent."""
    max_reference_age_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Age of an instrument's newest price at which orders in it may only reduce."""
    max_balance_use: Share | None = None
    """Share of the account's free balance that an order may take: price, or margin at the account's leverage. Free is
    what the venue says, and no more than what positions and pending orders leave of the whole balance."""
    max_daily_loss: Amount | None = None
    """Loss since midnight UTC, open positions and commissions included, funding not, at which the node may only reduce;
    also while the loss is not known, for want of a price or of a conversion into ``currency``."""
    duplicate_window_milliseconds: Annotated[int, Field(ge=1, le=60_000)] | None = None
    """Time within which a strategy may not send the same order (instrument, side, type, quantity, price) again."""
    self_crossing: SelfCrossing = SelfCrossing.DENY
    """Deny refuses an order that would trade with a resting order of this node; Allow leaves it to the venue."""
    strategies: Annotated[tuple[StrategyRisk, ...], Field(max_length=16, json_schema_extra=keyed_by("name"))] = ()
    """Limits of single strategies."""
    venues: Annotated[tuple[VenueRisk, ...], Field(max_length=16, json_schema_extra=keyed_by("name"))] = ()
    """Limits of single venues."""
    instruments: Annotated[tuple[InstrumentRisk, ...], Field(max_length=64, json_schema_extra=keyed_by("id"))] = ()
    """Limits of single instruments."""

    rules = (
        _in_order("min_order_notional", "max_order_notional"),
        _twice("strategies", "name"),
        _twice("venues", "name"),
        _twice("instruments", "id"),
    )


def dump_limits(risk: RiskLimits) -> str:
    """Return the canonical text of a limits file: the same limits give the same bytes."""
    document = risk.model_dump(mode="json", by_alias=False, exclude_none=True)
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def limits_hash(text: str) -> str:
    """Return the name of what a limits file holds: the first ten digits of the SHA-256 of its bytes."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


class Named(Protocol):
    """A strategy."""

    @property
    def name(self) -> str:
        """The name that limits use."""


class Listing(Named, Protocol):
    """A venue."""

    def may_list(self, instrument_id: str) -> bool:
        """Tell whether an instrument can be one of this venue's."""


class Trading(Protocol):
    """What is traded with whom: a spec, or a section of the run-config."""

    @property
    def strategies(self) -> Sequence[Named]:
        """The strategies."""

    @property
    def venues(self) -> Sequence[Listing]:
        """The venues."""


LIMITS_OF_NOTHING = (
    "it has limits and is none of {strategies} or {venues}, so nothing would be limited: correct the name, or remove"
    " the entry"
)


def limits_of_nothing(risk: RiskLimits, trading: Trading) -> list[str]:
    """Return the names in limits that name no strategy or venue: they would silently limit nothing."""
    known_strategies = {strategy.name for strategy in trading.strategies}
    known_venues = {venue.name for venue in trading.venues}
    return [
        *(entry.name for entry in risk.strategies if entry.name not in known_strategies),
        *(entry.name for entry in risk.venues if entry.name not in known_venues),
        *(entry.id for entry in risk.instruments if not any(venue.may_list(entry.id) for venue in trading.venues)),
    ]
