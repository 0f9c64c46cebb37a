"""The one place with effects: look, plan, do, look again; write the status last, where it says something new."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from uuid import uuid4

from trading_api.reasons import AcceptedReason
from trading_operator.actions import Action, Annotate, Apply, Create, Decide, Delete, Replace, SetFinalizers, target_of
from trading_operator.desired.deployment import desired
from trading_operator.desired.names import MANAGED_BY
from trading_operator.desired.refusal import Refusal
from trading_operator.desired.stateful_set import replicas_of, revision_in
from trading_operator.failures import Failures
from trading_operator.kube import errors
from trading_operator.kube.client import Client
from trading_operator.load import Loader
from trading_operator.memory import Memory, key_of
from trading_operator.objects import (
    EVENT,
    PERSISTENT_VOLUME_CLAIM,
    STATEFUL_SET,
    DeploymentKey,
    Manifest,
    ObjectRef,
    owner_uid_of,
    ref_of,
    resource_version_of,
    uid_of,
)
from trading_operator.observe.observed import Observed, Remains
from trading_operator.observe.situation import assess
from trading_operator.observe.status import changed, removal_status, status
from trading_operator.observe.stops import untold_stop
from trading_operator.observe.transitions import Note, kept, left, transitions
from trading_operator.plan import Plan, lets_go, plan, plan_removal
from trading_operator.settings import RenderSettings
from trading_operator.work_queue import Again

log = logging.getLogger(__name__)

MAX_STEPS = 12
"""Looks in one go; what is never done, such as a change that a webhook always takes back, must not keep a worker."""
AT_ONCE = 2
"""How often in one go a write that came too late is answered by another look; after that others go first."""
NOTE_LENGTH = 1000
POD_TELLS_WITHIN = 1.0
"""Seconds in which the pod of a started node tells more: the status is written then, or after that without it."""


class RefusedByClusterError(Exception):
    """The cluster refused what was wanted: told in the status, tried again later."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.message)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Reconciler:
    """Makes the cluster as one TradingDeployment says. Running it twice changes nothing."""

    client: Client
    settings: RenderSettings
    instance: str = "trading-operator"
    """Name of this process, in Events."""
    now: Callable[[], datetime] = _utc_now
    on_phase: Callable[[DeploymentKey, str], None] = lambda _key, _phase: None
    read_anew_after: timedelta = timedelta(minutes=10)
    memory: Memory = field(default_factory=Memory)
    failures: Failures = field(init=False)

    def __post_init__(self) -> None:
        self.failures = Failures(self.client)

    async def reconcile(self, key: DeploymentKey) -> Again:
        """Work on one deployment until there is nothing to do now."""
        loader, too_late = Loader(self.client, self.memory, self.failures, self.read_anew_after), 0
        try:
            for _ in range(MAX_STEPS):
                try:
                    found = await loader.load(key, self.now())
                    again = await (self._remove(found) if isinstance(found, Remains) else self._keep(found))
                except (errors.ConflictError, errors.NotFoundError):
                    too_late += 1
                    if too_late > AT_ONCE:
                        raise
                    continue
                if again is not None:
                    self.memory.forget_stateful_set(key)
                    return again
            raise errors.UnsettledError(
                f"{key}: not as it should be after {MAX_STEPS} looks; does a webhook or a policy take changes back?"
            )
        except errors.ApiError:
            self.memory.forget_reading(key)
            raise

    async def _keep(self, observed: Observed) -> Again | None:
        """Take one step for a deployment that is there to stay; None: look again."""
        situation = assess(desired(observed.deployment, observed.known, self.settings), observed, self.now())
        todo = plan(situation)
        try:
            await self._execute(observed.key, todo)
        except RefusedByClusterError as refused:
            written = self.memory.stateful_set(observed.key)
            replaced = written is not None and revision_in(written) == situation.target
            situation = replace(situation, refused=not replaced)
            # What was done before the refusal may have changed the deployment itself.
            present = await self.client.get(ref_of(observed.deployment))
            if present is not None and uid_of(present) == uid_of(observed.deployment):
                await self._report(present, status(situation, refused.refusal))
            raise
        if todo.stages:
            starts = any(map(_starts_node, chain(*todo.stages)))
            return Again(after=POD_TELLS_WITHIN) if starts and self.memory.may_wait_for_pod(observed.key) else None
        await self._report(observed.deployment, status(situation, todo.refusal))
        return self._wake(todo)

    async def _remove(self, remains: Remains) -> Again | None:
        """Take one step for a deployment that is gone or going; None: look again."""
        todo = plan_removal(remains, self.now())
        try:
            await self._execute(remains.key, todo)
        except RefusedByClusterError as refused:
            if remains.deployment is not None:
                wanted = removal_status(remains.deployment, remains, self.now(), refused.refusal)
                await self._report(remains.deployment, wanted)
            raise
        if remains.deployment is not None and lets_go(todo):
            await self._say_farewell(remains.deployment, remains.kept)
        if todo.stages:
            return None
        if remains.deployment is not None:
            await self._report(remains.deployment, removal_status(remains.deployment, remains, self.now()))
        elif not remains.found:
            self.memory.forget(remains.key)
            self.on_phase(remains.key, "")
            return Again(forget=True)
        return self._wake(todo)

    async def _say_farewell(self, deployment: Manifest, claims: Sequence[ObjectRef]) -> None:
        """Tell of what a deployment leaves behind; its status goes with it."""
        if (finding := untold_stop(deployment)) is not None:
            await self._emit(deployment, left(finding))
        if claims:
            await self._emit(deployment, kept(claims))

    def _wake(self, todo: Plan) -> Again:
        return Again(after=None if todo.wake_at is None else (todo.wake_at - self.now()).total_seconds() + 0.05)

    async def _execute(self, key: DeploymentKey, todo: Plan) -> None:
        for stage in todo.stages:
            done = await asyncio.gather(*(self._do(key, action) for action in stage), return_exceptions=True)
            failed = [answer for answer in done if isinstance(answer, BaseException)]
            if failed:
                raise failed[0]

    async def _do(self, key: DeploymentKey, action: Action) -> None:
        try:
            match action:
                case Create(manifest):
                    self.memory.wrote(key, await self._create(manifest))
                case Apply(manifest):
                    self.memory.wrote(key, await self.client.apply(manifest))
                case Replace(manifest):
                    self.memory.wrote(key, await self.client.replace(manifest))
                case Decide(live, manifest):
                    self.memory.wrote(key, await self.client.decide(live, manifest))
                case SetFinalizers(manifest, finalizers):
                    self.memory.wrote(key, await self.client.set_finalizers(manifest, finalizers))
                case Annotate(manifest, annotations):
                    self.memory.wrote(key, await self.client.annotate(manifest, annotations))
                case Delete(ref, uid, resource_version):
                    await self.client.delete(ref, uid, resource_version)
                    self.memory.deleted(key, ref)
        except (errors.ConflictError, errors.NotFoundError):
            self.memory.misjudged(key, target_of(action))
            raise
        except (errors.InvalidError, errors.ForbiddenError) as error:
            raise RefusedByClusterError(_refusal(action, error)) from error

    async def _create(self, manifest: Manifest) -> Manifest:
        try:
            return await self.client.create(manifest)
        except errors.AlreadyExistsError as error:
            there = await self.client.get(ref_of(manifest))
            retained = ref_of(manifest).kind is PERSISTENT_VOLUME_CLAIM and there is not None and owner_uid_of(there)
            if there is not None and not retained and owner_uid_of(there) != owner_uid_of(manifest):
                name = ref_of(manifest)
                message = f"{name}: exists and was not made for this deployment; delete or rename it"
                raise RefusedByClusterError(Refusal(AcceptedReason.NAME_CONFLICT, message)) from error
            raise errors.ConflictError(str(error), error.status) from error

    async def _report(self, deployment: Manifest, wanted: dict[str, Any]) -> None:
        """Write the status where it says something new, and tell of what changed."""
        self.on_phase(key_of(deployment), wanted["phase"])
        self.memory.told(key_of(deployment))
        if not changed(deployment, wanted):
            return
        self.memory.saw(await self.client.apply_status(_status_manifest(deployment, wanted)))
        for note in transitions(deployment.get("status") or {}, wanted):
            await self._emit(deployment, note)

    async def _emit(self, deployment: Manifest, note: Note) -> None:
        """Make an Event; it is a courtesy, so that its failure is only logged."""
        log.info("%s: %s", note.reason, note.note, extra={"deployment": str(key_of(deployment))})
        try:
            await self.client.create(_event(deployment, note, self.instance, self.now()))
        except errors.ApiError as error:
            log.warning("no Event: %s", error, extra={"deployment": str(key_of(deployment))})


def _starts_node(action: Action) -> bool:
    return isinstance(action, Decide) and not replicas_of(action.live) and replicas_of(action.manifest) > 0


def _refusal(action: Action, error: errors.ApiError) -> Refusal:
    if target_of(action).kind is PERSISTENT_VOLUME_CLAIM:
        return Refusal(
            AcceptedReason.STORAGE_REFUSED,
            "the cluster refuses the claim of the state volume; correct spec.state, or the quota (a volume grows only"
            f" where its StorageClass allows it): {error}",
        )
    if isinstance(error, errors.ForbiddenError):
        return Refusal(AcceptedReason.FORBIDDEN_BY_CLUSTER, f"the cluster forbids it; ask its administrator: {error}")
    if target_of(action).kind is STATEFUL_SET:
        return Refusal(
            AcceptedReason.POD_TEMPLATE_REFUSED, f"the cluster refuses the pod; correct spec.podTemplate: {error}"
        )
    return Refusal(AcceptedReason.REFUSED_BY_CLUSTER, str(error))


def _status_manifest(deployment: Manifest, wanted: dict[str, Any]) -> Manifest:
    metadata = deployment["metadata"]
    return {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": uid_of(deployment),
            "resourceVersion": resource_version_of(deployment),
        },
        "status": wanted,
    }


def _event(deployment: Manifest, note: Note, instance: str, now: datetime) -> Manifest:
    metadata = deployment["metadata"]
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {"name": f"{metadata['name']}.{uuid4().hex[:16]}", "namespace": metadata["namespace"]},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": MANAGED_BY,
        "reportingInstance": instance[:128],
        "action": note.action,
        "reason": note.reason,
        "type": note.type,
        "note": note.note.encode()[:NOTE_LENGTH].decode(errors="ignore"),
        "regarding": {
            "apiVersion": deployment["apiVersion"],
            "kind": deployment["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": uid_of(deployment),
        },
    }
