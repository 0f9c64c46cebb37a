"""Reports ``status.node`` to the API server by server-side apply.

Trading never waits for a report: it is sent by a task of its own, the latest state wins, and an API server that is
slow, down or refuses costs nothing but the report.
"""

import asyncio
import contextlib
import json
import logging
import random
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import aiohttp

from trading_api import wiring
from trading_api.status import NodeStatus
from trading_node.environment import Environment
from trading_node.errors import config_refused
from trading_node.status import status_document

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
REQUEST_SECONDS = 5.0
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0
MIN_GAP_SECONDS = 1.0
"""Changes of state that follow each other faster share a report."""
QUIET_INTERVALS = wiring.QUIET_REPORT_INTERVALS
JITTER = 0.1

_log = logging.getLogger(__name__)


class Outcome(Enum):
    """What became of a report."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    """It may be taken later."""
    GONE = "gone"
    """The deployment is not there, or is another one of the same name."""


@dataclass(frozen=True)
class Answer:
    """The API server's answer to one report."""

    outcome: Outcome
    detail: str = ""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class ApiServer:
    """How to reach the API server as the pod's service account."""

    url: str
    token_path: Path
    ca_path: Path | None

    @classmethod
    def in_cluster(cls, variables: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> "ApiServer":
        """Return the cluster's own. Raises NodeError outside of a cluster."""
        host, port = variables.get("KUBERNETES_SERVICE_HOST"), variables.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            raise config_refused(
                f"{wiring.ENV_DEPLOYMENT_NAME} is set, but this is no pod: KUBERNETES_SERVICE_HOST is not set",
                f"Unset {wiring.ENV_DEPLOYMENT_NAME} to run without Kubernetes",
            )
        address = f"[{host}]" if ":" in host else host
        return cls(url=f"https://{address}:{port}", token_path=account / "token", ca_path=account / "ca.crt")


class StatusClient:
    """Sends one report at a time."""

    def __init__(self, server: ApiServer, environment: Environment) -> None:
        self._server = server
        self._environment = environment
        path = f"/apis/{wiring.API_VERSION}/namespaces/{environment.namespace}/{wiring.PLURAL}"
        self._url = f"{server.url}{path}/{environment.deployment}/status"
        self._session: aiohttp.ClientSession | None = None

    async def apply(self, status: NodeStatus) -> Answer:
        """Send a report; every failure is an answer."""
        try:
            session = self._open()
            headers = {
                "Authorization": f"Bearer {self._token()}",
                "Content-Type": "application/apply-patch+yaml",
            }
            params = {"fieldManager": wiring.FIELD_MANAGER_NODE, "force": "true"}
            body = json.dumps(self._document(status)).encode()
            async with session.patch(self._url, params=params, headers=headers, data=body) as response:
                return interpret(response.status, await response.text(), response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(Outcome.RETRY, f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            ca = self._server.ca_path
            tls = ssl.create_default_context(cafile=str(ca)) if ca is not None else True
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS), connector=aiohttp.TCPConnector(ssl=tls, limit=1)
            )
        return self._session

    def _token(self) -> str:
        # Read each time: the kubelet replaces it within the hour.
        return self._server.token_path.read_text(encoding="utf-8").strip()

    def _document(self, status: NodeStatus) -> dict[str, Any]:
        environment = self._environment
        return {
            "apiVersion": wiring.API_VERSION,
            "kind": wiring.KIND,
            "metadata": {
                "name": environment.deployment,
                "namespace": environment.namespace,
                "uid": environment.deployment_uid,
            },
            "status": {"node": status_document(status)},
        }


def interpret(code: int, body: str, retry_after: str | None = None) -> Answer:
    """Return what an HTTP answer means. The uid in the report makes 409 say: another deployment of the same name."""
    if 200 <= code < 300:
        return Answer(Outcome.ACCEPTED)
    detail = f"HTTP {code}: {_message(body)}"
    if code in {404, 409}:
        return Answer(Outcome.GONE, detail)
    seconds: float | None = None
    if retry_after is not None:
        with contextlib.suppress(ValueError):
            seconds = float(retry_after)
    return Answer(Outcome.RETRY, detail, seconds)


def _message(body: str) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(body.split())[:200]


class StatusReporter:
    """Reports a change of state at once and changed numbers now and then; what does not change, rarely."""

    def __init__(
        self,
        client: StatusClient,
        source: Callable[[], NodeStatus],
        interval_seconds: float,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._source = source
        self._interval = interval_seconds
        self._on_outcome = on_outcome
        self._wake = asyncio.Event()
        self._random = random.Random()  # noqa: S311  # spreads load, keeps no secret
        self._sent: dict[str, Any] | None = None
        self._sent_at = 0.0
        self._retry = FIRST_RETRY_SECONDS
        self._said = ""
        self._finishing = False

    def state_changed(self) -> None:
        """Have a report sent now."""
        self._wake.set()

    async def run(self) -> None:
        """Report until cancelled, or until the end is reported."""
        while not self._finishing:
            wait = await self._report_once()
            await asyncio.sleep(min(MIN_GAP_SECONDS, wait))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, wait - MIN_GAP_SECONDS))

    async def finish(self, seconds: float) -> bool:
        """Report the end; return whether the API server has it within so many seconds."""
        self._finishing = True
        try:
            async with asyncio.timeout(seconds):
                outcome = await self._send()
                while outcome is Outcome.RETRY:
                    await asyncio.sleep(min(self._retry, 1.0))
                    outcome = await self._send()
        except TimeoutError:
            _log.warning("the last report could not be sent within %.1f s", seconds)
        finally:
            await self._client.close()
        return self._sent is not None and self._sent == _numbers(self._source())

    async def _report_once(self) -> float:
        """Send what has changed; return how long to wait unless a state changes."""
        self._wake.clear()
        interval = self._interval * self._random.uniform(1 - JITTER, 1 + JITTER)
        if self._sent == _numbers(self._source()) and self._quiet_seconds() < (QUIET_INTERVALS - 0.5) * self._interval:
            return interval
        match await self._send():
            case Outcome.ACCEPTED:
                return interval
            case Outcome.GONE:
                return LONGEST_RETRY_SECONDS
            case _:
                return self._retry * self._random.uniform(1, 1 + JITTER)

    async def _send(self) -> Outcome:
        status = self._source()
        answer = await self._client.apply(status)
        self._on_outcome(answer.outcome)
        if answer.outcome is Outcome.ACCEPTED:
            self._sent, self._sent_at = _numbers(status), asyncio.get_running_loop().time()
            self._retry = FIRST_RETRY_SECONDS
            self._say("")
        else:
            self._retry = min(answer.retry_after_seconds or self._retry * 2, LONGEST_RETRY_SECONDS)
            self._say(answer.detail)
        return answer.outcome

    def _quiet_seconds(self) -> float:
        return asyncio.get_running_loop().time() - self._sent_at

    def _say(self, problem: str) -> None:
        """Log a problem when it appears, changes or ends, not each time it is met."""
        if problem and problem != self._said:
            _log.warning("the report was not taken: %s", problem)
        elif self._said and not problem:
            _log.info("reports are taken again")
        self._said = problem


def _numbers(status: NodeStatus) -> dict[str, Any]:
    """Return a report without what changes though nothing happens: when it was written, and when venues last agreed."""
    document = status_document(status)
    document.pop("updatedAt", None)
    for venue in document.get("reconciliation", {}).get("venues", ()):
        venue.pop("lastAgreementAt", None)
    return document
