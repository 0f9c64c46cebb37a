"""The resource TradingDeployment."""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from trading_api.base import ApiModel
from trading_api.fields import (
    Bucket,
    ClaimName,
    Folder,
    Image,
    ImportPath,
    Money,
    Name,
    OrderIdTag,
    ReplaySpeed,
    TraderId,
    VenueName,
    keyed_by,
)
from trading_api.order_ids import resolve_order_id_tag, sharing_a_derived_tag, sharing_a_set_tag
from trading_api.pod_template import PodTemplate
from trading_api.risk import LIMITS_OF_NOTHING, RiskLimits, limits_of_nothing
from trading_api.rules import AnyRule, Immutable, Rule, RuleOfEach
from trading_api.status import TradingDeploymentStatus

MAX_NAME_LENGTH = 47
"""Longest name of a deployment: the names of its children add up to 16 characters and stay within 63."""
_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"


class Mode(StrEnum):
    """What a deployment trades with."""

    PAPER = "Paper"


class Adapter(StrEnum):
    """Where a venue's market data comes from."""

    REPLAY = "Replay"


class AccountType(StrEnum):
    """How the simulated account lends."""

    CASH = "Cash"
    MARGIN = "Margin"


class OmsType(StrEnum):
    """How the venue keeps positions: one per instrument, or one per opening order."""

    NETTING = "Netting"
    HEDGING = "Hedging"


class CatalogDriver(StrEnum):
    """Who mounts a bucket."""

    AUTO = "Auto"
    GKE = "GKE"
    SIDECAR = "Sidecar"


class RolloutWhen(StrEnum):
    """When a new revision may replace the running one."""

    IMMEDIATELY = "Immediately"
    ON_APPROVAL = "OnApproval"


class Strategy(ApiModel):
    """One strategy, loaded by import path from the image."""

    name: Name
    """Name of the strategy, unique in the deployment."""
    path: ImportPath
    """Import path of the strategy class, ``module:Class``."""
    config_path: ImportPath
    """Import path of its config class, ``module:Class``."""
    config: dict[str, JsonValue] = Field(default_factory=dict, max_length=256)
    """Fields of the config class, as the class itself defines them."""
    order_id_tag: OrderIdTag | None = None
    """Marks the strategy's order ids and must stay the same for the strategy's life. Absent: derived from the name."""

    @property
    def resolved_order_id_tag(self) -> str:
        """The tag that the strategy trades with: the one that is set, or the one derived from the name."""
        return resolve_order_id_tag(self)


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


class Venue(ApiModel):
    """One venue: where data comes from and orders go to."""

    name: VenueName
    """The venue part of instrument ids, such as BINANCE in BTCUSDT.BINANCE."""
    adapter: Adapter
    """Replay streams a catalog."""
    replay: Replay | None = None
    """What to replay; required with the adapter Replay."""
    paper: PaperAccount | None = None
    """The simulated account; required in mode Paper."""

    rules = (
        Rule(
            at="replay",
            required=True,
            cel="self.adapter != 'Replay' || has(self.replay)",
            holds=lambda venue: venue.adapter is not Adapter.REPLAY or venue.replay is not None,
            says="the adapter Replay streams a catalog: add {replay} with {catalog}, the name of one of {catalogs}",
        ),
    )


class GcsCatalog(ApiModel):
    """A catalog in a Google Cloud Storage bucket, mounted by GCS FUSE."""

    bucket: Bucket
    """Name of the bucket, without ``gs://``."""
    prefix: Folder = ""
    """Folder in the bucket that holds the catalog; absent: the bucket's root."""
    driver: CatalogDriver = CatalogDriver.AUTO
    """Auto uses the GKE driver where the cluster has it, and the operator's own sidecar elsewhere."""


class PvcCatalog(ApiModel):
    """A catalog on a PersistentVolumeClaim."""

    claim_name: ClaimName
    """Name of the claim, in the deployment's namespace."""
    sub_path: Folder = ""
    """Folder on the volume that holds the catalog; absent: the volume's root."""


class Catalog(ApiModel):
    """A data catalog that the node reads, mounted read-only."""

    name: Name
    """Name of the catalog, unique in the deployment."""
    gcs: GcsCatalog | None = None
    """The catalog is in a bucket."""
    pvc: PvcCatalog | None = None
    """The catalog is on a claimed volume."""

    rules = (
        Rule(
            at="",
            cel="[has(self.gcs), has(self.pvc)].exists_one(source, source)",
            holds=lambda catalog: (catalog.gcs is None) != (catalog.pvc is None),
            says="a catalog has one source: write either {gcs} with {bucket}, or {pvc} with {claim_name}",
        ),
    )


class Rollout(ApiModel):
    """How a new revision replaces the running one."""

    when: RolloutWhen = RolloutWhen.IMMEDIATELY
    """Immediately, or OnApproval: a new revision waits until annotation ``trading-operator.io/approve`` names it."""


def _is_name(name: str) -> bool:
    return len(name) <= MAX_NAME_LENGTH and re.fullmatch(_NAME, name) is not None


def _sharing_a_name(items: Sequence[Strategy] | Sequence[Venue] | Sequence[Catalog]) -> list[str]:
    names = [item.name for item in items]
    return [name for name in names if names.count(name) > 1]


def _unique_names(items: str, what: str) -> RuleOfEach:
    return RuleOfEach(
        at=items,
        cel=f"self.{items}.map(i, i.name).filter(n, self.{items}.filter(i, i.name == n).size() > 1)",
        offenders=lambda section: _sharing_a_name(getattr(section, items)),
        says=f"give every {what} a name of its own",
    )


Strategies = Annotated[tuple[Strategy, ...], Field(min_length=1, max_length=16, json_schema_extra=keyed_by("name"))]
Venues = Annotated[tuple[Venue, ...], Field(min_length=1, max_length=16, json_schema_extra=keyed_by("name"))]

TRADING_RULES: tuple[AnyRule, ...] = (
    _unique_names("strategies", "strategy"),
    _unique_names("venues", "venue"),
    _unique_names("catalogs", "catalog"),
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
        required=True,
        cel="self.venues.filter(v, self.mode == 'Paper' && !has(v.paper)).map(v, v.name)",
        offenders=lambda section: (v.name for v in section.venues if section.mode is Mode.PAPER and v.paper is None),
        says="mode Paper trades on simulated accounts: add {paper} with {starting_balances}, such as 100000 USDT",
    ),
    RuleOfEach(
        at="venues",
        cel="self.venues.filter(v, has(v.replay) && !self.catalogs.exists(c, c.name == v.replay.catalog))"
        ".map(v, v.name)",
        offenders=lambda section: _without_catalog(section.venues, {catalog.name for catalog in section.catalogs}),
        says="{catalog} of {replay} names none of {catalogs}: add the catalog there, or write the name of one",
    ),
)
"""What holds between strategies, venues and catalogs, in a manifest as in a run-config."""


def _without_catalog(venues: Iterable[Venue], catalogs: set[str]) -> Iterator[str]:
    return (venue.name for venue in venues if venue.replay is not None and venue.replay.catalog not in catalogs)


class TradingDeploymentSpec(ApiModel):
    """What is to be traded."""

    mode: Mode
    """Paper: market data as configured, orders filled by a simulated venue."""
    image: Image
    """Image of the node, with your strategies in it."""
    trader_id: TraderId
    """Identity of the trader, such as DESK-A-001; cannot be changed."""
    strategies: Strategies
    """The strategies that the node runs."""
    venues: Venues
    """The venues that the node connects to."""
    catalogs: Annotated[tuple[Catalog, ...], Field(max_length=16, json_schema_extra=keyed_by("name"))] = ()
    """The data catalogs that the node reads."""
    risk: RiskLimits = RiskLimits()
    """The limits that every order is held against before it leaves the node."""
    suspend: bool = False
    """True stops the node in order and keeps it stopped."""
    rollout: Rollout = Rollout()
    """How a new revision replaces the running one."""
    pod_template: PodTemplate = PodTemplate()
    """A strategic merge patch over the node's pod."""

    rules = (
        *TRADING_RULES,
        RuleOfEach(
            at="risk",
            cel="self.risk.strategies.filter(r, !self.strategies.exists(s, s.name == r.name)).map(r, r.name)"
            " + self.risk.venues.filter(r, !self.venues.exists(v, v.name == r.name)).map(r, r.name)"
            " + self.risk.instruments.filter(r, !self.venues.exists(v, r.id.endsWith('.' + v.name))).map(r, r.id)",
            offenders=lambda spec: limits_of_nothing(spec.risk, spec),
            says=LIMITS_OF_NOTHING,
        ),
    )


class ObjectMeta(ApiModel):
    """What the operator reads of an object's metadata; the rest is Kubernetes' own."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Name of the object."""
    namespace: str = ""
    """Namespace of the object; empty in a manifest that leaves it to the client."""
    uid: str = ""
    """Identity of the object; empty in a manifest."""
    generation: int = 0
    """Number of the spec's version."""
    resource_version: str = ""
    """Version of the whole object; opaque."""
    creation_timestamp: str | None = None
    """When the object was created."""
    deletion_timestamp: str | None = None
    """When the deletion was asked for."""
    finalizers: tuple[str, ...] = ()
    """Who has to agree to the deletion."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the object."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the object."""


class TradingDeployment(ApiModel):
    """A desk's wish to trade: with which strategies, on which venues, from which image."""

    api_version: Literal["trading-operator.io/v1alpha1"]
    """Version of this schema."""
    kind: Literal["TradingDeployment"]
    """Kind of the object."""
    metadata: ObjectMeta
    """Standard metadata of the object."""
    spec: TradingDeploymentSpec
    """What is to be traded."""
    status: TradingDeploymentStatus = TradingDeploymentStatus()
    """What is so."""

    rules = (
        Rule(
            at="metadata.name",
            cel=f"self.metadata.name.size() <= {MAX_NAME_LENGTH} && self.metadata.name.matches(r'^{_NAME}$')",
            holds=lambda deployment: _is_name(deployment.metadata.name),
            says=f"write at most {MAX_NAME_LENGTH} lower-case letters, digits and '-', with a letter first and a letter"
            " or digit last, such as ema-btc: the names of pod and services are made from it",
        ),
        Immutable(
            at="spec.trader_id",
            says="the identity of a trader cannot change, because the venues' orders carry it: put the old value back,"
            " or make another TradingDeployment with the new one",
        ),
    )
