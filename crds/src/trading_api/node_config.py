"""The run-config: the node's one JSON file, written by the operator or by hand."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from trading_api import wiring
from trading_api.base import ApiModel
from trading_api.database import DatabaseSection
from trading_api.deployment import TRADING_RULES, Mode, Strategies, Venues
from trading_api.fields import Name, TraderId
from trading_api.risk import LIMITS_OF_NOTHING, RiskLimits, limits_of_nothing
from trading_api.rules import RuleOfEach


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
    """Paper: market data as configured, orders filled by a simulated venue."""
    trader_id: TraderId
    """Identity of the trader, such as DESK-A-001."""
    strategies: Strategies
    """The strategies that the node runs."""
    venues: Venues
    """The venues that the node connects to."""
    catalogs: Annotated[tuple[CatalogPath, ...], Field(max_length=16)] = ()
    """The data catalogs that the node reads."""
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
    )
