"""One look at the cluster: live reads, in as few round trips as the question needs."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trading_api import wiring
from trading_operator.desired.claim import goes_with_its_deployment
from trading_operator.desired.config_map import config_map
from trading_operator.desired.controller_revision import Recorded
from trading_operator.desired.deployment import named_children
from trading_operator.desired.names import (
    FINALIZER,
    LABEL_MANAGED_BY,
    LABEL_NAME,
    MANAGED_BY,
    NAME_REVISION,
    Owner,
    base_name,
    claim_name,
    owner_of,
    pod_name,
)
from trading_operator.desired.stateful_set import replicas_of
from trading_operator.failures import Failures
from trading_operator.kube.client import Client
from trading_operator.kube.errors import ConflictError
from trading_operator.memory import Memory, Reading
from trading_operator.objects import (
    CHILD_KINDS,
    CONFIG_MAP,
    CONTROLLER_REVISION,
    NAMED_CHILDREN,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    STATEFUL_SET,
    TRADING_DEPLOYMENT,
    DeploymentKey,
    Kind,
    Manifest,
    ObjectRef,
    finalizers_of,
    generation_of,
    is_terminating,
    kind_of,
    owner_uid_of,
    ref_of,
    timestamp,
    uid_of,
)
from trading_operator.observe.observed import Auxiliary, Observed, Remains
from trading_operator.observe.situation import POD_WITHIN
from trading_operator.observe.starting import MOUNTED_WITHIN, mounting_since


@dataclass(frozen=True, slots=True)
class Loader:
    """Reads what there is for one deployment."""

    client: Client
    memory: Memory
    failures: Failures
    read_anew_after: timedelta
    """How long a reading of what holds no decision is trusted where no event tells otherwise."""

    async def load(self, key: DeploymentKey, now: datetime) -> Observed | Remains:
        """Look. For a deployment that is gone or going, what is left of it; else what there is for it."""
        reading, fresh = self.memory.reading(key, since=now - self.read_anew_after), self.memory.is_fresh(key)
        if reading is None:
            self.memory.forget_reading(key)
        stateful_set, pod, read_anew = await asyncio.gather(
            self._stateful_set(key),
            self.client.get(ObjectRef(POD, key.namespace, pod_name(key.name))),
            self._read_anew(key) if reading is None and not fresh else _nothing(),
        )
        # Last: what is missing is then missing while the deployment lives, and not because this process was suspended
        # and the deployment went away meanwhile.
        deployment = await self._deployment(key)
        self.memory.saw(deployment, stateful_set, pod)
        if deployment is None or is_terminating(deployment):
            return Remains(key, deployment, *await self._left(key, deployment))
        if reading is None:
            if fresh and FINALIZER in finalizers_of(deployment):
                raise ConflictError(f"{key}: somebody else has begun with it")
            reading = self.memory.read(key, _understood(owner_of(deployment), read_anew, now))
        return await self._observed(deployment, stateful_set, pod, reading, now)

    async def _observed(
        self, deployment: Manifest, stateful_set: Manifest | None, pod: Manifest | None, reading: Reading, now: datetime
    ) -> Observed:
        """Tell apart what is the deployment's own, what an earlier one left behind, and what is a stranger's."""
        key, uid = owner_of(deployment).key, uid_of(deployment)
        owners = {ref_of(one): owner_uid_of(one) for one in (stateful_set, pod, *reading.records.values()) if one}
        if reading.claim is not None and goes_with_its_deployment(reading.claim):
            owners[ref_of(reading.claim)] = owner_uid_of(reading.claim)
        owners |= {ref: auxiliary.owner_uid for ref, auxiliary in reading.auxiliaries.items()}
        strangers = tuple(ref for ref, owner in owners.items() if not owner)
        if strangers:
            self.memory.forget_reading(key)
        claim = reading.claim
        if claim is not None and not owner_uid_of(claim) and (deployment.get("spec") or {}).get("state"):
            strangers = (*strangers, ref_of(claim))
        mine = stateful_set if stateful_set is not None and owner_uid_of(stateful_set) == uid else None
        return Observed(
            key=key,
            deployment=deployment,
            stateful_set=mine,
            pod=pod if pod is not None and owner_uid_of(pod) == uid else None,
            revisions=tuple(Recorded(one) for one in reading.records.values() if owner_uid_of(one) == uid),
            auxiliaries={ref: one for ref, one in reading.auxiliaries.items() if one.owner_uid == uid},
            leftovers=(await self._left(key, deployment))[0] if set(owners.values()) - {uid, ""} else (),
            strangers=strangers,
            claim=claim,
            answered_generation=self.memory.answered_generation(key, mine),
            creation_failure=await self._creation_failure(mine, pod, now),
            mount_failure=await self._mount_failure(pod, now),
        )

    async def _stateful_set(self, key: DeploymentKey) -> Manifest | None:
        """Return the StatefulSet, from memory where no event told of a change: every write of it is locked."""
        known = self.memory.stateful_set(key)
        if known is None:
            known = await self.client.get(ObjectRef(STATEFUL_SET, key.namespace, base_name(key.name)))
            if known is not None:
                self.memory.remember(key, known)
        return known

    async def _read_anew(self, key: DeploymentKey) -> tuple[Manifest, ...]:
        """Read the named children by name, so that a stranger's is seen too, and list what is named by hash."""
        refs = [ObjectRef(kind, key.namespace, base_name(key.name)) for kind in NAMED_CHILDREN]
        refs.append(ObjectRef(PERSISTENT_VOLUME_CLAIM, key.namespace, claim_name(key.name)))
        named = map(self.client.get, refs)
        listed = (self._list(kind, key) for kind in (CONFIG_MAP, CONTROLLER_REVISION))
        found, many = await asyncio.gather(_gather(named), _gather(listed))
        return (*(one for one in found if one is not None), *(one for ones in many for one in ones))

    async def _deployment(self, key: DeploymentKey) -> Manifest | None:
        return await self.client.get(ObjectRef(TRADING_DEPLOYMENT, key.namespace, key.name))

    async def _left(
        self, key: DeploymentKey, deployment: Manifest | None
    ) -> tuple[tuple[Manifest, ...], tuple[ObjectRef, ...]]:
        """Return what is left of deployments of this name, and of a deployment that is going; then what is kept of it.

        What holds no decision is read only when nothing runs any more.
        """
        but = uid_of(deployment) if deployment is not None and not is_terminating(deployment) else ""
        lists = _gather(self._list(kind, key) for kind in (STATEFUL_SET, POD))
        named = self.client.get(ObjectRef(STATEFUL_SET, key.namespace, base_name(key.name)))
        running, unlabelled = await asyncio.gather(lists, named)
        if unlabelled is not None and owner_uid_of(unlabelled) and not running[0]:
            running[0] = (unlabelled,)
        found = [one for many in running for one in many if owner_uid_of(one) != but]
        if not found:
            others = await _gather(self._list(kind, key) for kind in CHILD_KINDS if kind not in {STATEFUL_SET, POD})
            found = [one for many in others for one in many if owner_uid_of(one) != but]
        kept = [one for one in found if kind_of(one) is PERSISTENT_VOLUME_CLAIM and not goes_with_its_deployment(one)]
        present = await self._deployment(key)
        if (uid_of(present) if present else "") != (uid_of(deployment) if deployment else ""):
            raise ConflictError(f"{key}: another deployment of this name has come, and what was listed may be its own")
        return tuple(one for one in found if one not in kept), tuple(map(ref_of, kept))

    async def _list(self, kind: Kind, key: DeploymentKey) -> tuple[Manifest, ...]:
        labels = {LABEL_MANAGED_BY: MANAGED_BY, wiring.LABEL_DEPLOYMENT: key.name}
        if kind is CONTROLLER_REVISION:
            labels[LABEL_NAME] = NAME_REVISION  # the StatefulSet's own ones carry its pod's labels
        return tuple(await self.client.list(kind, key.namespace, labels=labels))

    async def _creation_failure(self, stateful_set: Manifest | None, pod: Manifest | None, now: datetime) -> str:
        """Return why a StatefulSet that should have made its pod by now could not: only Events tell."""
        if stateful_set is None or pod is not None or not replicas_of(stateful_set):
            return ""
        created = timestamp(stateful_set["metadata"].get("creationTimestamp"))
        tried = (stateful_set.get("status") or {}).get("observedGeneration", 0) >= generation_of(stateful_set)
        if created is None or now < created + POD_WITHIN or not tried:
            return ""
        return await self.failures.latest(stateful_set, "FailedCreate", now, over="SuccessfulCreate")

    async def _mount_failure(self, pod: Manifest | None, now: datetime) -> str:
        """Return why a pod that should have its volumes by now has not: only Events tell."""
        since = mounting_since(pod) if pod is not None else None
        if pod is None or since is None or now < since + MOUNTED_WITHIN:
            return ""
        return await self.failures.latest(pod, "FailedMount", now)


def _understood(owner: Owner, found: tuple[Manifest, ...], now: datetime) -> Reading:
    """Boil what holds no decision down to what must be known of it; keep the records whole."""
    records = {ref_of(one): one for one in found if kind_of(one) is CONTROLLER_REVISION}
    revisions = [Recorded(one) for one in records.values() if owner_uid_of(one) == owner.uid]
    wanted = [*named_children(owner), *(config_map(owner, one.hash, one.config) for one in revisions)]
    by_ref = {ref_of(one): one for one in wanted}
    claim = next((one for one in found if kind_of(one) is PERSISTENT_VOLUME_CLAIM), None)
    others = [one for one in found if ref_of(one) not in records and one is not claim]
    return Reading(now, {ref_of(one): Auxiliary.of(one, by_ref.get(ref_of(one))) for one in others}, records, claim)


async def _nothing() -> tuple[Manifest, ...]:
    return ()


async def _gather[Answer](questions: Iterable[Awaitable[Answer]]) -> list[Answer]:
    return list(await asyncio.gather(*questions))
