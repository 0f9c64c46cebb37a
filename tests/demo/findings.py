"""What a failed demo leaves to look at, gathered while its cluster is still there."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.paths import cache_dir
from tests.cluster.report import report
from tests.demo.view import CONDITION_ORDER
from tests.e2e.kubectl import Kubectl, KubectlError

OPERATOR_NAMESPACE = "trading-system"
EVENTS = 12
LOG_LINES = 15

Json = Mapping[str, Any]


def condition_lines(deployment: Json) -> list[str]:
    """Every condition with its reason and message, in the order in which they come true."""
    conditions = {condition["type"]: condition for condition in deployment.get("status", {}).get("conditions", ())}
    return [
        f"{name}={conditions[name]['status']} {conditions[name]['reason']}: {conditions[name].get('message', '')}"
        for name in CONDITION_ORDER
        if name in conditions
    ]


def event_lines(events: Sequence[Json]) -> list[str]:
    """The latest events, the last one last."""
    lines = []
    for event in sorted(events, key=_time)[-EVENTS:]:
        about = event.get("involvedObject", {})
        where = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
        message = " ".join(event.get("message", "").split())
        lines.append(f"{_time(event)} {event.get('type')} {event.get('reason')} {where}: {message}")
    return lines


def _time(event: Json) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp", ""))


def findings(cluster: Cluster, namespace: str) -> str:
    """Return conditions, events and the end of the operator's log; the whole story goes to a file that is named.

    Never fails: it is asked for after something else has.
    """
    own, operator = Kubectl(cluster.environment, namespace), Kubectl(cluster.environment, OPERATOR_NAMESPACE)
    try:
        own.run("get", "--raw", "/readyz", "--request-timeout=5s", timeout=10)
    except KubectlError as error:
        return f"The API server does not answer: {error}"
    log = ["logs", "--selector=app.kubernetes.io/name=trading-operator", f"--tail={LOG_LINES}", "--prefix=false"]
    sections: list[tuple[str, Callable[[], list[str]]]] = [
        ("Conditions", lambda: [line for td in own.list("tradingdeployments") for line in condition_lines(td)]),
        ("Pods", lambda: own.run("get", "pods", "--output=wide", timeout=20).splitlines()),
        ("Events", lambda: event_lines(own.list("events"))),
        ("Pods of the operator", lambda: operator.run("get", "pods", "--output=wide", timeout=20).splitlines()),
        ("Events around the operator", lambda: event_lines(operator.list("events"))),
        ("End of the operator's log", lambda: operator.run(*log, timeout=20).splitlines()),
    ]
    parts = []
    for title, gather in sections:
        with suppress(KubectlError):
            if lines := gather():
                parts.append("\n".join([f"{title}:", *(f"  {line}" for line in lines)]))
    return "\n".join([*parts, *_whole_story(cluster, namespace)])


def _whole_story(cluster: Cluster, namespace: str) -> list[str]:
    file = cache_dir() / "logs" / "demo-failure.txt"
    with suppress(ClusterError, OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join(report(cluster, name) for name in (namespace, OPERATOR_NAMESPACE))
        file.write_text(text, encoding="utf-8")
        return [f"Everything, with the logs of all containers: {file}"]
    return []
