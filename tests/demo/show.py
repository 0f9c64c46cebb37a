"""From nothing to a trading node, shown live; afterwards everything is left running to be looked at."""

import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import cluster as machine
from tests.cluster.cluster import Cluster
from tests.cluster.gcs import Gcs
from tests.cluster.progress import Progress
from tests.demo.catalog import SECONDS_TO_WATCH, Replay, make_catalog
from tests.demo.findings import findings
from tests.demo.manifest import EXAMPLE, demo_manifest
from tests.demo.steps import DemoError, Steps
from tests.demo.terminal import Painter
from tests.demo.view import explanation, screen
from tests.e2e.kubectl import Kubectl, KubectlError
from tests.e2e.operator_install import OperatorInstall

NAMESPACE = "trading-demo"
BUCKET = "ticks"
TIME_TO_TRADE = 180

Json = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What a person chooses."""

    data: Path | None = None
    """Trades of their own; None for the seeded generator."""
    instrument: str = "BTCUSDT.BINANCE"
    seconds: float = SECONDS_TO_WATCH
    manifest: Path = EXAMPLE


def replay_line(replay: Replay) -> str:
    """Say how the data is played and how long that takes."""
    speed = "as fast as the node can" if replay.speed == "Maximum" else f"{replay.speed:,} times as fast as it happened"
    return f"replayed {speed}, which takes about {max(1, math.ceil(replay.seconds)):,} s"


def time_to_complete(replay: Replay) -> float:
    """Return the seconds after which a replay counts as stuck: machines are busy, and estimates are rough."""
    return 300 + 3 * replay.seconds


def run_demo(steps: Steps, options: Options) -> None:
    """Set everything up and show it. On failure or Ctrl-C a cluster that this run started is taken down again."""
    with tempfile.TemporaryDirectory(prefix="trading-demo-") as folder:
        with steps.step("market data"):
            # Whatever the data makes impossible is told here, before minutes are spent on a cluster.
            catalog = make_catalog(Path(folder) / "catalog", options.data, options.instrument, options.seconds)
            manifest = demo_manifest(catalog, options.instrument, options.manifest)
            print(f"   {catalog.description}")
            print(f"   {replay_line(catalog.replay)}; an order is {catalog.trade_size:f}")
        with steps.step("programs"):
            machine.prepare(sys.stdout)
        with _cluster(steps) as cluster:
            with steps.step("images"):
                cluster.images(progress=Progress(out=sys.stdout))
            kubectl = Kubectl(cluster.environment, NAMESPACE)
            with steps.step("operator and bucket"):
                gcs = Gcs.of(cluster)
                OperatorInstall(cluster.environment, gcs.endpoint).install()
                # What an earlier demo left must not read a bucket that changes under it.
                kubectl.run("delete", "td", manifest["metadata"]["name"], "--ignore-not-found", timeout=120)
                gcs.upload_folder(BUCKET, Path(folder) / "catalog")
            _trade(steps, kubectl, manifest, catalog.replay)


@contextmanager
def _cluster(steps: Steps) -> Iterator[Cluster]:
    found = machine.running()

    def tell() -> None:
        # While there is something to look at; what ended the demo is told last, where it is seen.
        if cluster := machine.running():
            print(f"\n{findings(cluster, NAMESPACE)}\n", flush=True)

    def undo() -> None:
        if found is None:
            print("   taking the cluster down again ...", flush=True)
            machine.down()
        else:
            print("   the cluster was there before and stays; the demo's namespace is deleted", flush=True)
            delete = ("delete", "namespace", NAMESPACE, "--ignore-not-found")
            Kubectl(found.environment, "default").run(*delete, timeout=120)

    with steps.undone_on_failure(tell, undo):
        with steps.step("cluster"):
            cluster = found or machine.up(progress=Progress(out=sys.stdout))
        yield cluster


def _trade(steps: Steps, kubectl: Kubectl, manifest: Json, replay: Replay) -> None:
    name = manifest["metadata"]["name"]
    with steps.step("apply to trading"):
        _namespace(kubectl)
        print("   " + "\n   ".join(yaml.safe_dump(manifest, sort_keys=False).splitlines()))
        kubectl.apply(manifest)
        applied = time.monotonic()
        _watch(kubectl, name, applied, {"Trading", "Completed"}, TIME_TO_TRADE)
    with steps.step("trading until the replay ends"):
        last = _watch(kubectl, name, applied, {"Completed"}, time_to_complete(replay))
    _summarize(steps, kubectl, last)


def _namespace(kubectl: Kubectl) -> None:
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kubectl.namespace}})


def _watch(kubectl: Kubectl, name: str, applied: float, phases: set[str], within: float) -> Json:
    """Show the deployment until it is in one of the phases; fail with its own words when it cannot get there."""
    deadline = time.monotonic() + within
    painter = Painter()
    while True:
        deployment = kubectl.get("td", name)
        if deployment is None:
            raise DemoError(f"{name} was deleted by somebody else")
        phase = deployment.get("status", {}).get("phase")
        done = phase in phases
        pods = [_pod_line(pod) for pod in kubectl.list("pods")]
        painter.paint(screen(deployment, _node(kubectl, name), pods, time.monotonic() - applied), force=done)
        if done:
            return deployment
        if phase == "Failed" or time.monotonic() > deadline:
            why = explanation(deployment) or "no condition says why"
            raise DemoError(f"{name} is in phase {phase} and not in {' or '.join(sorted(phases))}: {why}")
        time.sleep(0.5)


def _pod_line(pod: Mapping[str, Any]) -> str:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    ready = "ready" if statuses and all(status.get("ready") for status in statuses) else "not ready"
    return (
        f"{pod['metadata']['name']} {pod.get('status', {}).get('phase', '')} ({ready}) on {pod['spec'].get('nodeName')}"
    )


def _node(kubectl: Kubectl, name: str) -> Json | None:
    """Ask the node itself, through the API server: its figures are fresher than its report."""
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{name}-node-0:8080/proxy/api/status"
    try:
        answer: Json = json.loads(kubectl.run("get", "--raw", path, timeout=10))
    except (KubectlError, ValueError):
        return None
    return answer


def _summarize(steps: Steps, kubectl: Kubectl, deployment: Json) -> None:
    report = deployment["status"]["node"]
    orders, positions = report["orders"], report["positions"]
    print(
        f"\nThe replay is over: {orders['total']} orders ({orders['filled']} filled, {orders['rejected']} rejected, "
        f"{orders['denied']} denied), {report['fills']} fills, {positions['closed']} positions closed, "
        f"{positions['open']} open, profit {report['pnl'] or '0'}."
    )
    print("The operator has scaled the node to zero; it is Completed, not restarted:\n")
    print(kubectl.run("get", "td,statefulset,pods"))
    print("\n".join(steps.summary()))
    print(
        f"""
How to go on, in this shell:
  eval "$(make -s cluster-env)"
  kubectl -n {NAMESPACE} get td                          # phase, orders, profit
  kubectl -n {NAMESPACE} describe td {deployment["metadata"]["name"]}      # conditions and events
  kubectl -n trading-system logs -l app.kubernetes.io/name=trading-operator
Run it again:      make demo        with your own trades: make demo DATA=trades.csv
Take it all down:  make demo-down"""
    )
