"""kopf as the informer: an event becomes a key in the queue, or nothing where nothing relevant changed."""

import dataclasses
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import kopf

from trading_api import wiring
from trading_operator.desired.names import LABEL_MANAGED_BY, LABEL_NAME, MANAGED_BY, NAME_REVISION
from trading_operator.memory import Memory, key_of
from trading_operator.objects import CHILD_KINDS, CONTROLLER_REVISION, TRADING_DEPLOYMENT, DeploymentKey, Kind, Manifest

LOGIN_VALID_FOR = timedelta(minutes=10)
"""How long credentials are used before they are read again: the kubelet rotates the token's file."""

type Enqueue = Callable[[DeploymentKey], None]


def informer(memory: Memory, enqueue: Enqueue) -> kopf.OperatorRegistry:
    """Return kopf's registry: who is told of what."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(log_in)
    for kind in (TRADING_DEPLOYMENT, *CHILD_KINDS):
        _inform(registry, kind, memory, enqueue)
    return registry


def _inform(registry: kopf.OperatorRegistry, kind: Kind, memory: Memory, enqueue: Enqueue) -> None:
    async def changed(event: kopf.RawEvent, **_: object) -> None:
        on_event(kind, event["type"], dict(event["object"]), memory, enqueue)

    group, _, version = kind.api_version.rpartition("/")
    kopf.on.event(group=group, version=version, plural=kind.plural, id=f"{kind.plural}-changed", registry=registry)(
        changed
    )


def on_event(kind: Kind, event: str | None, manifest: Manifest, memory: Memory, enqueue: Enqueue) -> None:
    """Enqueue the deployment that an event concerns, where it tells anything new."""
    manifest = {"apiVersion": kind.api_version, "kind": kind.name} | manifest
    key = key_of(manifest)
    if event == "DELETED":
        memory.gone(manifest)
    elif not memory.is_news(manifest):
        return
    if key.name:
        enqueue(key)


def kopf_settings() -> kopf.OperatorSettings:
    """Return kopf's settings for an informer that writes nothing and never gives up."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.networking.connect_timeout = 10
    # A list, to be read again for each request. After its end kopf stops, and the process with it.
    settings.networking.error_backoffs = [0.5, 1, 1, 2, 3, 5, 8, 13, 21, *[30] * 20]
    settings.process.ultimate_exiting_timeout = 30
    for kind in CHILD_KINDS:
        selector = f"{LABEL_MANAGED_BY}={MANAGED_BY},{wiring.LABEL_DEPLOYMENT}"
        if kind is CONTROLLER_REVISION:
            selector += f",{LABEL_NAME}={NAME_REVISION}"
        group, _, version = kind.api_version.rpartition("/")
        settings.watching.label_selectors[group, version, kind.plural] = selector
    return settings


async def log_in(settings: kopf.OperatorSettings, **kwargs: object) -> kopf.ConnectionInfo | None:
    """Return the pod's credentials, or the kubeconfig's outside of a cluster."""
    found = kopf.login_with_service_account(settings=settings, **kwargs)
    if found is None:
        return kopf.login_with_kubeconfig(settings=settings, **kwargs)
    return dataclasses.replace(
        found, server=_server_in_cluster(found.server), expiration=datetime.now(UTC) + LOGIN_VALID_FOR
    )


def _server_in_cluster(otherwise: str) -> str:
    """Return the API server by address: the operator must not need the cluster's DNS."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        return otherwise
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
