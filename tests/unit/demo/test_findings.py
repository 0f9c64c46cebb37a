"""What is told of a demo that failed."""

from tests.demo.findings import EVENTS, condition_lines, event_lines


def test_conditions_are_told_in_the_order_in_which_they_come_true() -> None:
    conditions = [
        {"type": "Ready", "status": "False", "reason": "NotTrading", "message": "it is not"},
        {"type": "Accepted", "status": "True", "reason": "Accepted"},
    ]
    assert condition_lines({"status": {"conditions": conditions}}) == [
        "Accepted=True Accepted: ",
        "Ready=False NotTrading: it is not",
    ]
    assert condition_lines({}) == []


def test_the_latest_events_are_told_the_last_one_last() -> None:
    events = [
        {
            "metadata": {"creationTimestamp": f"2026-01-05T00:00:{second:02}Z"},
            "type": "Warning",
            "reason": "BackOff",
            "message": f"again\n{second}",
            "involvedObject": {"kind": "Pod", "name": "paper-replay-node-0"},
        }
        for second in range(30, 0, -1)
    ]
    lines = event_lines(events)
    assert len(lines) == EVENTS
    assert lines[-1] == "2026-01-05T00:00:30Z Warning BackOff pod/paper-replay-node-0: again 30"
