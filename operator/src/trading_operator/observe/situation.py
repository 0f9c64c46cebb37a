"""What the cluster's state means for one deployment: the ground of both the plan and the status."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from trading_api import wiring
from trading_api.reasons import DegradedReason, ProgressReason
from trading_api.status import NodeState, Phase
from trading_operator.desired.controller_revision import Recorded, controller_revision
from trading_operator.desired.deployment import Desired
from trading_operator.desired.limits import hash_of, with_those_of_what_still_runs
from trading_operator.desired.stateful_set import replicas_of, revision_in
from trading_operator.objects import Manifest, is_terminating, labels_of, timestamp
from trading_operator.observe.containers import node_container
from trading_operator.observe.finding import Finding, sentence
from trading_operator.observe.observed import Observed
from trading_operator.observe.pod import diagnose, node_failure, stop_deadline
from trading_operator.observe.report import Report, present_report
from trading_operator.observe.starting import diagnose_start, start_deadlines
from trading_operator.observe.stops import left_by_the_last_stop
from trading_operator.outcome import Outcome, recorded_outcome

REPORT_WITHIN = timedelta(seconds=90)
"""How long a running node may take to its first report before somebody should look."""
POD_WITHIN = timedelta(seconds=5)
"""How long a StatefulSet may take to make its pod before somebody should look."""
_LOOKS_FOR_POD = tuple(timedelta(seconds=seconds) for seconds in (6, 15))
_LOOKS_FOR_POD_EACH = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One deployment that is there and not being deleted."""

    desired: Desired
    observed: Observed
    now: datetime
    records: tuple[Recorded, ...]
    """All revisions, the newest generation first; with the one that is yet to be written, if there is one."""
    approved: str
    """The revision that the template holds, or would hold if the StatefulSet were there; empty where none is."""
    outcome: Outcome | None
    """How the approved revision ended for good, if it has."""
    report: Report | None
    finding: Finding | None
    refused: bool = False
    """Whether the cluster has just refused what the pending revision needs, so that it replaces nothing."""

    @property
    def pod(self) -> Manifest | None:
        """The present pod."""
        return self.observed.pod

    @property
    def running(self) -> str:
        """The revision of the present pod."""
        return labels_of(self.pod).get(wiring.LABEL_REVISION, "") if self.pod else ""

    @property
    def silent(self) -> bool:
        """Whether the present node has reported, but not for so long that nobody knows what it does."""
        return self.report is not None and self.report.is_silent(self.now)

    @property
    def leaving(self) -> bool:
        """Whether the present pod is to make room, or is already about to."""
        return self.pod is not None and (self.running != self.target or is_terminating(self.pod))

    @property
    def latest(self) -> Recorded | None:
        """The revision that the newest accepted spec asks for.

        The approved one where it was made from the same: a former leader that wakes up may have recorded another
        rendering of it.
        """
        newest = self.records[0] if self.records else None
        approved = self.record_of(self.approved)
        same = approved is not None and newest is not None and approved.source == newest.source != ""
        return approved if same else newest

    @property
    def pending(self) -> Recorded | None:
        """The revision that waits to replace the approved one."""
        return self.latest if self.latest is not None and self.latest.hash != self.approved else None

    @property
    def gate_open(self) -> bool:
        """Whether the pending revision may replace the approved one now."""
        return self.granted and not self.refused

    @property
    def granted(self) -> bool:
        """Whether nobody's approval is missing for the pending revision to replace the approved one."""
        if self.pending is None:
            return False
        return not self.desired.needs_approval or self.desired.approved_by_person == self.pending.hash

    @property
    def promoted(self) -> Recorded | None:
        """The revision that replaces the approved one now."""
        return self.pending if self.gate_open else None

    @property
    def target(self) -> str:
        """The revision that the pod should be of."""
        return self.promoted.hash if self.promoted is not None else self.approved

    @property
    def wanted_outcome(self) -> Outcome | None:
        """The outcome that stands; a new revision starts without one."""
        return None if self.promoted is not None else self.outcome

    @property
    def wanted_replicas(self) -> int:
        """How many pods there should be."""
        return 0 if self.desired.suspended or self.wanted_outcome is not None else 1

    @property
    def wake_at(self) -> datetime | None:
        """When the passing of time alone changes what this means."""
        times = [
            stop_deadline(self.pod) if self.pod else None,
            _report_deadline(self.pod),
            self.report.silent_at if self.report else None,
            *_pod_deadlines(self.observed, self.now),
            *start_deadlines(self.pod),
        ]
        return min((time for time in times if time is not None and time > self.now), default=None)

    @property
    def limits(self) -> Manifest | None:
        """The limits to be written; None where those stand there that should."""
        wanted, there = self.desired.limits, self.observed.limits
        approved, latest = self.record_of(self.approved), self.latest
        if wanted is None or there is None or approved is None or latest is None or approved.hash == latest.hash:
            return wanted
        return with_those_of_what_still_runs(wanted, there.limits_text, approved.config, latest.config)

    @property
    def limits_hash(self) -> str:
        """Hash of the newest limits; empty where there are none yet."""
        if (wanted := self.limits) is not None:
            return hash_of(wanted)
        return self.observed.limits.limits_hash if self.observed.limits is not None else ""

    @property
    def limits_differ(self) -> bool:
        """Whether the present node says that it applies other limits than the newest."""
        told = self.report.limits_hash if self.report is not None else ""
        return bool(told) and not self.leaving and told != self.limits_hash

    @property
    def limits_on_their_way(self) -> bool:
        """Whether the present node is about to apply newer limits: it does not yet, and does not say that it cannot."""
        return self.limits_differ and self.report is not None and not self.report.limits_error

    def record_of(self, revision: str) -> Recorded | None:
        """Return a revision's record."""
        return next((record for record in self.records if record.hash == revision), None)


def assess(desired: Desired, observed: Observed, now: datetime) -> Situation:
    """Say what was observed means for what is desired."""
    records = _records(desired, observed)
    approved = _approved(observed, records)
    report = present_report(observed.deployment, observed.pod)
    return Situation(
        desired=desired,
        observed=observed,
        now=now,
        records=records,
        approved=approved,
        outcome=_outcome(desired, observed, approved, report),
        report=report,
        finding=_finding(observed, report, now),
    )


def _records(desired: Desired, observed: Observed) -> tuple[Recorded, ...]:
    records = {record.hash: record for record in observed.revisions}
    if desired.rendering is not None:
        new = desired.rendering
        known = records.get(new.hash)
        manifest = (
            known.of_generation(desired.generation, new.source)
            if known
            else controller_revision(desired.owner, new, desired.generation)
        )
        first = observed.stateful_set is None and not records
        # What replaces nothing needs no approval; recorded at once, it is what comes back if the StatefulSet is lost.
        records[new.hash] = Recorded(Recorded(manifest).approved_as(1) if first else manifest)
    return tuple(sorted(records.values(), key=lambda record: record.generation, reverse=True))


def _approved(observed: Observed, records: tuple[Recorded, ...]) -> str:
    if observed.stateful_set is not None:
        return revision_in(observed.stateful_set)
    approvals = [record for record in records if record.approval]
    return max(approvals, key=lambda record: record.approval).hash if approvals else ""


def _outcome(desired: Desired, observed: Observed, approved: str, report: Report | None) -> Outcome | None:
    """Return how the approved revision ended for good. Suspending and resuming starts it again."""
    if desired.suspended or observed.stateful_set is None:
        return None
    recorded = recorded_outcome(observed.stateful_set)
    if recorded is not None and recorded.revision == approved:
        return recorded
    pod = observed.pod
    if pod is None or labels_of(pod).get(wiring.LABEL_REVISION) != approved or replicas_of(observed.stateful_set) == 0:
        return None
    if report is not None and report.completed:
        return Outcome(
            approved, Phase.COMPLETED, ProgressReason.COMPLETED, report.message or "the replay ran to its end"
        )
    failure = _permanent_failure(pod, report)
    return Outcome(approved, Phase.FAILED, failure.reason, failure.message) if failure is not None else None


def _permanent_failure(pod: Manifest, report: Report | None) -> Finding | None:
    node = node_container(pod)
    if node is None or node.end is None or not node.end.permanent or (report is not None and report.trading):
        return None
    return node_failure(node)


def _finding(observed: Observed, report: Report | None, now: datetime) -> Finding | None:
    """Return what is wrong, first what is so now, then what the last stop left and no node has looked after."""
    looked_after = report is not None and (report.trading or report.completed) and not report.is_silent(now)
    return _present_finding(observed, report, now) or (
        None if looked_after else left_by_the_last_stop(observed.deployment)
    )


def _present_finding(observed: Observed, report: Report | None, now: datetime) -> Finding | None:
    pod = observed.pod
    if pod is None:
        if observed.creation_failure:
            return Finding(
                DegradedReason.POD_REFUSED, sentence("the cluster refuses the pod", observed.creation_failure)
            )
        return None
    if found := diagnose(pod, now) or diagnose_start(pod, observed.claim, observed.mount_failure, now):
        return found
    if report is not None and not report.is_silent(now):
        return _reported(report) or (_former_end(pod) if report.state == NodeState.STARTING else None)
    deadline = _report_deadline(pod)
    if report is not None or (deadline is not None and now >= deadline):
        since = f" since {report.updated}" if report is not None else ""
        return Finding(
            DegradedReason.NODE_NOT_REPORTING,
            f"the node runs but does not report{since}; see its log: it must reach the API server and may patch only"
            " tradingdeployments/status",
        )
    return _former_end(pod)


def _former_end(pod: Manifest) -> Finding | None:
    """Return how the process ended before the one that starts: until that one trades, nothing is over.

    Else each round of a crash loop would tell of a recovery.
    """
    node = node_container(pod)
    return node_failure(node) if node is not None and node.running else None


def _reported(report: Report) -> Finding | None:
    if report.state == NodeState.FAILED:
        return Finding(
            report.reason or DegradedReason.NODE_FAILED, sentence("the node reports a failure", report.message)
        )
    if report.limits_error:
        return Finding(
            DegradedReason.LIMITS_REFUSED,
            sentence("the node keeps the former limits, because it cannot apply the newest", report.limits_error),
        )
    return None


def _report_deadline(pod: Manifest | None) -> datetime | None:
    node = node_container(pod) if pod is not None and not is_terminating(pod) else None
    return node.running_since + REPORT_WITHIN if node is not None and node.running_since else None


def _pod_deadlines(observed: Observed, now: datetime) -> Iterator[datetime]:
    """Yield when to look for a pod that is not made: no event of ours tells of the Events that say why.

    A StatefulSet that is resumed is old; since when its pod is awaited, the deployment's own condition tells. It tells
    of an earlier time where a pod that was starting is lost, and so a pod is looked for as long as nobody knows why.
    """
    if observed.pod is not None or observed.stateful_set is None or not replicas_of(observed.stateful_set):
        return
    if created := timestamp(observed.stateful_set["metadata"].get("creationTimestamp")):
        yield created + POD_WITHIN
    conditions = (observed.deployment.get("status") or {}).get("conditions") or ()
    awaited = [one for one in conditions if one["reason"] == ProgressReason.CREATING_POD and one["status"] == "True"]
    since = timestamp(awaited[0].get("lastTransitionTime")) if awaited else now
    yield from ((since or now) + after for after in _LOOKS_FOR_POD)
    if not observed.creation_failure:
        yield now + _LOOKS_FOR_POD_EACH
