"""Which orders are taken at all, as the status and the metrics tell it."""

from tests.unit.gate.orders import open_gate
from trading_api.risk import RiskLimits
from trading_node.gate import Gate
from trading_node.gate_metrics import GateCollector
from trading_node.risk.limits import compile_limits
from trading_node.risk.standing import Admission


def test_a_standing_is_what_orders_meet_and_says_why() -> None:
    gate = open_gate()
    assert (gate.standing.effective(), gate.standing.is_open) == (Admission.ACTIVE, True)
    gate.set_admission(Admission.REDUCE, "Y")
    assert [gate.standing.effective_at(venue) for venue in "XY"] == [Admission.ACTIVE, Admission.REDUCE]
    assert gate.standing.effective() is Admission.REDUCE
    gate.set_reconciled(False, "X")
    assert [gate.standing.effective_at(venue) for venue in "XY"] == [Admission.HALT, Admission.REDUCE]
    assert gate.standing.effective() is Admission.HALT
    told = {
        "trading_node_gate_admission": 2.0,
        "trading_node_gate_venue_admission X": 2.0,
        "trading_node_gate_venue_admission Y": 1.0,
        "trading_node_gate_venue_admission Z": 0.0,
        "trading_node_gate_restricted X NotReconciled": 1.0,
        "trading_node_gate_restricted Y Admission": 1.0,
    }
    assert scraped(gate) == told
    gate.set_reconciled(True)
    gate.stop_taking(Admission.HALT)
    assert gate.standing.effective() is Admission.HALT
    assert scraped(gate)["trading_node_gate_restricted Z Stopping"] == 1.0


def test_what_the_books_do_not_take_may_only_reduce_and_what_is_told_is_what_is_decided() -> None:
    well = [True]
    gate = Gate(compile_limits(RiskLimits()), recorded=lambda: well[0])
    assert gate.standing.effective() is Admission.HALT  # nothing agrees yet
    gate.set_reconciled(True)
    assert gate.standing.effective() is Admission.ACTIVE
    well[0] = False
    assert gate.standing.effective() is Admission.REDUCE
    assert scraped(gate)["trading_node_gate_restricted Z NotRecorded"] == 1.0


def scraped(gate: Gate) -> dict[str, float]:
    """Metrics of the standing, but restrictions that do not hold; the run-config names a venue Z."""
    return {
        " ".join((sample.name, *(label for _, label in sorted(sample.labels.items(), reverse=True)))): sample.value
        for metric in GateCollector(gate, lambda: ["Z"]).collect()
        for sample in metric.samples
        if ("admi" in sample.name and "admitted" not in sample.name) or ("restricted" in sample.name and sample.value)
    }
