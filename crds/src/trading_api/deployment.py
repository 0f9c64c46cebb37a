"""The resource TradingDeployment."""

import re
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
    Name,
    OrderIdTag,
    TraderId,
    keyed_by,
)
from trading_api.order_ids import resolve_order_id_tag
from trading_api.pod_template import PodTemplate
from trading_api.policies import Cache, DatabaseSecret, DrainPolicy, ReconciliationPolicy, State
from trading_api.risk import LIMITS_OF_NOTHING, RiskLimits, limits_of_nothing
from trading_api.rules import Immutable, Rule, RuleOfEach
from trading_api.status import TradingDeploymentStatus
from trading_api.trading_rules import TRADING_RULES, Mode
from trading_api.venues import DeployedVenue

MAX_NAME_LENGTH = 47
"""Longest name of a deployment: the names of its children add up to 16 characters and stay within 63."""
_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_DIGEST = re.compile("@sha256:[0-9a-f]{64}$")


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


Strategies = Annotated[tuple[Strategy, ...], Field(min_length=1, max_length=16, json_schema_extra=keyed_by("name"))]
DeployedVenues = Annotated[
    tuple[DeployedVenue, ...], Field(min_length=1, max_length=16, json_schema_extra=keyed_by("name"))
]


class TradingDeploymentSpec(ApiModel):
    """What is to be traded."""

    mode: Mode
    """Live trades on accounts at the venues; Paper on simulated ones, with market data as configured. Cannot be
    changed."""
    live_confirmation: Annotated[str, Field(max_length=253)] | None = None
    """Mode Live only, and required there: the name of this TradingDeployment once more."""
    image: Image
    """Image of the node, with your strategies in it; in mode Live with its digest."""
    trader_id: TraderId
    """Identity of the trader, such as DESK-A-001; cannot be changed."""
    strategies: Strategies
    """The strategies that the node runs."""
    venues: DeployedVenues
    """The venues that the node connects to."""
    catalogs: Annotated[tuple[Catalog, ...], Field(max_length=16, json_schema_extra=keyed_by("name"))] = ()
    """The data catalogs that the node reads."""
    risk: RiskLimits = RiskLimits()
    """The limits that every order is held against before it leaves the node. A change reaches a running node within
    seconds and restarts nothing."""
    database: DatabaseSecret | None = None
    """A PostgreSQL database for the books; absent: an embedded one on the state volume."""
    state: State | None = None
    """A volume for what outlives the node; required in mode Live. Absent: books and paper accounts end with the pod."""
    cache: Cache | None = None
    """Where NautilusTrader keeps its cache; absent: in the node's memory."""
    reconciliation: ReconciliationPolicy = ReconciliationPolicy()
    """How the node makes sure that it agrees with its venues."""
    drain: DrainPolicy = DrainPolicy()
    """What a stop leaves at the venues, and how long it may take."""
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
            " + self.risk.instruments.filter(r, !self.venues.exists(v, v.adapter == 'InteractiveBrokers'"
            " || r.id.endsWith('.' + v.name))).map(r, r.id)",
            offenders=lambda spec: limits_of_nothing(spec.risk, spec),
            says=LIMITS_OF_NOTHING,
        ),
        Rule(
            at="image",
            cel="self.mode != 'Live' || self.image.matches('@sha256:[0-9a-f]{64}$')",
            holds=lambda spec: spec.mode is not Mode.LIVE or _DIGEST.search(spec.image) is not None,
            says="mode Live runs what was tested and nothing else: add the image's digest, such as"
            " example/trading-node:1.0.0@sha256: and 64 hexadecimal digits",
        ),
        Rule(
            at="state",
            required=True,
            cel="self.mode != 'Live' || has(self.state)",
            holds=lambda spec: spec.mode is not Mode.LIVE or spec.state is not None,
            says="mode Live keeps books that outlive the pod: add {state} with {size}, such as 10Gi",
        ),
        Rule(
            at="live_confirmation",
            cel="self.mode == 'Live' || !has(self.liveConfirmation)",
            holds=lambda spec: spec.mode is Mode.LIVE or spec.live_confirmation is None,
            says="it confirms mode Live: remove it, or write Live as {mode}",
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
        Rule(
            at="spec.live_confirmation",
            required=True,
            cel="self.spec.mode != 'Live' || (has(self.spec.liveConfirmation)"
            " && self.spec.liveConfirmation == self.metadata.name)",
            holds=lambda deployment: (
                deployment.spec.mode is not Mode.LIVE or deployment.spec.live_confirmation == deployment.metadata.name
            ),
            says="mode Live trades with real money: to confirm that this is meant, write the name of this"
            " TradingDeployment",
        ),
        Immutable(
            at="spec.mode",
            says="books of a simulated account and of a real one do not mix: put the old value back, or make another"
            " TradingDeployment with the new one",
        ),
        Immutable(
            at="spec.trader_id",
            says="the identity of a trader cannot change, because the venues' orders carry it: put the old value back,"
            " or make another TradingDeployment with the new one",
        ),
    )
