"""Losses of one day, as a start hands them to the next."""

from decimal import Decimal

import msgspec


class DayLosses(msgspec.Struct, frozen=True):
    """What was lost on one day, in the currency of the limits; negative: gained."""

    day: int
    """Days since 1970, UTC."""
    currencies: tuple[str, ...]
    """The currencies that count the same, sorted: losses in others say nothing."""
    node: Decimal
    strategies: dict[str, Decimal]
    venues: dict[str, Decimal]
