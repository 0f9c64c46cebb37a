"""The operator is killed, a node is drained, all is deleted: what trades goes on, and the end state is the same."""

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.e2e.deployments import Deployment, manifest
from tests.e2e.kubectl import Kubectl
from tests.e2e.operator_install import OperatorInstall
from tests.e2e.pod_watch import watch_pods
from tests.waiting import eventually


def test_killing_the_operator_at_any_step_leads_to_the_same_end(
    kubectl: Kubectl, apply: Callable[..., Deployment], operator: OperatorInstall
) -> None:
    with watch_pods(kubectl, "killed") as watch:
        deployment = apply(manifest("killed"))
        # Each wait ends at a later step of the way; the operator dies right there.
        eventually(lambda: kubectl.list("controllerrevisions,statefulsets"), "a first child", every=0.05)
        operator.kill()
        eventually(deployment.pod, "the pod is there", within=90, every=0.05)
        operator.kill()
        first = deployment.wait_trading()["revision"]["running"]
        apply(manifest("killed", fast=12))
        operator.kill()
        eventually(
            lambda: "deletionTimestamp" in ((deployment.pod() or {}).get("metadata") or {}), "replacing", within=90
        )
        operator.kill()
        eventually(lambda: deployment.status()["revision"].get("running") not in ("", first), "replaced", within=90)
        deployment.wait_trading()
        operator.kill()
        kubectl.run("delete", "td", "killed", "--wait=false")
        operator.kill()
        eventually(lambda: not kubectl.list("td"), "deleted", within=90)

    watch.assert_never_two()
    assert len(watch.uids()) == 2
    assert_nothing_left(kubectl)


def test_a_node_trades_on_while_the_operator_is_away(
    kubectl: Kubectl, apply: Callable[..., Deployment], operator: OperatorInstall
) -> None:
    deployment = apply(manifest("alone"))
    deployment.wait_trading()
    pod = deployment.pod() or {}

    with operator.away():
        # Its own report goes on, so it is alive and trading; nothing restarts it.
        seen = deployment.status()["node"]["orders"]["total"]
        eventually(lambda: deployment.status()["node"]["orders"]["total"] > seen, "more orders are reported")

    deployment.wait_trading()
    after = deployment.pod() or {}
    assert after["metadata"]["uid"] == pod["metadata"]["uid"]
    assert after["status"]["containerStatuses"][0]["restartCount"] == 0


def test_a_process_that_is_started_again_in_its_pod_is_heard_for_itself(
    kubectl: Kubectl, apply: Callable[..., Deployment]
) -> None:
    deployment = apply(manifest("again"))
    former = deployment.wait_trading()["node"]["startedAt"]
    uid = (deployment.pod() or {})["metadata"]["uid"]

    stop = "import os, signal; os.kill(1, signal.SIGTERM)"
    kubectl.run("exec", deployment.pod_name, "--container", "node", "--", "python", "-c", stop)
    eventually(lambda: deployment.status()["phase"] != "Trading", "the former process counts no more", every=0.02)
    eventually(lambda: deployment.status()["node"]["startedAt"] != former, "the next process reports")
    status = deployment.wait_trading()

    pod = deployment.pod() or {}
    (container,) = (one for one in pod["status"]["containerStatuses"] if one["name"] == "node")
    assert (pod["metadata"]["uid"], container["restartCount"]) == (uid, 1)
    # What the operator tells a process from the one before it by: a node starts after its container, by the same clock.
    began, reported = container["state"]["running"]["startedAt"], status["node"]["startedAt"]
    assert former < began
    assert datetime.fromisoformat(began) <= datetime.fromisoformat(reported)


@pytest.mark.parametrize("cascade", ["background", "foreground"])
def test_deletion_leaves_nothing_after_an_orderly_stop(
    kubectl: Kubectl, apply: Callable[..., Deployment], cascade: str
) -> None:
    deployment = apply(manifest("deleted"))
    deployment.wait_trading()

    with watch_pods(kubectl, "deleted") as watch:
        kubectl.run("delete", "td", "deleted", f"--cascade={cascade}", timeout=90)

    assert watch.last_exit_code(watch.uids()[0]) == 0, "the node was stopped in order"
    assert_nothing_left(kubectl)


def test_deletion_with_its_namespace_leaves_nothing(kubectl: Kubectl, apply: Callable[..., Deployment]) -> None:
    deployment = apply(manifest("housed"))
    deployment.wait_trading()

    with watch_pods(kubectl, "housed") as watch:
        kubectl.run("delete", "namespace", kubectl.namespace, timeout=120)

    assert watch.last_exit_code(watch.uids()[0]) == 0, "the node was stopped in order"
    assert kubectl.get("namespace", kubectl.namespace) is None


def test_a_drained_node_gives_its_pod_away_and_never_two_live(
    kubectl: Kubectl, apply: Callable[..., Deployment]
) -> None:
    deployment = apply(manifest("moved"))
    deployment.wait_trading()
    old_node = (deployment.pod() or {})["spec"]["nodeName"]

    with watch_pods(kubectl, "moved") as watch:
        try:
            selector = "--pod-selector=trading-operator.io/deployment=moved"
            kubectl.run("drain", old_node, "--ignore-daemonsets", "--delete-emptydir-data", selector, timeout=120)
            eventually(
                lambda: (p := deployment.pod()) and p["spec"].get("nodeName") not in (None, old_node),
                "the pod runs on another node",
            )
            deployment.wait_trading()
        finally:
            kubectl.run("uncordon", old_node)

    watch.assert_never_two()
    assert watch.last_exit_code(watch.uids()[0]) == 0


def assert_nothing_left(kubectl: Kubectl) -> None:
    """No object that the operator made is left in the namespace."""
    kinds = "td,statefulset,pod,service,configmap,controllerrevision,serviceaccount,role,rolebinding,lease"
    made = kubectl.list(kinds, selector="app.kubernetes.io/managed-by=trading-operator")
    assert [f"{item['kind']}/{item['metadata']['name']}" for item in made] == []
