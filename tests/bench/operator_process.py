"""What the operator says of its own process and its API writes, read from its /metrics through the API server."""

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.operator_install import NAMESPACE, SELECTOR, OperatorInstall

MIB = 1024 * 1024


@dataclass(frozen=True)
class OperatorUsage:
    """CPU and writes of all replicas together; memory of the largest."""

    cpu_seconds: float
    rss_mib: float
    writes: float
    """Requests that change something, the operator's own leader lease aside."""

    def since(self, before: "OperatorUsage") -> "OperatorUsage":
        """What was used between two readings; memory as it is at the second."""
        return OperatorUsage(self.cpu_seconds - before.cpu_seconds, self.rss_mib, self.writes - before.writes)


def operator_usage(operator: OperatorInstall) -> OperatorUsage:
    """Read every replica."""
    readings = [
        parse_usage(_metrics(operator, pod["metadata"]["name"])) for pod in operator.kubectl.list("pods", SELECTOR)
    ]
    return OperatorUsage(
        sum(one.cpu_seconds for one in readings),
        max(one.rss_mib for one in readings),
        sum(one.writes for one in readings),
    )


def _metrics(operator: OperatorInstall, pod: str) -> str:
    return operator.kubectl.run("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8080/proxy/metrics")


def parse_usage(text: str) -> OperatorUsage:
    """Reduce one replica's metrics."""
    cpu = rss = writes = 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "process_cpu_seconds_total":
                cpu = sample.value
            elif sample.name == "process_resident_memory_bytes":
                rss = sample.value / MIB
            elif sample.name == "trading_operator_api_writes_total" and sample.labels.get("resource") != "leases":
                writes += sample.value
    return OperatorUsage(cpu, rss, writes)
