"""kopf as the informer: an event becomes a key in the queue, or nothing where nothing relevant changed."""

from collections.abc import Callable

import kopf

from trading_operator.informer_settings import log_in
from trading_operator.memory import Memory, key_of
from trading_operator.objects import CHILD_KINDS, POD, STATEFUL_SET, TRADING_DEPLOYMENT, DeploymentKey, Kind, Manifest

type Enqueue = Callable[[DeploymentKey], None]

TALKATIVE = frozenset({POD, STATEFUL_SET})
"""Kinds whose controllers write several times for each thing that happens."""


def informer(memory: Memory, enqueue: Enqueue, enqueue_later: Enqueue) -> kopf.OperatorRegistry:
    """Return kopf's registry: who is told of what.

    enqueue_later: hears of what is about to be said in more words; it may wait for these.
    """
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(log_in)
    for kind in (TRADING_DEPLOYMENT, *CHILD_KINDS):
        _inform(registry, kind, memory, enqueue, enqueue_later)
    return registry


def _inform(
    registry: kopf.OperatorRegistry, kind: Kind, memory: Memory, enqueue: Enqueue, enqueue_later: Enqueue
) -> None:
    async def changed(event: kopf.RawEvent, **_: object) -> None:
        later = kind in TALKATIVE and event["type"] != "DELETED"
        on_event(kind, event["type"], dict(event["object"]), memory, enqueue_later if later else enqueue)

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
