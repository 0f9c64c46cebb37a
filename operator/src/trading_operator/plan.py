"""What to do next: pure, from one look at the cluster.

Never two pods. A StatefulSet of 0 or 1 makes a pod only after the former one's object is gone, and so:
its template changes only right before its pod is deleted, its pod is never deleted by force, it is itself deleted only
when it is known to run none, and a second one under another name is never made.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trading_api.reasons import AcceptedReason
from trading_operator.actions import Action, Annotate, Apply, Create, Decide, Delete, Replace, SetFinalizers, delete
from trading_operator.desired.claim import (
    grown,
    is_marked,
    is_to_be_kept,
    marked,
    retained,
    storage_class_of,
    whose_books,
)
from trading_operator.desired.config_map import config_map
from trading_operator.desired.controller_revision import Recorded
from trading_operator.desired.deployment import named_children
from trading_operator.desired.names import ANNOTATION_LIMITS, FINALIZER
from trading_operator.desired.refusal import Refusal
from trading_operator.desired.stateful_set import replicas_of, restated, revision_in, scaled_to_zero, stateful_set
from trading_operator.objects import (
    CONFIG_MAP,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    ROLE_BINDING,
    STATEFUL_SET,
    Manifest,
    ObjectRef,
    annotations_of,
    finalizers_of,
    generation_of,
    is_terminating,
    kind_of,
    labels_of,
    owner_uid_of,
    ref_of,
    uid_of,
)
from trading_operator.observe.drift import covers
from trading_operator.observe.observed import Observed, Remains
from trading_operator.observe.pod import stop_deadline
from trading_operator.observe.situation import Situation
from trading_operator.outcome import ANNOTATION

KEPT_REVISIONS = 3
"""Revisions that are kept beside the approved, the latest and the running one."""

STRANGERS_AGAIN = timedelta(seconds=30)
"""When to look again whether a stranger's object has gone: no event tells of it."""

type Stage = tuple[Action, ...]
"""Actions that do not depend on one another."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, stage after stage; after that, look again."""

    stages: tuple[Stage, ...] = ()
    refusal: Refusal | None = None
    """Why nothing more can be done for the newest spec."""
    wake_at: datetime | None = None
    """When to look again though nothing happened."""

    @classmethod
    def of(cls, *stages: Iterable[Action], refusal: Refusal | None = None, wake_at: datetime | None = None) -> "Plan":
        """Make a plan of the stages that hold something."""
        return cls(tuple(stage for stage in map(tuple, stages) if stage), refusal, wake_at)


def plan(situation: Situation) -> Plan:
    """Return what to do for a deployment that is there to stay."""
    observed = situation.observed
    if stop := tuple(_suspension(situation)):
        return Plan.of(stop, refusal=situation.desired.refusal)
    if observed.strangers:
        return _held_up(situation, _name_conflict(observed.strangers))
    if observed.leftovers:
        return plan_removal(Remains(observed.key, None, observed.leftovers), situation.now)
    if conflict := _state_conflict(situation):
        return _held_up(situation, conflict)
    bindings, children = _apart(_named_children(situation))
    return Plan.of(
        _finalizer(observed),
        [*children, *_limits(situation), *_claim(situation), *_revision_objects(situation)],
        [*bindings, *_stateful_set(situation)],
        _pod(situation),
        _bookkeeping(situation),
        _growth(situation),
        refusal=situation.desired.refusal,
        wake_at=situation.wake_at,
    )


def plan_removal(remains: Remains, now: datetime) -> Plan:
    """Return what to do until nothing is left: stop, wait for the pod's end, take away the rest, let go.

    Also for what an earlier deployment of the same name left behind.
    """
    found = remains.found
    stateful_sets = [manifest for manifest in found if kind_of(manifest) is STATEFUL_SET]
    pods = [manifest for manifest in found if kind_of(manifest) is POD]
    wake_at = min((time for pod in pods if (time := stop_deadline(pod)) and time > now), default=None)
    if stateful_sets:
        return Plan.of((action for one in stateful_sets for action in _stop(one, pods)), wake_at=wake_at)
    if pods:
        return Plan.of((delete(pod) for pod in pods if not is_terminating(pod)), wake_at=wake_at)
    if keep := [Replace(retained(claim)) for claim in found if _keeps(remains.deployment, claim)]:
        return Plan.of(keep)
    if found:
        return Plan.of(delete(manifest) for manifest in found if not is_terminating(manifest))
    return Plan.of(_let_go(remains.deployment))


def _keeps(deployment: Manifest | None, child: Manifest) -> bool:
    claims = kind_of(child) is PERSISTENT_VOLUME_CLAIM and not is_terminating(child)
    return claims and deployment is not None and is_to_be_kept(child, deployment)


def _name_conflict(strangers: Sequence[ObjectRef]) -> Refusal:
    names = ", ".join(map(str, strangers))
    return Refusal(
        AcceptedReason.NAME_CONFLICT,
        f"{names}: not made for this deployment; delete or rename it, or give the deployment another name",
    )


def lets_go(todo: Plan) -> bool:
    """Tell whether a plan gives up the hold on the deployment: all that was to be taken away is gone."""
    return any(isinstance(action, SetFinalizers) for stage in todo.stages for action in stage)


def _state_conflict(situation: Situation) -> Refusal | None:
    """Say why the claim of an earlier deployment cannot be taken up, where it cannot."""
    wanted, there, owner = situation.desired.claim, situation.observed.claim, situation.desired.owner
    if wanted is None or there is None or owner_uid_of(there) == owner.uid:
        return None
    books, of_class = whose_books(there), storage_class_of(wanted)
    if books != whose_books(wanted):
        is_so = f"it holds the books of {books or 'somebody else'}"
    elif of_class is not None and of_class != storage_class_of(there):
        is_so = f"it is of StorageClass {storage_class_of(there)}, and a volume cannot change its class"
    else:
        return None
    return Refusal(
        AcceptedReason.STATE_CONFLICT,
        f"{ref_of(there)} is of an earlier deployment and cannot be taken up, because {is_so}; give the deployment"
        f" another name, or save the books and kubectl delete pvc {owner.claim_name} -n {owner.namespace}",
    )


def _limits(situation: Situation) -> Iterator[Action]:
    """Write the limits of a new generation, at once and whatever revision runs: the node follows them."""
    wanted, there = situation.limits, situation.observed.limits
    if wanted is None or situation.latest is None:
        return
    if there is None:
        yield Create(wanted)
    else:
        lock = {"uid": there.uid, "resourceVersion": there.resource_version}
        yield Replace(wanted | {"metadata": wanted["metadata"] | lock})


def _held_up(situation: Situation, refusal: Refusal) -> Plan:
    """Return what is done though something stands in the way of the rest: limits there change, none is made."""
    limits = _limits(situation) if situation.observed.limits is not None else ()
    return Plan.of(limits, _told_of_limits(situation), refusal=refusal, wake_at=situation.now + STRANGERS_AGAIN)


def _claim(situation: Situation) -> Iterator[Action]:
    """Ask for the state volume, or take up the one that an earlier deployment of the same books left."""
    wanted, there = situation.desired.claim, situation.observed.claim
    if wanted is None or situation.latest is None:
        return
    if there is None:
        yield Create(wanted)
    elif not is_terminating(there) and not is_marked(there, wanted):
        yield Replace(marked(there, wanted))


def _growth(situation: Situation) -> Iterator[Action]:
    """Ask for a larger state volume; last, because a cluster that refuses it must hold up nothing else."""
    wanted, there = situation.desired.claim, situation.observed.claim
    if wanted is None or there is None or is_terminating(there) or not is_marked(there, wanted):
        return
    if (larger := grown(there, wanted)) is not None:
        yield Replace(larger)


def _finalizer(observed: Observed) -> Iterator[Action]:
    deployment = observed.deployment
    if FINALIZER not in finalizers_of(deployment):
        yield SetFinalizers(deployment, (*finalizers_of(deployment), FINALIZER))


def _let_go(deployment: Manifest | None) -> Iterator[Action]:
    if deployment is not None and FINALIZER in finalizers_of(deployment):
        yield SetFinalizers(deployment, tuple(name for name in finalizers_of(deployment) if name != FINALIZER))


def _named_children(situation: Situation) -> Iterator[Action]:
    if situation.latest is None:
        return
    for wanted in named_children(situation.desired.owner):
        there = situation.observed.auxiliaries.get(ref_of(wanted))
        if there is None:
            yield Create(wanted)
        elif not there.faithful:
            yield Apply(wanted)


def _apart(children: Iterable[Action]) -> tuple[list[Action], list[Action]]:
    """Return the actions on RoleBindings, and the others.

    The API server refuses a binding to a Role that its own cache has not seen yet: the Role comes a stage before, and
    nothing but its own retry waits for a binding that came too early.
    """
    bindings: list[Action] = []
    others: list[Action] = []
    for action in children:
        binds = isinstance(action, Create | Apply) and kind_of(action.manifest) is ROLE_BINDING
        (bindings if binds else others).append(action)
    return bindings, others


def _revision_objects(situation: Situation) -> Iterator[Action]:
    """Record a new revision, and restore the ConfigMaps that the approved and the latest one need."""
    owner = situation.desired.owner
    for record in _needed(situation):
        wanted = config_map(owner, record.hash, record.config)
        if ref_of(wanted) not in situation.observed.auxiliaries:
            yield Create(wanted)
    asked = situation.record_of(situation.desired.rendering.hash) if situation.desired.rendering else None
    if asked is not None:
        yield Replace(asked.manifest) if uid_of(asked.manifest) else Create(asked.manifest)


def _needed(situation: Situation) -> list[Recorded]:
    hashes = {situation.approved, situation.latest.hash if situation.latest else ""}
    return [record for record in situation.records if record.hash in hashes]


def _suspension(situation: Situation) -> Iterator[Action]:
    """Stop what is suspended before all else: nothing that stands in the way of the rest may keep a node trading."""
    live = situation.observed.stateful_set
    if situation.desired.suspended and live is not None and replicas_of(live) and not is_terminating(live):
        yield Decide(live, scaled_to_zero(live))


def _stateful_set(situation: Situation) -> Iterator[Action]:
    """Write the template, the outcome and the replicas as one decision."""
    live, replicas, outcome = situation.observed.stateful_set, situation.wanted_replicas, situation.wanted_outcome
    record = situation.record_of(situation.target)
    if live is None:
        if record is not None:
            # To run nothing yet: its first pod is a second write, which a former leader that wakes up cannot make.
            yield Create(stateful_set(situation.desired.owner, record.template, replicas=0))
        return
    if is_terminating(live):
        return
    template = live["spec"]["template"]
    if record is not None and not _stands(situation, live, record):
        template = record.template
    same_outcome = annotations_of(live).get(ANNOTATION) == (outcome.to_json() if outcome is not None else None)
    wanted = restated(live, template=template, replicas=replicas, outcome=outcome)
    if not same_outcome or wanted["spec"] != live["spec"] or labels_of(wanted) != labels_of(live):
        yield Decide(live, wanted)


def _stands(situation: Situation, live: Manifest, record: Recorded) -> bool:
    """Tell whether the live template is the recorded one, however the API server wrote it down."""
    if revision_in(live) != record.hash:
        return False
    answered = situation.observed.answered_generation == generation_of(live)
    return answered or covers(live["spec"]["template"], record.template)


def _pod(situation: Situation) -> Iterator[Action]:
    """Delete a pod of another revision than the template's; its StatefulSet makes the next when it is gone.

    One of the right revision is told of new limits.
    """
    pod, live = situation.pod, situation.observed.stateful_set
    if pod is None or live is None or is_terminating(pod) or is_terminating(live):
        return
    if situation.running != situation.target:
        if situation.wanted_replicas:
            yield delete(pod)
    else:
        yield from _told_of_limits(situation)


def _told_of_limits(situation: Situation) -> Iterator[Action]:
    """Have the kubelet bring new limits at once: a pod that changes is synced, and its volumes with it."""
    pod = situation.pod
    if pod is None or is_terminating(pod) or not situation.limits_differ:
        return
    if annotations_of(pod).get(ANNOTATION_LIMITS) != situation.limits_hash:
        yield Annotate(pod, {ANNOTATION_LIMITS: situation.limits_hash})


def _bookkeeping(situation: Situation) -> Iterator[Action]:
    """Mark the approved revision as such, and forget old ones. Only when nothing else is to be done with them."""
    if situation.observed.stateful_set is None or situation.desired.rendering is not None or situation.gate_open:
        return
    approvals = [record.approval for record in situation.records]
    approved = situation.record_of(situation.approved)
    if approved is not None and (approved.approval == 0 or approved.approval < max(approvals)):
        yield Replace(approved.approved_as(max(approvals) + 1))
        return
    yield from _prune(situation)


def _prune(situation: Situation) -> Iterator[Action]:
    needed = {record.hash for record in _needed(situation)} | {situation.approved, situation.running}
    others = [record for record in situation.records if record.hash not in needed]
    kept = needed | {record.hash for record in others[:KEPT_REVISIONS]}
    yield from (delete(record.manifest) for record in others[KEPT_REVISIONS:])
    owner = situation.desired.owner
    kept_names = {owner.limits_name} | {owner.revision_name(revision) for revision in kept}
    for ref, there in situation.observed.auxiliaries.items():
        if ref.kind is CONFIG_MAP and ref.name not in kept_names:
            yield Delete(ref, there.uid, there.resource_version)


def _stop(live: Manifest, pods: Sequence[Manifest]) -> Iterator[Action]:
    if is_terminating(live):
        return
    if replicas_of(live):
        yield Decide(live, scaled_to_zero(live))
    elif _settled(live):
        # Pods that are there all the same are none of its own, such as copies with all labels: nobody else stops them.
        yield from (delete(one) for one in pods or [live] if not is_terminating(one))


def _settled(live: Manifest) -> bool:
    """Tell whether the StatefulSet's controller knows of the zero: until then it may still make a pod."""
    status = live.get("status") or {}
    return status.get("observedGeneration", 0) >= generation_of(live) and not status.get("replicas")
