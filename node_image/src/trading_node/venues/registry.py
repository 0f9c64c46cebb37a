"""From a venue of the run-config to its clients, by the name of its adapter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nautilus_trader.config import LiveDataClientConfig
from nautilus_trader.portfolio.base import PortfolioFacade

from trading_api.deployment import Adapter, Venue
from trading_node.catalog.reader import OpenCatalog
from trading_node.errors import config_refused
from trading_node.venues.clients import VenueClients
from trading_node.venues.paper import paper_config, paper_factory
from trading_node.venues.replay import replay_factory, venue_instruments
from trading_node.venues.replay_feed import ReplayFeed


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What venues are built from."""

    catalogs: Mapping[str, OpenCatalog]
    """Opened catalogs by name."""
    feed: ReplayFeed
    portfolio: Callable[[], PortfolioFacade]


def replay_speed(venues: Sequence[Venue]) -> int | None:
    """Return the one speed of all replays, None for Maximum. Raises NodeError if they differ.

    All venues share one clock: what happened first at one of them is seen first.
    """
    speeds = {venue.replay.speed for venue in venues if venue.replay is not None}
    if len(speeds) > 1:
        raise config_refused(
            f"The venues replay at different speeds: {', '.join(sorted(map(str, speeds)))}",
            "All replays of a node share one clock: write the same speed for each venue",
        )
    speed = speeds.pop() if speeds else 1
    return None if isinstance(speed, str) else speed


def build_venue(venue: Venue, parts: Parts) -> VenueClients:
    """Return the clients of a venue. Raises NodeError for what its config or its catalog lacks."""
    return ADAPTERS[venue.adapter](venue, parts)


def _replay(venue: Venue, parts: Parts) -> VenueClients:
    if venue.replay is None or venue.paper is None:
        raise config_refused(
            f"The venue {venue.name} has no {'replay' if venue.replay is None else 'paper'}",
            "The adapter Replay needs both replay and paper",
        )
    catalog = parts.catalogs[venue.replay.catalog]
    venue_instruments(catalog, venue.name)
    return VenueClients(
        name=venue.name,
        data_config=LiveDataClientConfig(),
        data_factory=replay_factory(catalog, parts.feed),
        execution_config=paper_config(venue.name, venue.paper),
        execution_factory=paper_factory(parts.portfolio),
    )


ADAPTERS: dict[Adapter, Callable[[Venue, Parts], VenueClients]] = {Adapter.REPLAY: _replay}
