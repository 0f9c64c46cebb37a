"""Kubeconfig files: who somebody is and where the API server is, in one file with everything inside."""

import base64
import json
from pathlib import Path

from tests.cluster.pki import Pair


def kubeconfig(server: str, authority: bytes, client: Pair, *, name: str = "trading-operator") -> str:
    """Return a kubeconfig with one context; JSON, which is YAML too."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": _text(authority)}}],
            "users": [
                {
                    "name": name,
                    "user": {
                        "client-certificate-data": _text(client.certificate),
                        "client-key-data": _text(client.key),
                    },
                }
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        },
        indent=1,
    )


def write(path: Path, text: str) -> Path:
    """Write it readable by the owner alone: it holds a key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
