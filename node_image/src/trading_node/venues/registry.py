"""From a venue of the run-config to its clients, by the name of its adapter."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nautilus_trader.config import LiveDataClientConfig
from nautilus_trader.portfolio.base import PortfolioFacade

from trading_api.adapters import Adapter
from trading_api.node_config import TradingNodeSection
from trading_api.trading_rules import Mode
from trading_api.venues import NodeVenue
from trading_node.catalog.reader import OpenCatalog
from trading_node.credentials import read_credentials
from trading_node.errors import config_refused
from trading_node.redaction import hide
from trading_node.venues.adapter import Client
from trading_node.venues.clients import VenueClients
from trading_node.venues.paper import KeptAccount, paper_config, paper_factory
from trading_node.venues.paper_memory import instruments_of
from trading_node.venues.paper_state import PaperFile, PaperState
from trading_node.venues.replay import replay_factory, venue_instruments
from trading_node.venues.replay_feed import ReplayFeed

MODULES: Mapping[Adapter, str] = {
    Adapter.BINANCE: "trading_node.venues.binance",
    Adapter.BYBIT: "trading_node.venues.bybit",
    Adapter.OKX: "trading_node.venues.okx",
    Adapter.DERIBIT: "trading_node.venues.deribit",
    Adapter.KRAKEN: "trading_node.venues.kraken",
    Adapter.HYPERLIQUID: "trading_node.venues.hyperliquid",
    Adapter.INTERACTIVE_BROKERS: "trading_node.venues.interactive_brokers",
}
"""Module of each real venue with the functions data_client and execution_client, imported when a node needs it."""

OKX_TAGS_LENGTH = 11
"""What 32 characters leave beside the letter O, date and time (14) and a number of the order (6)."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What venues are built from."""

    mode: Mode
    catalogs: Mapping[str, OpenCatalog]
    """Opened catalogs by name."""
    feed: ReplayFeed
    portfolio: Callable[[], PortfolioFacade]
    folder: Path
    """Where relative paths count from."""
    variables: Mapping[str, str]
    """The process' environment."""
    state_directory: str | None = None
    """Where paper accounts outlive the process, if they do."""
    run: str = ""
    """Name of this run."""
    kept: list[KeptAccount] = field(default_factory=list)
    """The paper accounts that outlive the process; filled while venues are built."""


def replays(venues: Sequence[NodeVenue]) -> bool:
    """Return whether the market data is replayed. Raises NodeError if some of it is and some is live.

    All of a node's data is on one clock: the catalog's, or this machine's.
    """
    replayed = [venue.name for venue in venues if venue.adapter is Adapter.REPLAY]
    live = [venue.name for venue in venues if venue.adapter is not Adapter.REPLAY]
    if replayed and live:
        raise config_refused(
            f"The venues {', '.join(replayed)} replay the past, {', '.join(live)} are live",
            "A node has one clock: write Replay as the adapter of all venues, or of none",
        )
    return bool(replayed)


def replay_speed(venues: Sequence[NodeVenue]) -> int | None:
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


def plain_order_ids(section: TradingNodeSection) -> bool:
    """Return whether client order ids must be of letters and digits alone, which OKX demands.

    Raises NodeError if they would be longer than OKX takes, or could not be plain.
    """
    if all(venue.adapter is not Adapter.OKX for venue in section.venues):
        return False
    tag = section.trader_id.rpartition("-")[2]
    longest = max(len(strategy.resolved_order_id_tag) for strategy in section.strategies)
    if not tag.isalnum() or len(tag) + longest > OKX_TAGS_LENGTH:
        raise config_refused(
            f"Client order ids with the tag {tag!r} of trader_id and order id tags of {longest} characters are not "
            "what OKX takes: at most 32 letters and digits",
            f"Let trader_id end with '-' and a short tag of letters and digits, such as DESK-A-001: that tag and an "
            f"order_id_tag may have {OKX_TAGS_LENGTH} characters together",
        )
    return True


def build_venue(venue: NodeVenue, parts: Parts) -> VenueClients:
    """Return the clients of a venue. Raises NodeError for what its config, its catalog or its keys lack."""
    data = _replay(venue, parts) if venue.adapter is Adapter.REPLAY else _real(venue, parts, "data_client")
    execution = _real(venue, parts, "execution_client") if parts.mode is Mode.LIVE else _paper(venue, parts)
    return VenueClients(
        name=venue.name,
        data_config=data.config,
        data_factory=data.factory,
        execution_config=execution.config,
        execution_factory=execution.factory,
    )


def _real(venue: NodeVenue, parts: Parts, kind: str) -> Client:
    return real_client(venue, parts.folder, parts.variables, kind)


def real_client(venue: NodeVenue, folder: Path, variables: Mapping[str, str], kind: str) -> Client:
    """Return one client of a real venue, ``data_client`` or ``execution_client``; raises NodeError.

    The venue's keys appear in nothing that the process writes from now on.
    """
    keys = read_credentials(venue, folder, variables)
    hide(keys.hidden())
    adapter: Any = importlib.import_module(MODULES[venue.adapter])
    client: Client = getattr(adapter, kind)(venue, keys)
    return client


def _replay(venue: NodeVenue, parts: Parts) -> Client:
    if venue.replay is None:
        raise config_refused(f"The venue {venue.name} has no replay", "Write replay with the name of a catalog")
    catalog = parts.catalogs[venue.replay.catalog]
    venue_instruments(catalog, venue.name)
    return Client(config=LiveDataClientConfig(), factory=replay_factory(catalog, parts.feed))


def _paper(venue: NodeVenue, parts: Parts) -> Client:
    account = venue.paper
    if account is None:
        raise config_refused(f"The venue {venue.name} has no paper", "Write paper with starting_balances")
    kept = None
    # A replay begins anew each time, and so does its account.
    if parts.state_directory is not None and venue.adapter is not Adapter.REPLAY:
        file = PaperFile(parts.folder / parts.state_directory, venue.name)
        former = file.path.exists()
        state = file.open_account(account, parts.run)
        _require_instruments(venue, state, file)
        kept = KeptAccount(venue=venue.name, file=file, state=state, former=former)
        parts.kept.append(kept)
    return Client(config=paper_config(venue.name, account, kept), factory=paper_factory(parts.portfolio, kept))


def _require_instruments(venue: NodeVenue, state: PaperState, file: PaperFile) -> None:
    """Refuse to leave out an instrument that the account holds: it could not go on."""
    left_out = sorted({str(name) for name in instruments_of(state)} - set(venue.instruments or ()))
    if venue.instruments and left_out:
        raise config_refused(
            f"The paper account of {venue.name} holds positions or orders in {', '.join(left_out)}, which instruments "
            "does not name",
            f"Name them there, or move {file.path} away to begin with the starting balances",
            reason="VenueRefused",
        )
