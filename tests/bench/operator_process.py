"""What the operator says of its own process and its API writes, read from its /metrics through the API server."""

import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.operator_install import NAMESPACE, SELECTOR, OperatorInstall

MIB = 1024 * 1024
SAMPLE_SECONDS = 2.0


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


@dataclass
class PeakMemory:
    """The most memory of the largest replica within the block, read every other second; failures end the block."""

    operator: OperatorInstall
    peak_mib: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)
    _failures: list[Exception] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._sample, name="peak-memory")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if self._failures and error is None:
            raise self._failures[0]

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            try:
                self.peak_mib = max(self.peak_mib, operator_usage(self.operator).rss_mib)
            except Exception as failure:  # noqa: BLE001  # told where the block ends
                self._failures.append(failure)
                return


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
