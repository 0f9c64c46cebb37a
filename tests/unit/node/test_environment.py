"""What the pod tells its node."""

import pytest

from trading_api.exit_codes import ExitCode
from trading_node.environment import read_environment
from trading_node.errors import NodeError


def test_without_variables_a_node_is_on_its_own() -> None:
    environment = read_environment({})
    assert not environment.in_kubernetes
    assert environment.termination_message_path == ""


def test_a_deployments_name_means_kubernetes() -> None:
    environment = read_environment(
        {
            "TRADING_DEPLOYMENT_NAME": "btc",
            "TRADING_DEPLOYMENT_UID": "1",
            "TRADING_NAMESPACE": "desk",
            "TRADING_POD_NAME": "btc-node-0",
            "TRADING_POD_UID": "2",
            "TRADING_REVISION": "abc",
            "TRADING_REPORT_INTERVAL_SECONDS": "0.5",
        }
    )
    assert environment.in_kubernetes
    assert environment.report_interval_seconds == 0.5
    assert environment.termination_message_path == "/dev/termination-log"


@pytest.mark.parametrize("pod", ["btc-node-1", "btc-node-0-debug", "eth-node-0"])
def test_a_second_pod_of_a_deployment_does_not_trade(pod: str) -> None:
    """As kubectl scale makes it, or kubectl debug --copy-to."""
    with pytest.raises(NodeError, match=f"pod {pod} is not btc-node-0: two nodes") as refused:
        read_environment({"TRADING_DEPLOYMENT_NAME": "btc", "TRADING_POD_NAME": pod})
    assert "no kubectl scale" in refused.value.remedy


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_an_interval_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(NodeError, match="TRADING_REPORT_INTERVAL_SECONDS") as refused:
        read_environment({"TRADING_REPORT_INTERVAL_SECONDS": text})
    assert refused.value.exit_code is ExitCode.CONFIG_REFUSED
