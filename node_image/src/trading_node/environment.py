"""What the pod tells its node by environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass

from trading_api import wiring
from trading_node.errors import config_refused

DEFAULT_REPORT_INTERVAL_SECONDS = 60.0
ENV_TERMINATION_MESSAGE_PATH = "TRADING_TERMINATION_MESSAGE_PATH"
"""Where the last words go outside Kubernetes; absent: nowhere."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Who this node is in its cluster; without a deployment name it runs on its own."""

    deployment: str = ""
    deployment_uid: str = ""
    namespace: str = ""
    pod_name: str = ""
    pod_uid: str = ""
    revision: str = ""
    report_interval_seconds: float = DEFAULT_REPORT_INTERVAL_SECONDS
    termination_message_path: str = ""

    @property
    def in_kubernetes(self) -> bool:
        """Whether an operator runs this node."""
        return bool(self.deployment)


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Return what the variables say. Raises NodeError for a value that cannot be read."""
    deployment = variables.get(wiring.ENV_DEPLOYMENT_NAME, "")
    _refuse_second_pod(deployment, variables.get(wiring.ENV_POD_NAME, ""))
    default_path = wiring.TERMINATION_MESSAGE_PATH if deployment else ""
    return Environment(
        deployment=deployment,
        deployment_uid=variables.get(wiring.ENV_DEPLOYMENT_UID, ""),
        namespace=variables.get(wiring.ENV_NAMESPACE, ""),
        pod_name=variables.get(wiring.ENV_POD_NAME, ""),
        pod_uid=variables.get(wiring.ENV_POD_UID, ""),
        revision=variables.get(wiring.ENV_REVISION, ""),
        report_interval_seconds=_seconds(variables, wiring.ENV_REPORT_INTERVAL),
        termination_message_path=variables.get(ENV_TERMINATION_MESSAGE_PATH, default_path),
    )


def _refuse_second_pod(deployment: str, pod: str) -> None:
    """Refuse to be a second node of a deployment: a StatefulSet that somebody scales makes one at once."""
    only = f"{deployment}{wiring.POD_SUFFIX}"
    if deployment and pod and pod != only:
        raise config_refused(
            f"pod {pod} is not {only}: two nodes would trade on the same accounts",
            f"Let the operator keep the StatefulSet at one pod: no kubectl scale, no autoscaler, no copy of {only}",
        )


def _seconds(variables: Mapping[str, str], name: str) -> float:
    text = variables.get(name, "")
    if not text:
        return DEFAULT_REPORT_INTERVAL_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise config_refused(f"{name}={text!r} is no time", "Write seconds greater than 0, such as 60")
    return seconds
