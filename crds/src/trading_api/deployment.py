"""The spec of a TradingDeployment."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from trading_api.base import ApiModel

Name = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
ImportPath = Annotated[
    str,
    StringConstraints(
        min_length=3,
        max_length=253,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$",
    ),
]
Money = Annotated[str, StringConstraints(max_length=48, pattern=r"^[0-9]{1,18}(\.[0-9]{1,16})? [A-Z0-9]{2,10}$")]


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
    order_id_tag: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,8}$")] | None = None
    """Marks the strategy's order ids and must stay the same for the strategy's life. Absent: derived from the name."""


class Replay(ApiModel):
    """Market data that is streamed from a catalog."""

    catalog: Name
    """Name of the catalog in ``catalogs``."""
    speed: Annotated[int, Field(ge=1, le=1_000_000)] | Literal["Maximum"] = 1
    """Times real time, or Maximum for as fast as the node can."""


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


class Venue(ApiModel):
    """One venue: where data comes from and orders go to."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[A-Z][A-Z0-9_]*$")]
    """The venue part of instrument ids, such as BINANCE in BTCUSDT.BINANCE."""
    adapter: Adapter
    """Replay streams a catalog."""
    replay: Replay | None = None
    """What to replay; required with the adapter Replay."""
    paper: PaperAccount | None = None
    """The simulated account; required in mode Paper."""


class GcsCatalog(ApiModel):
    """A catalog in a Google Cloud Storage bucket, mounted by GCS FUSE."""

    bucket: Annotated[str, StringConstraints(min_length=3, max_length=63, pattern=r"^[a-z0-9][-_a-z0-9.]*[a-z0-9]$")]
    """Name of the bucket, without ``gs://``."""
    prefix: Annotated[str, StringConstraints(max_length=512, pattern=r"^([^/\s,]+(/[^/\s,]+)*)?$")] = ""
    """Folder in the bucket that holds the catalog; absent: the bucket's root."""
    driver: CatalogDriver = CatalogDriver.AUTO
    """Auto uses the GKE driver where the cluster has it, and the operator's own sidecar elsewhere."""


class PvcCatalog(ApiModel):
    """A catalog on a PersistentVolumeClaim."""

    claim_name: Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
    """Name of the claim, in the deployment's namespace."""
    sub_path: Annotated[str, StringConstraints(max_length=512, pattern=r"^([^/\s]+(/[^/\s]+)*)?$")] = ""
    """Folder on the volume that holds the catalog; absent: the volume's root."""


class Catalog(ApiModel):
    """A data catalog that the node reads, mounted read-only."""

    name: Name
    """Name of the catalog, unique in the deployment."""
    gcs: GcsCatalog | None = None
    """The catalog is in a bucket."""
    pvc: PvcCatalog | None = None
    """The catalog is on a claimed volume."""


class PodTemplateMetadata(ApiModel):
    """Labels and annotations that the pod gets in addition."""

    labels: dict[str, str] = Field(default_factory=dict, max_length=64)
    """Labels for the pod, outside trading-operator.io/ and app.kubernetes.io/."""
    annotations: dict[str, str] = Field(default_factory=dict, max_length=64)
    """Annotations for the pod, outside trading-operator.io/."""


class PodTemplate(ApiModel):
    """A strategic merge patch over the node's pod."""

    metadata: PodTemplateMetadata = PodTemplateMetadata()
    """Labels and annotations for the pod."""
    spec: dict[str, JsonValue] = Field(default_factory=dict, max_length=64)
    """Pod spec fields: resources, nodeSelector, tolerations and so on. The node's container is named ``node``. Its
    command, arguments, service account, restart policy and our environment cannot be changed."""


class Rollout(ApiModel):
    """How a new revision replaces the running one."""

    when: RolloutWhen = RolloutWhen.IMMEDIATELY
    """Immediately, or OnApproval: the new revision waits until the annotation ``trading-operator.io/approve`` names it."""


class TradingDeploymentSpec(ApiModel):
    """What is to be traded."""

    mode: Mode
    """Paper: market data as configured, orders filled by a simulated venue."""
    image: Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\s]+$")]
    """Image of the node, with your strategies in it."""
    trader_id: Annotated[str, StringConstraints(min_length=3, max_length=36, pattern=r"^[A-Za-z0-9_]+(-[A-Za-z0-9_]+)+$")]
    """Identity of the trader, such as DESK-A-001; cannot be changed."""
    strategies: Annotated[tuple[Strategy, ...], Field(min_length=1, max_length=16)]
    """The strategies that the node runs."""
    venues: Annotated[tuple[Venue, ...], Field(min_length=1, max_length=16)]
    """The venues that the node connects to."""
    catalogs: Annotated[tuple[Catalog, ...], Field(max_length=16)] = ()
    """The data catalogs that the node reads."""
    suspend: bool = False
    """True stops the node in order and keeps it stopped."""
    rollout: Rollout = Rollout()
    """How a new revision replaces the running one."""
    pod_template: PodTemplate = PodTemplate()
    """A strategic merge patch over the node's pod."""
