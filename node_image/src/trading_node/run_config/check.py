"""Everything about a run-config that can be found out without connecting to anything.

The file and its rules come first. Then the strategies are imported and constructed, which runs their modules; venues'
clients are configured, for which their keys are read; catalogs are opened; the books' database is named.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from trading_api.adapters import Adapter
from trading_api.trading_rules import Mode
from trading_node.bookkeeping import check_database_address
from trading_node.catalog.reader import open_catalog
from trading_node.errors import NodeError, crashed
from trading_node.run_config.load import RunConfig
from trading_node.strategies import load_strategy, origin
from trading_node.venues.paper import paper_config
from trading_node.venues.registry import plain_order_ids, real_client, replay_speed, replays

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """What became of one part."""

    part: str
    error: NodeError | None = None

    def __str__(self) -> str:
        """Return a line for a person."""
        return f"ok       {self.part}" if self.error is None else f"refused  {self.part}: {self.error}"


def check_parts(loaded: RunConfig, variables: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what became of each part of a valid run-config."""
    section, folder = loaded.config.trading_node, loaded.folder
    yield _try("one clock for all venues", partial(replays, section.venues))
    yield _try("one speed for all replays", partial(replay_speed, section.venues))
    for venue in section.venues:
        if venue.adapter is not Adapter.REPLAY:
            yield _try(f"market data of {venue.name}", partial(real_client, venue, folder, variables, "data_client"))
        if section.mode is Mode.LIVE:
            yield _try(f"orders of {venue.name}", partial(real_client, venue, folder, variables, "execution_client"))
        elif venue.paper is not None:
            yield _try(f"paper account of {venue.name}", partial(paper_config, venue.name, venue.paper))
    for catalog in section.catalogs:
        yield _try(f"catalog {catalog.name}", partial(open_catalog, folder / catalog.path))
    plain = _try("client order ids", partial(plain_order_ids, section))
    yield plain
    for strategy in section.strategies:
        attempt = partial(load_strategy, strategy, plain_order_ids=plain.error is None)
        yield _try(f"strategy {strategy.name}", attempt)
    if loaded.config.database is not None:
        yield _try("address of the database", partial(check_database_address, loaded.config.database, variables))


def _try(part: str, attempt: Callable[[], object]) -> Finding:
    try:
        attempt()
    except NodeError as error:
        return Finding(part, error)
    except Exception as error:  # noqa: BLE001  # strategies and Nautilus may raise anything
        _log.debug("the check of %s ended by an exception", part, exc_info=True)
        return Finding(part, crashed(f"An exception was raised: {origin(error)}", "Report this"))
    return Finding(part)
