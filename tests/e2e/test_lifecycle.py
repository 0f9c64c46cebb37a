"""From apply to trading, change, suspend, resume, completion: on a real cluster with real pods."""

from collections.abc import Callable

from tests.e2e.deployments import SHORT_PREFIX, Deployment, manifest, strategy
from tests.e2e.kubectl import Kubectl
from tests.e2e.pod_watch import watch_pods
from tests.waiting import eventually


def test_apply_leads_to_a_node_that_trades_on_the_mounted_bucket(
    kubectl: Kubectl, apply: Callable[..., Deployment]
) -> None:
    deployment = apply(manifest("paper"))

    deployment.wait_trading()

    report = eventually(
        lambda: (n := deployment.status().get("node", {})).get("fills", 0) > 0 and n, "the node reports fills"
    )
    assert report["orders"]["total"] >= report["fills"] > 0
    assert report["podUid"] == (deployment.pod() or {})["metadata"]["uid"]
    mounts = kubectl.run("exec", deployment.pod_name, "--container", "node", "--", "cat", "/proc/mounts")
    assert [line for line in mounts.splitlines() if " /catalogs/ticks fuse" in line and " ro," in line]
    columns = kubectl.run("get", "td", deployment.name).splitlines()
    assert columns[0].split() == ["NAME", "MODE", "PHASE", "READY", "STATE", "ORDERS", "POSITIONS", "PNL", "AGE"]
    assert columns[1].split()[:5] == ["paper", "Paper", "Trading", "True", "Active"]


def test_a_replay_that_ends_is_completed_and_scaled_to_zero_without_a_restart(
    kubectl: Kubectl, apply: Callable[..., Deployment]
) -> None:
    with watch_pods(kubectl, "short") as watch:
        deployment = apply(manifest("short", prefix=SHORT_PREFIX, speed="Maximum"))
        status = deployment.wait_phase("Completed")
        eventually(lambda: deployment.pod() is None, "the pod is gone")

    assert len(watch.uids()) == 1
    assert watch.last_exit_code(watch.uids()[0]) == 0
    assert status["node"]["state"] == "Completed"
    assert status["node"]["orders"]["total"] > 0
    assert deployment.condition("Degraded")["status"] == "False"
    assert (kubectl.get("statefulset", "short-node") or {})["spec"]["replicas"] == 0


def test_a_completed_replay_runs_again_after_suspend_and_resume(
    kubectl: Kubectl, apply: Callable[..., Deployment]
) -> None:
    deployment = apply(manifest("again", prefix=SHORT_PREFIX, speed="Maximum"))
    first = deployment.wait_phase("Completed")["node"]["podUid"]

    kubectl.patch("td", "again", {"spec": {"suspend": True}})
    deployment.wait_phase("Suspended")
    kubectl.patch("td", "again", {"spec": {"suspend": False}})
    second = deployment.wait_phase("Completed")["node"]["podUid"]

    assert second != first


def test_a_changed_strategy_replaces_the_pod_once_and_without_overlap(
    kubectl: Kubectl, apply: Callable[..., Deployment]
) -> None:
    deployment = apply(manifest("changed"))
    before = deployment.wait_trading()["revision"]["running"]

    with watch_pods(kubectl, deployment.name) as watch:
        apply(manifest("changed", fast=12))
        after = eventually(
            lambda: (r := deployment.status().get("revision", {}).get("running")) not in ("", None, before) and r,
            "the new revision runs",
        )
        deployment.wait_trading()

    watch.assert_never_two()
    assert watch.revisions() == [before, after]
    assert watch.last_exit_code(watch.uids()[0]) == 0, "the old node was stopped in order"


def test_an_edit_that_changes_nothing_of_the_pod_leaves_it_alone(
    kubectl: Kubectl, apply: Callable[..., Deployment]
) -> None:
    deployment = apply(manifest("untouched"))
    deployment.wait_trading()
    uid = (deployment.pod() or {})["metadata"]["uid"]

    kubectl.patch("td", "untouched", {"spec": {"rollout": {"when": "OnApproval"}}})
    deployment.wait_phase("Trading")

    assert (deployment.pod() or {})["metadata"]["uid"] == uid
    assert deployment.condition("UpdatePending")["status"] == "False"


def test_a_pod_that_breaks_while_a_change_is_pending_comes_back_as_the_approved_revision(
    kubectl: Kubectl, apply: Callable[..., Deployment]
) -> None:
    gate = {"when": "OnApproval"}
    deployment = apply(manifest("gated", rollout=gate))
    approved = deployment.wait_trading()["revision"]["running"]
    apply(manifest("gated", strategies=[strategy(fast=12)], rollout=gate))
    deployment.wait_condition("UpdatePending", "True")
    pending = deployment.status()["revision"]["pending"]

    with watch_pods(kubectl, deployment.name) as watch:
        broken = (deployment.pod() or {})["metadata"]["uid"]
        kubectl.run("delete", "pod", deployment.pod_name)
        eventually(lambda: deployment.status()["node"]["podUid"] != broken, "the next pod reports", within=90)
        deployment.wait_condition("Trading", "True")
        assert deployment.condition("Ready")["reason"] == "AwaitingApproval"
        kubectl.run("annotate", "td", deployment.name, f"trading-operator.io/approve={pending}")
        eventually(lambda: deployment.status()["revision"].get("running") == pending, "the approved change runs")
        deployment.wait_trading()

    watch.assert_never_two()
    assert watch.revisions() == [approved, approved, pending]
    assert deployment.condition("UpdatePending")["status"] == "False"


def test_suspend_stops_in_order_and_resume_starts_again(kubectl: Kubectl, apply: Callable[..., Deployment]) -> None:
    deployment = apply(manifest("paused"))
    deployment.wait_trading()

    with watch_pods(kubectl, deployment.name) as watch:
        kubectl.patch("td", "paused", {"spec": {"suspend": True}})
        deployment.wait_phase("Suspended")
        assert deployment.pod() is None
        kubectl.patch("td", "paused", {"spec": {"suspend": False}})
        deployment.wait_trading()

    watch.assert_never_two()
    assert watch.last_exit_code(watch.uids()[0]) == 0


def test_two_deployments_trade_side_by_side(apply: Callable[..., Deployment]) -> None:
    one, two = apply(manifest("one")), apply(manifest("two", traderId="DESK-A-002"))

    one.wait_trading()
    two.wait_trading()

    assert one.status()["node"]["podUid"] != two.status()["node"]["podUid"]
