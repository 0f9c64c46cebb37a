"""What metrics say is what the node's parts hold, bounded in number; the reference page is current."""

import math
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from tests.unit.gate.orders import INVERSE, PERPETUAL, SECOND, SPOT, START, hold, open_gate, order, reason, set_price
from trading_node.market_watch import Connection, DataAge, MarketWatch
from trading_node.metrics_reference import main, page
from trading_node.risk.latency import MAX_VENUES, Latencies
from trading_node.risk.orders import Contract
from trading_node.trading_metrics import MAX_INSTRUMENTS, MAX_POSITIONS, TradingCollector, VenueCollector

ROOT = Path(__file__).parents[3]
type Key = tuple[str, frozenset[tuple[str, str]]]


def scrape(collector: Collector) -> dict[Key, float]:
    """Every sample as Prometheus reads it."""
    registry = CollectorRegistry()
    registry.register(collector)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def value(samples: dict[Key, float], name: str, **labels: str) -> float:
    return samples[f"trading_node_{name}", frozenset(labels.items())]


def count(samples: Iterable[Key], name: str) -> int:
    return sum(1 for each, _ in samples if each == f"trading_node_{name}")


def test_the_reference_page_is_current() -> None:
    text = (ROOT / "docs/reference/node-metrics.md").read_text(encoding="utf-8")
    assert text == page(), "write it anew: python -m trading_node.metrics_reference docs/reference/node-metrics.md"


def test_the_check_writes_nothing_and_names_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "metrics.md"
    assert main(["--check", str(file)]) == 1
    assert f"run python -m trading_node.metrics_reference {file}" in capsys.readouterr().err
    assert not file.exists()
    assert main([str(file)]) == 0
    assert file.read_text(encoding="utf-8") == page()
    assert main(["--check", str(file)]) == 0
    file.write_text("former", encoding="utf-8")
    assert main(["--check", str(file)]) == 1
    assert file.read_text(encoding="utf-8") == "former"


def test_answers_of_a_venue_are_timed_from_the_gate() -> None:
    gate = open_gate()
    first, second = order("BUY", "2", "90"), order("BUY", "1", "91")
    assert reason(gate, first) is None
    assert reason(gate, second) is None
    book = gate.book
    book.acknowledge(first.order_id, START + 3_000_000)
    book.acknowledge(first.order_id, START + 50_000_000)  # told twice, counted once
    book.fill(first.order_id, Decimal(1), START + SECOND)
    book.fill(first.order_id, Decimal(1), START + 9 * SECOND)
    book.adopt(order("BUY", "1", "80", order_id="from-before"))
    book.fill("from-before", Decimal(1), START + SECOND)
    samples = scrape(TradingCollector(gate))
    assert value(samples, "order_ack_seconds_bucket", venue="X", le="0.0025") == 0
    assert value(samples, "order_ack_seconds_bucket", venue="X", le="0.005") == 1
    assert value(samples, "order_ack_seconds_count", venue="X") == 1
    assert value(samples, "order_ack_seconds_sum", venue="X") == pytest.approx(0.003)
    assert value(samples, "order_fill_seconds_count", venue="X") == 1
    assert value(samples, "order_fill_seconds_sum", venue="X") == pytest.approx(1.0)
    assert value(samples, "orders_in_flight") == 1
    assert value(samples, "order_messages_total", strategy="ema", venue="X") == 2


def test_a_list_that_is_refused_was_not_sent() -> None:
    gate = open_gate(max_orders_per_second=1)
    assert gate.submit_list([order("BUY", "1", "90"), order("BUY", "1", "91")], START) is not None
    assert value(scrape(TradingCollector(gate)), "order_messages_total", strategy="ema", venue="X") == 0


def test_exposure_is_gross_and_net_by_venue_with_orders_apart() -> None:
    gate = open_gate()
    set_price(gate, SPOT, "99", "101")
    hold(gate, "3")
    hold(gate, "-1", strategy="other", contract=SPOT)
    assert reason(gate, order("BUY", "2", "90")) is None
    samples = scrape(TradingCollector(gate))
    assert value(samples, "exposure", venue="X", kind="gross") == 400
    assert value(samples, "exposure", venue="X", kind="net") == 200
    assert value(samples, "exposure_with_orders", venue="X", kind="gross") == 600
    assert value(samples, "exposure_with_orders", venue="X", kind="long") == 400
    assert value(samples, "position_quantity", strategy="other", instrument="BTC.X") == -1
    assert value(samples, "exposure_unvalued") == 0
    gate.book.adopt(order("BUY", "1", contract=INVERSE))
    assert value(scrape(TradingCollector(gate)), "exposure_unvalued") == 1


def test_a_scrape_begins_no_day() -> None:
    """A loss from before this life is none of today's, however often metrics were read before the first order."""
    gates = [open_gate(max_daily_loss="50") for _ in range(2)]
    for scraped, gate in enumerate(gates):
        if scraped:
            scrape(TradingCollector(gate))
        hold(gate, "1")
        set_price(gate, PERPETUAL, "20", "20")
        if scraped:
            scrape(TradingCollector(gate))
        assert reason(gate, order("BUY", "1", "20"), START) is None
        set_price(gate, PERPETUAL, "10", "10")
        assert value(scrape(TradingCollector(gate)), "day_profit") == -10


def test_series_are_bounded() -> None:
    latencies = Latencies()
    for number in range(3 * MAX_VENUES):
        latencies.observe(f"V{number}", 1)
        latencies.observe("V0", -5)
    assert len(latencies.venues) == MAX_VENUES + 1
    assert sum(sum(each.counts) for each in latencies.venues.values()) == 6 * MAX_VENUES
    gate = open_gate()
    for number in range(2 * MAX_POSITIONS):
        contract = Contract(f"C{number}.X", "X", "USDT", "USDT")
        set_price(gate, contract, "1", "1")
        hold(gate, str(number + 1), contract=contract)
    samples = scrape(TradingCollector(gate))
    assert count(samples, "position_quantity") == MAX_POSITIONS
    largest = 2 * MAX_POSITIONS
    assert value(samples, "position_quantity", strategy="ema", instrument=f"C{largest - 1}.X") == largest
    assert value(samples, "exposure", venue="X", kind="gross") == largest * (largest + 1) / 2


def test_the_age_of_market_data_and_connections() -> None:
    ages = [DataAge(venue="X", instrument=f"C{number:03}.X", seconds=float(number)) for number in range(100)]
    ages.insert(0, DataAge(venue="X", instrument="A.X", seconds=None))
    connections = (
        Connection(venue="X", kind="data", connected=True),
        Connection(venue="X", kind="execution", connected=False),
    )
    samples = scrape(VenueCollector(lambda: MarketWatch(connections=connections, ages=tuple(ages))))
    assert value(samples, "venue_connected", venue="X", client="data") == 1
    assert value(samples, "venue_connected", venue="X", client="execution") == 0
    assert count(samples, "market_data_age_seconds") == MAX_INSTRUMENTS
    assert math.isnan(value(samples, "market_data_age_seconds", venue="X", instrument="A.X"))
    assert value(samples, "market_data_oldest_seconds", venue="X") == 99
    assert value(samples, "market_data_instruments") == 101
