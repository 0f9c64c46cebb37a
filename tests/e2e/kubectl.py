"""kubectl as the tests' hand: what a user would type, with JSON back."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


class KubectlError(AssertionError):
    """kubectl said no; the message is what it printed."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl for one namespace.

    ``environment`` holds KUBECONFIG and PATH, so that the tests touch no other cluster of this user.
    """

    environment: Mapping[str, str]
    namespace: str

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Return what kubectl printed; raise :class:`KubectlError` when it failed or did not end in time."""
        try:
            done = subprocess.run(
                ["kubectl", "--namespace", self.namespace, *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                env=dict(self.environment),
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"kubectl {' '.join(arguments)}: no end after {timeout:g} s") from error
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """``kubectl apply`` the objects."""
        body = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.run("apply", "--filename", "-", stdin=json.dumps(body))

    def get(self, kind: str, name: str) -> Object | None:
        """One object, or None when it is not there."""
        text = self.run("get", kind, name, "--ignore-not-found", "--output", "json")
        return json.loads(text) if text.strip() else None

    def list(self, kinds: str, selector: str = "") -> list[Object]:
        """All objects of these kinds, by label."""
        text = self.run("get", kinds, "--output", "json", *(("--selector", selector) if selector else ()))
        items: list[Object] = json.loads(text)["items"]
        return items

    def patch(self, kind: str, name: str, patch: Mapping[str, Any]) -> None:
        """Merge-patch one object."""
        self.run("patch", kind, name, "--type", "merge", "--patch", json.dumps(patch))
