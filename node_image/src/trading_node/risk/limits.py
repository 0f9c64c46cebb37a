"""Limits as the checks use them: numbers instead of texts, found by one look-up, replaced as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from trading_api.risk import InstrumentRisk, RiskLimits, SelfCrossing, StrategyRisk, VenueRisk
from trading_node.assets import plain_code

NANOSECONDS_PER_SECOND = 1_000_000_000
NANOSECONDS_PER_MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class ScopeLimits:
    """Limits of the node, a strategy or a venue."""

    scope: str = ""
    """Name for a denial; empty: the node."""
    per_second: int | None = None
    per_minute: int | None = None
    gross: Decimal | None = None
    net: Decimal | None = None
    daily_loss: Decimal | None = None

    @property
    def limits_rate(self) -> bool:
        """Whether sends are limited."""
        return self.per_second is not None or self.per_minute is not None


@dataclass(frozen=True, slots=True)
class InstrumentLimits:
    """Limits of one instrument, those of the node filled in."""

    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    position: Decimal | None = None
    position_notional: Decimal | None = None
    price_tolerance: Decimal | None = None


UNLIMITED = ScopeLimits()


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits; immutable, so that a change is one assignment and a decision sees the old or the new ones."""

    currency: str = "USD"
    equal_currencies: frozenset[str] = frozenset()
    node: ScopeLimits = UNLIMITED
    each_instrument: InstrumentLimits = InstrumentLimits()
    strategies: Mapping[str, ScopeLimits] = field(default_factory=dict)
    venues: Mapping[str, ScopeLimits] = field(default_factory=dict)
    instruments: Mapping[str, InstrumentLimits] = field(default_factory=dict)
    max_age_ns: int | None = None
    balance_use: Decimal | None = None
    duplicate_window_ns: int | None = None
    deny_crossing: bool = True

    def instrument(self, instrument_id: str) -> InstrumentLimits:
        """Return the limits of an instrument."""
        return self.instruments.get(instrument_id, self.each_instrument)


def compile_limits(risk: RiskLimits) -> Limits:
    """Return the limits that a document says."""
    each = InstrumentLimits(
        min_notional=_number(risk.min_order_notional),
        max_notional=_number(risk.max_order_notional),
        position_notional=_number(risk.max_position_notional),
        price_tolerance=_number(risk.price_tolerance),
    )
    return Limits(
        currency=plain_code(risk.currency),
        equal_currencies=frozenset(map(plain_code, (risk.currency, *risk.equal_currencies))),
        node=ScopeLimits(
            per_second=risk.max_orders_per_second,
            per_minute=risk.max_orders_per_minute,
            gross=_number(risk.max_gross_notional),
            net=_number(risk.max_net_notional),
            daily_loss=_number(risk.max_daily_loss),
        ),
        each_instrument=each,
        strategies={entry.name: _strategy(entry) for entry in risk.strategies},
        venues={entry.name: _venue(entry) for entry in risk.venues},
        instruments={entry.id: _instrument(entry, each) for entry in risk.instruments},
        max_age_ns=_times(risk.max_reference_age_seconds, NANOSECONDS_PER_SECOND),
        balance_use=_number(risk.max_balance_use),
        duplicate_window_ns=_times(risk.duplicate_window_milliseconds, NANOSECONDS_PER_MILLISECOND),
        deny_crossing=risk.self_crossing is SelfCrossing.DENY,
    )


def _strategy(entry: StrategyRisk) -> ScopeLimits:
    return ScopeLimits(
        scope=entry.name,
        per_second=entry.max_orders_per_second,
        per_minute=entry.max_orders_per_minute,
        gross=_number(entry.max_gross_notional),
        net=_number(entry.max_net_notional),
        daily_loss=_number(entry.max_daily_loss),
    )


def _venue(entry: VenueRisk) -> ScopeLimits:
    return ScopeLimits(
        scope=entry.name,
        per_second=entry.max_orders_per_second,
        per_minute=entry.max_orders_per_minute,
        gross=_number(entry.max_gross_notional),
    )


def _instrument(entry: InstrumentRisk, each: InstrumentLimits) -> InstrumentLimits:
    return InstrumentLimits(
        min_quantity=_number(entry.min_order_quantity),
        max_quantity=_number(entry.max_order_quantity),
        min_notional=each.min_notional,
        max_notional=_either(entry.max_order_notional, each.max_notional),
        position=_number(entry.max_position),
        position_notional=_either(entry.max_position_notional, each.position_notional),
        price_tolerance=_either(entry.price_tolerance, each.price_tolerance),
    )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _either(text: str | None, otherwise: Decimal | None) -> Decimal | None:
    return otherwise if text is None else Decimal(text)


def _times(count: int | None, unit: int) -> int | None:
    return None if count is None else count * unit
