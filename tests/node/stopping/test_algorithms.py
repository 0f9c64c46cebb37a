"""Algorithms end first: what they hold back does not come while a node stops."""

from pathlib import Path

from tests.node.processes import node_process
from tests.node.stopping.desk import Desk
from tests.node.venues.desks import INSTRUMENTS, keys, run_config, venue
from tests.venue.process import VenueAccount
from trading_api.exit_codes import ExitCode

SLICER = Path(__file__).with_name("slicer.py").read_text()


def test_a_schedule_ends_before_its_position_is_closed(tmp_path: Path, simulator: VenueAccount) -> None:
    strategy = {
        "name": "slicer",
        "path": "slicer:Slicer",
        "config_path": "slicer:SlicerConfig",
        "config": {"instrument_id": INSTRUMENTS["futures"]},
    }
    drain = {"orders": "Cancel", "positions": "Flatten", "timeout": "30s"}
    config = run_config(venue(simulator, "futures"), strategy, drain=drain)
    with node_process(tmp_path, config, environment=keys(simulator, "futures"), modules={"slicer": SLICER}) as node:
        running = Desk(node, simulator, "futures")
        node.wait_for("-E3, venue_order_id=")  # the third slice is at the venue
        assert running.position() > 0
        code, _ = running.stop()
        assert code == ExitCode.OK, node.stderr
        assert running.position() == 0
        assert not running.open_orders()
        messages = [record["message"] for record in node.records]
        asked = next(n for n, message in enumerate(messages) if message.startswith("SIGTERM"))
        assert any("OrderCanceled" in message and "-1, venue_order_id=None" in message for message in messages[asked:])
        assert not any(" refused: " in message for message in messages[asked:])
