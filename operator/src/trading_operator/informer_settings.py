"""How kopf informs: watches that never give up, no writes, nothing kept about objects, tokens that rotate."""

import dataclasses
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import repeat

import kopf

from trading_api import wiring
from trading_operator.desired.names import LABEL_MANAGED_BY, LABEL_NAME, MANAGED_BY, NAME_REVISION
from trading_operator.objects import CHILD_KINDS, CONTROLLER_REVISION

LOGIN_VALID_FOR = timedelta(minutes=10)
"""How long credentials are used before they are read again: the kubelet rotates the token's file."""


class NoDifferences(kopf.DiffBaseStorage):
    """Keeps no last-seen state: kopf would copy and compare each object at each event for handlers we do not have."""

    def build(self, **_: object) -> kopf.BodyEssence:
        """Return nothing to compare."""
        return kopf.BodyEssence()

    def fetch(self, **_: object) -> None:
        """Return nothing that was seen."""

    def store(self, **_: object) -> None:
        """Keep nothing."""


class NoProgress(kopf.ProgressStorage):
    """Keeps no progress: our queue retries, not kopf."""

    def fetch(self, **_: object) -> None:
        """Return no progress."""

    def store(self, **_: object) -> None:
        """Keep nothing."""

    def purge(self, **_: object) -> None:
        """Forget nothing."""

    def touch(self, **_: object) -> None:
        """Write nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return what is given: nothing of ours is in it."""
        return essence


class Patience:
    """How long to wait after each failure of a request, read anew for each request; it never ends.

    Where it ends, kopf does, and the process with it: one served namespace that is deleted, and with it the rights in
    it, would so end the service of all others again and again.
    """

    def __iter__(self) -> Iterator[float]:
        """Yield seconds."""
        yield from (0.5, 1, 1, 2, 3, 5, 8, 13, 21)
        yield from repeat(30.0)


def kopf_settings() -> kopf.OperatorSettings:
    """Return kopf's settings for an informer that writes nothing and never gives up."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NoDifferences()
    settings.persistence.progress_storage = NoProgress()
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = Patience()
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
