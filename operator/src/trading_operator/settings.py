"""Settings from the environment, read once at the start; every wrong one is named at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from trading_api.deployment import CatalogDriver

PREFIX = "TRADING_OPERATOR_"
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class LogLevel(StrEnum):
    """Least severity that is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class InvalidSettingsError(ValueError):
    """The environment holds settings that cannot be used; the message names each."""


@dataclass(frozen=True, slots=True)
class GcsSettings:
    """How buckets are mounted."""

    image: str = "gcsfuse:latest"
    """Image of the mounting sidecar."""
    endpoint: str = ""
    """Another GCS endpoint than Google's, such as an emulator's ``http://10.0.0.1:4443/storage/v1/``."""
    anonymous: bool = False
    """Whether the sidecar asks without credentials."""
    driver: CatalogDriver = CatalogDriver.AUTO
    """What ``driver: Auto`` of a catalog means; Auto here too: look for the CSI driver at the start."""


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """What a revision's rendering depends on beside the deployment."""

    gcs: GcsSettings = field(default_factory=GcsSettings)
    node_report_interval_seconds: int = 60
    """How often a node may refresh its numbers."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the operator."""

    render: RenderSettings = field(default_factory=RenderSettings)
    watch_namespaces: tuple[str, ...] = ()
    """Namespaces to serve; empty: all of them."""
    lease_namespace: str = "default"
    """Where the operator's own Lease is."""
    lease_name: str = "trading-operator"
    """Name of the operator's own Lease."""
    log_level: LogLevel = LogLevel.INFO
    metrics_port: int = 8080
    """Port of /healthz, /readyz and /metrics."""
    workers: int = 16
    """Deployments that are worked on at once."""
    resync_seconds: int = 600
    """How often everything is read anew, jittered by a fifth."""


@dataclass
class _Reader:
    """Reads variables and collects what is wrong with them."""

    environment: Mapping[str, str]
    known: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def read[T](self, name: str, default: T, parse: Callable[[str], T], says: str) -> T:
        variable = PREFIX + name
        self.known.add(variable)
        text = self.environment.get(variable, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError:
            self.faults.append(f"{variable}={text!r}: {says}")
            return default

    def refuse_unknown(self) -> None:
        unknown = sorted(name for name in self.environment if name.startswith(PREFIX) and name not in self.known)
        self.faults += [
            f"{name}: no such setting; the settings are {', '.join(sorted(self.known))}" for name in unknown
        ]


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read the settings; raise InvalidSettingsError with every fault."""
    reader = _Reader(environment)
    read = reader.read
    gcs = GcsSettings(
        image=read("GCSFUSE_IMAGE", GcsSettings().image, str, "write an image reference"),
        endpoint=read(
            "GCS_ENDPOINT", "", _url, "write a URL, such as http://10.0.0.1:4443/storage/v1/, or leave it empty"
        ),
        anonymous=read("GCS_ANONYMOUS", False, _boolean, "write true or false"),
        driver=read("GCS_DRIVER", CatalogDriver.AUTO, CatalogDriver, f"write one of {', '.join(CatalogDriver)}"),
    )
    settings = Settings(
        render=RenderSettings(
            gcs=gcs,
            node_report_interval_seconds=read(
                "NODE_REPORT_INTERVAL_SECONDS", 60, _between(1, 3600), "write whole seconds from 1 to 3600"
            ),
        ),
        watch_namespaces=read(
            "WATCH_NAMESPACES", (), _names, "write the names of namespaces, without patterns, separated by commas"
        ),
        lease_namespace=read("LEASE_NAMESPACE", own_namespace(), str, "write a namespace"),
        lease_name=read("LEASE_NAME", "trading-operator", str, "write a name"),
        log_level=read("LOG_LEVEL", LogLevel.INFO, _log_level, f"write one of {', '.join(LogLevel)}"),
        metrics_port=read("METRICS_PORT", 8080, _between(0, 65535), "write a port, or 0 for a free one"),
        workers=read("WORKERS", 16, _between(1, 256), "write a whole number from 1 to 256"),
        resync_seconds=read("RESYNC_SECONDS", 600, _between(10, 86400), "write whole seconds from 10 to 86400"),
    )
    reader.refuse_unknown()
    if reader.faults:
        raise InvalidSettingsError("; ".join(reader.faults))
    return settings


def own_namespace() -> str:
    """Return the namespace that the operator's pod runs in; ``default`` outside of a cluster."""
    return _NAMESPACE_FILE.read_text().strip() if _NAMESPACE_FILE.exists() else "default"


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError
    return text.lower() == "true"


def _between(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError
        return number

    return parse


def _log_level(text: str) -> LogLevel:
    return LogLevel(text.upper())


def _names(text: str) -> tuple[str, ...]:
    return tuple(_namespace(name.strip()) for name in text.split(",") if name.strip())


def _namespace(text: str) -> str:
    """Read the name of a namespace; a pattern of several would be watched by nobody, and nobody would say so."""
    if not _NAMESPACE.fullmatch(text):
        raise ValueError
    return text


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError
    return text
