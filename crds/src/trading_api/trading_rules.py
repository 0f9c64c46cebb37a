"""What holds between mode, strategies, venues and catalogs, in a manifest as in a run-config."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

from pydantic.alias_generators import to_camel

from trading_api.adapters import CREDENTIAL_KEYS, FOR_ORDERS, Adapter
from trading_api.order_ids import sharing_a_derived_tag, sharing_a_set_tag
from trading_api.rules import AnyRule, RuleOfEach
from trading_api.venues import Venue


class Mode(StrEnum):
    """What a deployment trades with."""

    LIVE = "Live"
    """The account at the venue."""
    PAPER = "Paper"
    """A simulated account, on market data as configured."""


def _sharing_a_name(items: Sequence[Any]) -> list[str]:
    names = [item.name for item in items]
    return [name for name in names if names.count(name) > 1]


def unique_names(items: str, what: str) -> RuleOfEach:
    """Make the rule that no two items of a list have one name."""
    return RuleOfEach(
        at=items,
        cel=f"self.{items}.map(i, i.name).filter(n, self.{items}.filter(i, i.name == n).size() > 1)",
        offenders=lambda section: _sharing_a_name(getattr(section, items)),
        says=f"give every {what} a name of its own",
    )


def _venues(mode: Mode, cel: str, at_fault: Any, says: str, *, required: bool = False) -> RuleOfEach:  # noqa: ANN401
    """Make a rule about each venue of a mode; ``cel`` is what is wrong with ``v``."""
    return RuleOfEach(
        at="venues",
        required=required,
        cel=f"self.venues.filter(v, self.mode == '{mode}' && ({cel})).map(v, v.name)",
        offenders=lambda section: (v.name for v in section.venues if section.mode is mode and at_fault(v)),
        says=says,
    )


def _at(venue: Venue, dotted: str) -> object:
    block, field = dotted.split(".")
    options = getattr(venue, block)
    return None if options is None else getattr(options, field)


def _only_for_orders() -> RuleOfEach:
    """Make the rule that a Paper deployment sets nothing that only orders at the venue need."""
    some = []
    for adapter, fields in FOR_ORDERS.items():
        for dotted in fields:
            block, field = map(to_camel, dotted.split("."))
            of_adapter = f"v.adapter == '{adapter}' && " if block == "endpoints" else ""
            some.append(f"({of_adapter}has(v.{block}) && has(v.{block}.{field}))")
    names = sorted({dotted.split(".")[1] for fields in FOR_ORDERS.values() for dotted in fields} - {"http"})
    return _venues(
        Mode.PAPER,
        " || ".join(some),
        lambda venue: any(_at(venue, dotted) is not None for dotted in FOR_ORDERS[venue.adapter]),
        f"mode Paper sends no order to the venue: remove {', '.join(f'{{{name}}}' for name in names)}"
        " (and {http} of Bybit)",
    )


def _without_catalog(venues: Iterable[Venue], catalogs: set[str]) -> Iterator[str]:
    return (venue.name for venue in venues if venue.replay is not None and venue.replay.catalog not in catalogs)


_SIGNING = ", ".join(f"'{adapter}'" for adapter, keys in CREDENTIAL_KEYS.items() if keys)

TRADING_RULES: tuple[AnyRule, ...] = (
    unique_names("strategies", "strategy"),
    unique_names("venues", "venue"),
    unique_names("catalogs", "catalog"),
    RuleOfEach(
        at="strategies",
        cel="self.strategies.filter(s, has(s.orderIdTag) && self.strategies.filter(t, has(t.orderIdTag)"
        " && t.orderIdTag == s.orderIdTag).size() > 1).map(s, s.name)",
        offenders=lambda section: sharing_a_set_tag(section.strategies),
        says="their orders could not be told apart: give every strategy an {order_id_tag} of its own",
    ),
    RuleOfEach(
        at="strategies",
        cel=None,
        offenders=lambda section: sharing_a_derived_tag(section.strategies),
        says="the tag derived from the name is another strategy's tag too: set {order_id_tag}, such as EMA1",
    ),
    RuleOfEach(
        at="venues",
        cel="self.venues.filter(v, has(v.replay) && !self.catalogs.exists(c, c.name == v.replay.catalog))"
        ".map(v, v.name)",
        offenders=lambda section: _without_catalog(section.venues, {catalog.name for catalog in section.catalogs}),
        says="{catalog} of {replay} names none of {catalogs}: add the catalog there, or write the name of one",
    ),
    _venues(
        Mode.PAPER,
        "!has(v.paper)",
        lambda venue: venue.paper is None,
        "mode Paper trades on simulated accounts: add {paper} with {starting_balances}, such as 100000 USDT",
        required=True,
    ),
    _venues(
        Mode.PAPER,
        "has(v.account)",
        lambda venue: venue.account is not None,
        "mode Paper trades on the simulated account of {paper}: remove {account}",
    ),
    _only_for_orders(),
    _venues(
        Mode.LIVE,
        "v.adapter == 'Replay'",
        lambda venue: venue.adapter is Adapter.REPLAY,
        "a replay takes no orders: mode Live needs another {adapter}; for a replay write Paper as {mode}",
    ),
    _venues(
        Mode.LIVE,
        "has(v.paper)",
        lambda venue: venue.paper is not None,
        "mode Live trades on the venue's own account: remove {paper}, or write Paper as {mode}",
    ),
    _venues(
        Mode.LIVE,
        "v.adapter != 'Replay' && !has(v.account)",
        lambda venue: venue.adapter is not Adapter.REPLAY and venue.account is None,
        "mode Live has to know whose orders these are: add {account}, such as desk-a-futures",
        required=True,
    ),
    _venues(
        Mode.LIVE,
        f"v.adapter in [{_SIGNING}] && !has(v.credentials)",
        lambda venue: bool(CREDENTIAL_KEYS[venue.adapter]) and venue.credentials is None,
        "mode Live has to sign its orders: add {credentials}",
        required=True,
    ),
    _venues(
        Mode.LIVE,
        "has(v.interactiveBrokers) && !has(v.interactiveBrokers.accountId)",
        lambda venue: venue.interactive_brokers is not None and venue.interactive_brokers.account_id is None,
        "mode Live has to know the account at the broker: add {account_id} to {interactive_brokers}",
        required=True,
    ),
    _venues(
        Mode.LIVE,
        "v.adapter == 'Deribit' && has(v.endpoints)",
        lambda venue: venue.adapter is Adapter.DERIBIT and venue.endpoints is not None,
        "the adapter sends Deribit's orders to Deribit in any case: remove {endpoints}",
    ),
    RuleOfEach(
        at="venues",
        cel="self.venues.filter(v, has(v.account) && self.venues.filter(w, has(w.account)"
        " && w.account == v.account).size() > 1).map(v, v.name)",
        offenders=lambda section: _sharing_an_account(section.venues),
        says="two clients on one account disturb each other: give every venue an {account} of its own",
    ),
)


def _sharing_an_account(venues: Sequence[Venue]) -> list[str]:
    accounts = [venue.account for venue in venues]
    return [venue.name for venue in venues if venue.account is not None and accounts.count(venue.account) > 1]
