"""Why the cluster could not do something: only Events tell."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trading_operator.kube.client import Client
from trading_operator.objects import CORE_EVENT, Manifest, uid_of

TRUSTED_FOR = timedelta(seconds=5)
"""How long what was read answers for all objects of a namespace."""


@dataclass(slots=True)
class _Reading:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    at: datetime | None = None
    messages: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Failures:
    """Reads the Events of one reason for a whole namespace at once, and not again for some seconds.

    The API server has no index of Events: it reads all of a namespace for each question. Asked for each object by
    itself, many pods that wait would cost the square of their number, just when the cluster is slow.
    """

    client: Client
    _readings: dict[tuple[str, str], _Reading] = field(default_factory=lambda: defaultdict(_Reading))

    async def latest(self, about: Manifest, reason: str, now: datetime, *, over: str = "") -> str:
        """Return the newest message of this reason about an object; empty where there is none.

        over: reason of the Events that tell of its end, always the same for one reason. An Event stays for an hour:
        what was told no later than the last of these is no news of the present.
        """
        namespace = about["metadata"]["namespace"]
        reading = self._readings[namespace, reason]
        async with reading.lock:
            if reading.at is None or not reading.at <= now < reading.at + TRUSTED_FOR:
                reading.messages = await self._messages(namespace, reason, over)
                reading.at = now
        return reading.messages.get(uid_of(about), "")

    async def _messages(self, namespace: str, reason: str, over: str) -> dict[str, str]:
        told = await self._newest(namespace, reason)
        ended = await self._newest(namespace, over) if told and over else {}
        return {
            uid: str(event.get("message", ""))
            for uid, event in told.items()
            if uid not in ended or _told_at(ended[uid]) < _told_at(event)
        }

    async def _newest(self, namespace: str, reason: str) -> dict[str, Manifest]:
        """Return the newest Event of a reason about each object, by the object's uid."""
        events = await self.client.list(CORE_EVENT, namespace, fields={"reason": reason})
        return {str(event["involvedObject"].get("uid")): event for event in sorted(events, key=_told_at)}


def _told_at(event: Manifest) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")
