"""The run-config: the node's one JSON file, written by the operator or by hand."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from trading_api import wiring
from trading_api.base import ApiModel
from trading_api.database import DatabaseSection
from trading_api.deployment import Strategies
from trading_api.fields import DirectoryPath, Name, TraderId, keyed_by
from trading_api.policies import DrainPolicy, NodeCache, ReconciliationPolicy
from trading_api.risk import LIMITS_OF_NOTHING, RiskLimits, limits_of_nothing
from trading_api.rules import Rule, RuleOfEach
from trading_api.trading_rules import TRADING_RULES, Mode
from trading_api.venues import NodeVenue


class LogLevel(StrEnum):
    """Least severity that is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogFormat(StrEnum):
    """How log lines are written to standard output."""

    JSON = "json"
    TEXT = "text"


class CatalogPath(ApiModel):
    """A catalog as the node sees it: a folder."""

    name: Name
    """Name that venues refer to."""
    path: Annotated[str, Field(min_length=1, max_length=4096)]
    """Folder of a Nautilus ParquetDataCatalog; relative paths count from the run-config's folder."""


class HttpServer(ApiModel):
    """Where the node serves health, metrics and its API."""

    host: Annotated[str, Field(min_length=1, max_length=253)] = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = wiring.HTTP_PORT
    """Port to listen on; 0 takes a free one."""


class TradingNodeSection(ApiModel):
    """What the node trades."""

    mode: Mode
    """Live trades on accounts at the venues; Paper on simulated ones, with market data as configured."""
    trader_id: TraderId
    """Identity of the trader, such as DESK-A-001."""
    strategies: Strategies
    """The strategies that the node runs."""
    venues: Annotated[tuple[NodeVenue, ...], Field(min_length=1, max_length=16, json_schema_extra=keyed_by("name"))]
    """The venues that the node connects to."""
    catalogs: Annotated[tuple[CatalogPath, ...], Field(max_length=16)] = ()
    """The data catalogs that the node reads."""
    state_directory: DirectoryPath | None = None
    """Folder that outlives the process, for paper accounts; absent: they start anew with the process. Relative paths
    count from the run-config's folder."""
    limits_file: DirectoryPath | None = None
    """File with limits as in ``risk_engine``, which takes their place and is followed while the node runs; absent: the
    limits stay. Relative paths count from the run-config's folder."""
    cache: NodeCache | None = None
    """Where NautilusTrader keeps its cache; absent: in the process' memory."""
    reconciliation: ReconciliationPolicy = ReconciliationPolicy()
    """How the node makes sure that it agrees with its venues."""
    drain: DrainPolicy = DrainPolicy()
    """What a stop leaves at the venues, and how long it may take."""
    http: HttpServer = HttpServer()
    """Where the node serves health, metrics and its API."""

    rules = TRADING_RULES


class LoggingSection(ApiModel):
    """How the node logs."""

    level: LogLevel = LogLevel.INFO
    """Least severity that is logged."""
    format: LogFormat = LogFormat.JSON
    """json for machines, text for a person."""


class NodeConfig(ApiModel):
    """The whole run-config."""

    trading_node: TradingNodeSection
    """What the node trades."""
    risk_engine: RiskLimits = RiskLimits()
    """The limits that every order is held against before it leaves the node."""
    database: DatabaseSection | None = None
    """Where the node keeps its books; absent: it keeps none."""
    logging: LoggingSection = LoggingSection()
    """How the node logs."""

    rules = (
        RuleOfEach(
            at="risk_engine",
            cel=None,
            offenders=lambda config: limits_of_nothing(config.risk_engine, config.trading_node),
            says=LIMITS_OF_NOTHING,
        ),
        Rule(
            at="database",
            required=True,
            cel=None,
            holds=lambda config: config.trading_node.mode is not Mode.LIVE or config.database is not None,
            says="mode Live keeps books, to agree with its venues after a crash: add {database} with {directory}",
        ),
    )
