"""The operator as a user installs it: two charts, by the real Helm."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.images import OPERATOR, fingerprint
from tests.e2e.kubectl import Kubectl
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "trading-system"
RELEASE = "trading-operator"
CRDS_RELEASE = "trading-operator-crds"
SELECTOR = "app.kubernetes.io/name=trading-operator"


class HelmError(RuntimeError):
    """helm said no; the message is what it printed."""


@dataclass(frozen=True)
class OperatorInstall:
    """The operator's release in the cluster, and ways to disturb it."""

    environment: Mapping[str, str]
    gcs_endpoint: str
    """Endpoint of the GCS emulator as pods reach it; empty for Google's own."""

    @property
    def kubectl(self) -> Kubectl:
        """A kubectl for the operator's namespace."""
        return Kubectl(self.environment, NAMESPACE)

    def values(self, **overrides: Any) -> dict[str, Any]:
        """Chart values for the local images and the emulator."""
        return {
            "image": {"repository": "localhost/trading-operator", "tag": "dev", "pullPolicy": "Never"},
            "gcsfuse": {
                "image": "localhost/gcsfuse:dev",
                "driver": "Sidecar",
                "endpoint": self.gcs_endpoint,
                "anonymous": bool(self.gcs_endpoint),
            },
            "node": {"reportIntervalSeconds": 1},
            # The tag stays the same when the image changes: this makes the Deployment replace its pods.
            "podAnnotations": {"trading-operator.io/sources": fingerprint(OPERATOR)},
        } | overrides

    def helm(self, *arguments: str, stdin: str | None = None) -> str:
        """Run helm; raise :class:`HelmError` with its words when it fails."""
        done = subprocess.run(
            ["helm", *arguments], input=stdin, capture_output=True, text=True, env=dict(self.environment), check=False
        )
        if done.returncode:
            raise HelmError(f"helm {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def install(self, **overrides: Any) -> None:
        """Install or upgrade both charts and wait until the operator is ready."""
        where = ("--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout", "120s")
        self.helm("upgrade", "--install", CRDS_RELEASE, str(ROOT / "charts" / "trading-operator-crds"), *where)
        values = json.dumps(self.values(**overrides))
        chart = str(ROOT / "charts" / "trading-operator")
        self.helm("upgrade", "--install", RELEASE, chart, *where, "--values", "-", stdin=values)

    def uninstall(self) -> None:
        """Remove both releases and the namespace."""
        for release in (RELEASE, CRDS_RELEASE):
            self.helm("uninstall", release, "--namespace", NAMESPACE, "--ignore-not-found", "--wait")
        self.kubectl.run("delete", "crd", "tradingdeployments.trading-operator.io", "--ignore-not-found")
        self.kubectl.run("delete", "namespace", NAMESPACE, "--ignore-not-found", timeout=120)

    def kill(self) -> None:
        """Kill every operator pod at once, as a failing machine would: no grace, no clean release of the lease."""
        self.kubectl.run("delete", "pod", "--selector", SELECTOR, "--grace-period=0", "--force", "--wait=false")

    @contextmanager
    def away(self) -> Iterator[None]:
        """No operator at all inside the block."""
        deployment = self.kubectl.list("deployment", SELECTOR)[0]["metadata"]["name"]
        replicas = self.kubectl.list("deployment", SELECTOR)[0]["spec"]["replicas"]
        self.kubectl.run("scale", "deployment", deployment, "--replicas=0")
        eventually(lambda: not self.kubectl.list("pods", SELECTOR), "the operator is gone")
        try:
            yield
        finally:
            self.kubectl.run("scale", "deployment", deployment, f"--replicas={replicas}")
            self.kubectl.run("rollout", "status", "deployment", deployment, "--timeout=90s", timeout=100)
