"""What the adapters' modules share: from a venue of the run-config to what Nautilus' client configs want."""

import functools
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.model.identifiers import InstrumentId

from trading_api.adapters import Environment
from trading_api.venues import NodeVenue
from trading_node.errors import NodeError, config_refused


@dataclass(frozen=True, kw_only=True)
class Client:
    """Config and factory of one client."""

    config: Any
    factory: type


def instruments_to_load(venue: NodeVenue) -> dict[str, Any]:
    """Return fields of an InstrumentProviderConfig: the venue's instruments, all of them if it names none."""
    if not venue.instruments:
        return {"load_all": True}
    ids = set()
    for name in venue.instruments:
        try:
            ids.add(InstrumentId.from_str(name))
        except ValueError as error:
            raise config_refused(
                f"The venue {venue.name} names an instrument that cannot be one: {error}",
                "Write symbol and venue joined by '.', such as BTCUSDT-PERP.BINANCE",
            ) from error
    return {"load_ids": frozenset(ids)}


def instrument_provider(venue: NodeVenue) -> InstrumentProviderConfig:
    """Return which instruments are loaded at the start."""
    return InstrumentProviderConfig(**instruments_to_load(venue))


def environment_of(venue: NodeVenue) -> Environment:
    """Return the system of a real venue."""
    if venue.environment is None:
        raise not_supported(venue, "names no environment", "Write environment: Live, Testnet or Demo")
    return venue.environment


def not_supported(venue: NodeVenue, what: str, remedy: str) -> NodeError:
    """Return the error for something that an adapter cannot do."""
    return config_refused(f"The venue {venue.name} ({venue.adapter.value}) {what}", remedy, reason="VenueRefused")


def forget_clients(factories: ModuleType) -> None:
    """Drop the clients that an adapter's factories keep by their settings.

    What a former node of this process has stopped would otherwise be handed to the next one, which never connects.
    """
    for member in vars(factories).values():
        if isinstance(member, functools._lru_cache_wrapper):  # noqa: SLF001  # the type has no public name
            member.cache_clear()
