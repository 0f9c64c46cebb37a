"""What metrics tell about venues and market data at one moment: plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One client of a venue."""

    venue: str
    kind: str
    """data or execution."""
    connected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAge:
    """The newest market data of an instrument that is subscribed to."""

    venue: str
    instrument: str
    seconds: float | None
    """Age by the clock of the market data; None where nothing has come yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketWatch:
    """Connections, and the age of what is subscribed to."""

    connections: tuple[Connection, ...] = ()
    ages: tuple[DataAge, ...] = ()
