"""Who wrote what to the API, by the API server's own audit log."""

import json
from collections.abc import Iterator
from pathlib import Path

OPERATOR = "system:serviceaccount:trading-system:trading-operator"


def writes(log: Path, user: str) -> Iterator[str]:
    """Yield ``verb resource/subresource namespace/name`` of each write of a user."""
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["user"]["username"] == user:
                target = event["objectRef"]
                kind = "/".join(filter(None, (target.get("resource"), target.get("subresource"))))
                yield f"{event['verb']} {kind} {target.get('namespace', '')}/{target.get('name', '')}"
