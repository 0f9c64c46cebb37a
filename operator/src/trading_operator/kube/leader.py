"""Leader election on a Lease: one operator acts, the others stand by.

A leader may write only until ``RENEW_DEADLINE`` after the moment before its last successful renewal was sent, by the
clock that runs on while the machine sleeps; a successor waits ``LEASE_DURATION`` from its own first sight of that
renewal. Whoever loses the lease ends the process: no coroutine of it can then write on.
"""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from trading_operator.kube import errors
from trading_operator.kube.client import Client
from trading_operator.objects import LEASE, Manifest, ObjectRef

log = logging.getLogger(__name__)

LEASE_DURATION = 15.0
RENEW_DEADLINE = 10.0
RETRY_PERIOD = 2.0
EXIT_LOST = 70


def boot_time() -> float:
    """Return seconds of a clock that neither jumps nor stops while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def new_identity() -> str:
    """Return a name that no other process has, nor this one after a restart."""
    return f"{socket.gethostname()}_{secrets.token_hex(6)}"


def end_process() -> None:
    """End at once, without clean-up: another process may be leading already."""
    log.critical("the lease is lost; ending the process")
    logging.shutdown()
    os._exit(EXIT_LOST)


class LeaderElection:
    """Holds, or waits for, one Lease."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        *,
        identity: str | None = None,
        on_lost: Callable[[], None] = end_process,
        clock: Callable[[], float] = boot_time,
    ) -> None:
        self._client = client
        self._ref = ObjectRef(LEASE, namespace, name)
        self.identity = identity or new_identity()
        self._on_lost = on_lost
        self._clock = clock
        self._may_write_until = float("-inf")
        self._seen: tuple[str, str] = ("", "")
        self._seen_at = float("-inf")

    @property
    def leading(self) -> bool:
        """Whether this process may write now."""
        return self._clock() < self._may_write_until

    def permit(self) -> None:
        """Raise NotLeadingError where this process may not write now."""
        if not self.leading:
            raise errors.NotLeadingError("the lease is not ours, or its renewal is overdue")

    async def acquire(self) -> None:
        """Wait until the lease is ours."""
        log.info("waiting for the lease %s as %s", self._ref, self.identity)
        while True:
            if await self._attempt():
                log.info("leading")
                return
            await asyncio.sleep(RETRY_PERIOD)

    async def hold(self) -> None:
        """Renew until cancelled; end the process when a renewal comes too late."""
        while True:
            await asyncio.sleep(RETRY_PERIOD)
            await self._attempt()
            if not self.leading:
                self._on_lost()
                return

    async def release(self) -> None:
        """Give the lease back, so that a successor need not wait."""
        held, self._may_write_until = self.leading, float("-inf")
        if not held:
            return
        try:
            lease = await self._client.get(self._ref)
            if lease is not None and lease["spec"].get("holderIdentity") == self.identity:
                await self._client.replace(
                    lease | {"spec": lease["spec"] | {"holderIdentity": "", "leaseDurationSeconds": 1}}
                )
        except errors.ApiError as error:
            log.warning("the lease could not be released: %s", error)

    async def _attempt(self) -> bool:
        """Try once to take or renew the lease."""
        sent_at = self._clock()
        try:
            async with asyncio.timeout(RENEW_DEADLINE / 2):
                won = await self._take(await self._client.get(self._ref))
        except (errors.ApiError, TimeoutError) as error:
            log.warning("the lease could not be renewed: %s", str(error) or "no answer in time")
            return False
        if won:
            self._may_write_until = sent_at + RENEW_DEADLINE
        else:
            self._may_write_until = float("-inf")
        return won

    async def _take(self, lease: Manifest | None) -> bool:
        """Write ourselves into the lease where it is ours, free or expired."""
        if lease is None:
            await self._client.create(self._manifest({}))
            return True
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder not in {"", self.identity} and not self._expired(holder, spec):
            return False
        await self._client.replace(lease | {"spec": self._spec(spec, taken=holder != self.identity)})
        return True

    def _expired(self, holder: str, spec: dict[str, Any]) -> bool:
        """Tell whether the same renewal has been seen for a full term of our own clock."""
        sight = (holder, str(spec.get("renewTime")))
        if sight != self._seen:
            self._seen, self._seen_at = sight, self._clock()
        return self._clock() >= self._seen_at + float(spec.get("leaseDurationSeconds") or LEASE_DURATION)

    def _manifest(self, spec: dict[str, Any]) -> Manifest:
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.name,
            "metadata": {"name": self._ref.name, "namespace": self._ref.namespace},
            "spec": self._spec(spec, taken=True),
        }

    def _spec(self, before: dict[str, Any], *, taken: bool) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        changes: dict[str, Any] = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": int(LEASE_DURATION),
            "renewTime": now,
        }
        if taken:
            changes |= {"acquireTime": now, "leaseTransitions": int(before.get("leaseTransitions") or 0) + 1}
        return before | changes
