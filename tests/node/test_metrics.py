"""What a trading node tells Prometheus about its venue."""

import time
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.node.processes import EMA_CROSS, SECONDS, NodeProcess, node_process, run_config


def scrape(node: NodeProcess) -> dict[str, dict[str, float]]:
    """Samples by name, and in there by their labels' values in the order of the labels' names."""
    with urllib.request.urlopen(node.url("/metrics"), timeout=SECONDS) as answer:  # noqa: S310  # its own page
        families = text_string_to_metric_families(answer.read().decode())
    found: dict[str, dict[str, float]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, {})[" ".join(text for _, text in sorted(sample.labels.items()))] = (
                sample.value
            )
    return found


def test_a_trading_node_tells_of_its_venue(tmp_path: Path, long_catalog: Path) -> None:
    with node_process(tmp_path, run_config(long_catalog, EMA_CROSS, speed=600)) as node:
        deadline = time.monotonic() + SECONDS
        while not (metrics := scrape(node)).get("trading_node_order_ack_seconds_count", {}).get("BINANCE"):
            assert time.monotonic() < deadline, metrics
            time.sleep(0.05)
        assert metrics["trading_node_venue_connected"] == {"data BINANCE": 1.0, "execution BINANCE": 1.0}
        ages = metrics["trading_node_market_data_age_seconds"]
        assert list(ages) == ["BTCUSDT.BINANCE BINANCE"]
        assert 0 <= ages["BTCUSDT.BINANCE BINANCE"] < 3600
        assert metrics["trading_node_order_messages_total"]["ema BINANCE"] >= 1
        assert metrics["trading_node_order_fill_seconds_count"]["BINANCE"] >= 1
        exposure = metrics["trading_node_exposure"]
        assert exposure["gross BINANCE"] >= abs(exposure["net BINANCE"])
        assert metrics["process_resident_memory_bytes"][""] > 2**20
