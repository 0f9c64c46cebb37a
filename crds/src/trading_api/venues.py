"""Venues: where market data comes from and orders go to.

A manifest and a run-config say the same of a venue, except where its keys are: in a Secret of the deployment's
namespace, or in files or variables of the node.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from trading_api.adapter_options import (
    BinanceOptions,
    BybitOptions,
    DeribitOptions,
    HyperliquidOptions,
    InteractiveBrokersOptions,
    KrakenOptions,
    OkxOptions,
)
from trading_api.adapters import Adapter, Environment
from trading_api.base import ApiModel
from trading_api.fields import (
    DirectoryPath,
    InstrumentName,
    Matches,
    Money,
    Name,
    ReplaySpeed,
    SecretName,
    VariableName,
    VenueName,
)
from trading_api.rules import Immutable, Rule, RuleOfEach, Transition
from trading_api.venue_rules import CREDENTIALS_RULE, VENUE_RULES

__all__ = [
    "AccountType",
    "Adapter",
    "CredentialSource",
    "DeployedVenue",
    "Endpoints",
    "Environment",
    "NodeVenue",
    "OmsType",
    "PaperAccount",
    "Replay",
    "Venue",
    "VenueSecret",
]


class AccountType(StrEnum):
    """How the simulated account lends."""

    CASH = "Cash"
    MARGIN = "Margin"


class OmsType(StrEnum):
    """How the venue keeps positions: one per instrument, or one per opening order."""

    NETTING = "Netting"
    HEDGING = "Hedging"


class Replay(ApiModel):
    """Market data that is streamed from a catalog."""

    catalog: Name
    """Name of the catalog in ``catalogs``."""
    speed: ReplaySpeed = 1
    """Times real time, or Maximum for as fast as the node can."""


def _sharing_a_currency(balances: Sequence[str]) -> list[str]:
    currencies = [balance.split(" ")[1] for balance in balances]
    return [balance for balance, currency in zip(balances, currencies, strict=True) if currencies.count(currency) > 1]


class PaperAccount(ApiModel):
    """The simulated account that a Paper deployment trades with."""

    account_type: AccountType = AccountType.CASH
    """Cash, or Margin, which may sell short and borrow."""
    oms_type: OmsType = OmsType.NETTING
    """Netting keeps one position per instrument, Hedging one per opening order."""
    starting_balances: Annotated[tuple[Money, ...], Field(min_length=1, max_length=16)]
    """Balances at the start, such as ``100000 USDT``."""
    default_leverage: Annotated[int, Field(ge=1, le=1000)] = 1
    """Leverage of every instrument; above 1 only with a Margin account."""

    rules = (
        Rule(
            at="default_leverage",
            cel="self.defaultLeverage == 1 || self.accountType == 'Margin'",
            holds=lambda account: account.default_leverage == 1 or account.account_type is AccountType.MARGIN,
            says="a Cash account does not lend: write 1 or remove it, or write Margin as {account_type}",
        ),
        RuleOfEach(
            at="starting_balances",
            cel="self.startingBalances.filter(b, b.contains(' ') && self.startingBalances.filter(c,"
            " c.endsWith(b.substring(b.indexOf(' ')))).size() > 1)",
            offenders=lambda account: _sharing_a_currency(account.starting_balances),
            says="write one balance for each currency",
        ),
    )


HttpUrl = Annotated[
    str,
    Field(min_length=8, max_length=512),
    Matches(
        r"https?://[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?(/[-A-Za-z0-9._~/]*)?",
        "write a URL without user, password or query, such as https://gateway.example.com",
    ),
]
StreamUrl = Annotated[
    str,
    Field(min_length=6, max_length=512),
    Matches(
        r"wss?://[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?(/[-A-Za-z0-9._~/]*)?",
        "write a WebSocket URL without user, password or query, such as wss://gateway.example.com/ws",
    ),
]


class Endpoints(ApiModel):
    """Where to connect instead of the venue's own addresses: a gateway, or a simulator."""

    http: HttpUrl | None = None
    """For requests."""
    data_stream: StreamUrl | None = None
    """For market data."""
    trade_stream: StreamUrl | None = None
    """For sending orders, and for their events where these come on the same connection."""
    user_stream: StreamUrl | None = None
    """For the events of orders, where these come on a connection of their own."""

    rules = (
        Rule(
            at="",
            cel="has(self.http) || has(self.dataStream) || has(self.tradeStream) || has(self.userStream)",
            holds=lambda e: any((e.http, e.data_stream, e.trade_stream, e.user_stream)),
            says="write at least one of {http}, {data_stream}, {trade_stream} and {user_stream}",
        ),
    )


class Venue(ApiModel):
    """One venue: where data comes from and orders go to."""

    name: VenueName
    """The venue part of instrument ids, such as BINANCE in BTCUSDT.BINANCE."""
    adapter: Adapter
    """What connects to it: a NautilusTrader adapter, or Replay, which streams a catalog."""
    environment: Environment | None = None
    """Which of the venue's systems; required unless the adapter is Replay. Demo of Interactive Brokers is its paper
    trading."""
    account: Name | None = None
    """Your name for the account that orders are sent to; required in mode Live, where it cannot be changed."""
    instruments: (
        Annotated[
            tuple[InstrumentName, ...],
            Field(min_length=1, max_length=64, json_schema_extra={"x-kubernetes-list-type": "set"}),
        ]
        | None
    ) = None
    """Ids of the instruments to load; absent: all that the venue has."""
    endpoints: Endpoints | None = None
    """Where to connect instead of the venue's own addresses."""
    replay: Replay | None = None
    """What to replay; required with the adapter Replay."""
    binance: BinanceOptions | None = None
    """Options of the adapter Binance; required with it."""
    bybit: BybitOptions | None = None
    """Options of the adapter Bybit; required with it."""
    okx: OkxOptions | None = None
    """Options of the adapter OKX; required with it."""
    deribit: DeribitOptions | None = None
    """Options of the adapter Deribit; required with it."""
    kraken: KrakenOptions | None = None
    """Options of the adapter Kraken; required with it."""
    hyperliquid: HyperliquidOptions | None = None
    """Options of the adapter Hyperliquid; required with it."""
    interactive_brokers: InteractiveBrokersOptions | None = None
    """Options of the adapter InteractiveBrokers; required with it."""
    paper: PaperAccount | None = None
    """The simulated account; required in mode Paper."""

    rules = VENUE_RULES

    def may_list(self, instrument_id: str) -> bool:
        """Tell whether an instrument can be one of this venue's."""
        return self.adapter is Adapter.INTERACTIVE_BROKERS or instrument_id.rpartition(".")[2] == self.name


class VenueSecret(ApiModel):
    """Which Secret holds a venue's keys."""

    secret_name: SecretName
    """Name of a Secret in the deployment's namespace with the keys api-key and api-secret, for OKX passphrase too, for
    Hyperliquid private-key instead. New keys are a Secret with a new name."""


class CredentialSource(ApiModel):
    """Where the node finds a venue's keys."""

    directory: DirectoryPath | None = None
    """Folder with one file for each key: api-key, api-secret and so on."""
    env_prefix: VariableName | None = None
    """Start of the variables' names: DESK makes DESK_API_KEY, DESK_API_SECRET and so on."""

    rules = (
        Rule(
            at="",
            cel=None,
            holds=lambda source: (source.directory is None) != (source.env_prefix is None),
            says="keys have one source: write either {directory} or {env_prefix}",
        ),
    )


class NodeVenue(Venue):
    """One venue: where data comes from and orders go to."""

    credentials: CredentialSource | None = None
    """Where the account's keys are; required in mode Live, except for Interactive Brokers."""

    rules = (*Venue.rules, CREDENTIALS_RULE)


class DeployedVenue(Venue):
    """One venue: where data comes from and orders go to."""

    credentials: VenueSecret | None = None
    """Where the account's keys are; required in mode Live, except for Interactive Brokers."""

    rules = (
        *Venue.rules,
        CREDENTIALS_RULE,
        Immutable(
            at="account",
            optional=True,
            says="the books are this account's: put the old value back, or make another TradingDeployment",
        ),
        Transition(
            at="environment",
            cel="!has(self.account) || (has(self.environment) == has(oldSelf.environment)"
            " && (!has(self.environment) || self.environment == oldSelf.environment))",
            says="the books are those of an account there: put the old value back, or make another TradingDeployment",
        ),
    )

    def in_node(self, credentials: CredentialSource | None) -> NodeVenue:
        """Return the venue as the run-config has it; ``credentials`` is where the node finds the Secret's keys."""
        fields = {name: getattr(self, name) for name in Venue.model_fields}
        return NodeVenue(**fields, credentials=credentials)
