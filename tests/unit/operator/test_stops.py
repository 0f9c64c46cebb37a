"""A stop that was not done to its end is told, however soon the pod and its words are gone."""

import json
from itertools import pairwise
from typing import Any

import pytest

from tests.sim.world import NAMESPACE
from tests.unit.operator.bench import Bench
from tests.unit.operator.manifests import NOW, OWNER, deployment, live_stateful_set, pod, record, report, situation
from trading_operator.objects import EVENT, Manifest, ref_of
from trading_operator.observe.observed import Remains
from trading_operator.observe.status import removal_status, status
from trading_operator.observe.transitions import transitions

ONE = record(approval=1)
STARTED = "2026-11-23T11:00:00Z"
DELETED = "2026-11-23T12:01:00Z"
WORDS = {"reason": "StopIncomplete", "message": "1 position left: 0.040 BTCUSDT", "remedy": "look at the venue"}
INCOMPLETE = {"exitCode": 13, "startedAt": STARTED, "message": json.dumps(WORDS)}
KILLED = {"exitCode": 137, "startedAt": STARTED, "reason": "Error"}
OUT_OF_MEMORY = {"exitCode": 137, "startedAt": STARTED, "reason": "OOMKilled"}
IN_ORDER = {"exitCode": 0, "startedAt": STARTED}
CRASHED = {"exitCode": 12, "startedAt": STARTED}
NEVER_RAN = {"exitCode": 137, "reason": "ContainerStatusUnknown"}
NO_WORDS_OF_ITS_OWN = report(startedAt=STARTED)
"""The last report of a node whose loop was blocked: it trades."""


def stopped(end: dict[str, Any]) -> Manifest:
    """Return a pod that is being deleted, whose node has ended."""
    return pod(ONE, deleted=DELETED, containerStatuses=[{"name": "node", "state": {"terminated": end}}])


def degraded(found: dict[str, Any]) -> tuple[str, str, str]:
    one = next(one for one in found["conditions"] if one["type"] == "Degraded")
    return one["status"], one["reason"], one["message"]


def suspended(before: dict[str, Any], **observed: Any) -> dict[str, Any]:
    return status(situation(deployment(suspend=True, status=before), **observed), None)


@pytest.mark.parametrize(
    ("end", "says"), [(INCOMPLETE, "0.040 BTCUSDT"), (KILLED, "code 137"), (OUT_OF_MEMORY, "look at the venue")]
)
def test_what_a_suspended_node_left_is_said_until_a_node_trades_again(end: dict[str, Any], says: str) -> None:
    idle = live_stateful_set(ONE, 0)
    told = [status(situation(deployment(status=NO_WORDS_OF_ITS_OWN)), None)]
    told.append(suspended(NO_WORDS_OF_ITS_OWN | told[-1], stateful_set=idle, pod=stopped(end)))
    told.append(suspended(NO_WORDS_OF_ITS_OWN | told[-1], stateful_set=idle, pod=None))
    for found in told[1:]:
        assert degraded(found)[:2] == ("True", "StopIncomplete")
        assert says in degraded(found)[2]
    assert told[-1]["phase"] == "Suspended"
    fresh = pod(ONE) | {"metadata": pod(ONE)["metadata"] | {"uid": "pod-2"}}
    for state in ("Starting", "Trading"):
        node = report(state, pod_uid="pod-2", startedAt="2026-11-23T11:59:00Z")
        told.append(status(situation(deployment(status=node | told[-1]), pod=fresh), None))
    assert degraded(told[-2])[:2] == ("True", "StopIncomplete")
    assert degraded(told[-1])[0] == "False"
    notes = [note.reason for before, after in pairwise(told) for note in transitions(before, after)]
    assert notes == ["Stopping", "StopIncomplete", "Suspended", "Trading", "Recovered"]


@pytest.mark.parametrize("end", [IN_ORDER, CRASHED, NEVER_RAN])
def test_an_end_in_order_and_a_node_that_never_ran_left_nothing(end: dict[str, Any]) -> None:
    found = suspended(NO_WORDS_OF_ITS_OWN, stateful_set=live_stateful_set(ONE, 0), pod=stopped(end))
    assert degraded(found)[0] == "False"


def test_a_last_report_tells_it_where_nobody_saw_the_pod_end() -> None:
    last = report("Failed", reason="StopIncomplete", message="1 order left")
    found = suspended(last, stateful_set=live_stateful_set(ONE, 0), pod=None)
    assert degraded(found)[:2] == ("True", "StopIncomplete")
    assert "1 order left" in degraded(found)[2]


def test_a_deletion_tells_it_as_long_as_there_is_a_status() -> None:
    raw = deployment(status=NO_WORDS_OF_ITS_OWN | status(situation(), None))
    first = removal_status(raw, Remains(OWNER.key, raw, (live_stateful_set(ONE, 0), stopped(INCOMPLETE))), NOW)
    assert degraded(first)[:2] == ("True", "StopIncomplete")
    assert "StopIncomplete" in [note.reason for note in transitions(raw["status"], first)]
    raw = deployment(status=first)
    then = removal_status(raw, Remains(OWNER.key, raw, (live_stateful_set(ONE, 0),)), NOW)
    assert degraded(then) == degraded(first)


async def test_a_deployment_that_goes_leaves_an_event_of_what_its_node_left(bench: Bench) -> None:
    await bench.settle()
    last = report("Failed", reason="StopIncomplete", message="1 order left")
    bench.store.update(bench.deployment | {"status": bench.deployment["status"] | last})
    bench.store.delete(ref_of(bench.deployment))
    await bench.until_forgotten()
    notes = [
        one["note"] for ref, one in bench.store.objects.items() if ref.kind is EVENT and ref.namespace == NAMESPACE
    ]
    assert [note for note in notes if "1 order left" in note]
