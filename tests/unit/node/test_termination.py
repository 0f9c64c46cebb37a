"""Last words fit where they are kept, and never stand in the way of the end."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from trading_api.exit_codes import ExitCode
from trading_api.status import TerminationMessage
from trading_node.errors import NodeError
from trading_node.termination import MAX_BYTES, shorten, termination_message, write_termination_message


@given(message=st.text(max_size=5000), remedy=st.text(max_size=5000))
def test_any_error_fits(message: str, remedy: str) -> None:
    text = termination_message(NodeError(ExitCode.CRASHED, "Crashed", message, remedy))
    assert len(text.encode()) <= MAX_BYTES
    assert TerminationMessage.model_validate_json(text).reason == "Crashed"


def test_it_is_written_where_it_can_be(tmp_path: Path) -> None:
    error = NodeError(ExitCode.CRASHED, "Crashed", "it broke", "mend it")
    path = tmp_path / "termination-log"
    write_termination_message(error, str(path))
    assert json.loads(path.read_text()) == {"reason": "Crashed", "message": "it broke", "remedy": "mend it"}
    write_termination_message(error, str(tmp_path / "nowhere" / "termination-log"))
    write_termination_message(error, "")


def test_an_error_is_one_line() -> None:
    error = NodeError(ExitCode.CRASHED, "Crashed", "it broke.\nbadly.", "Mend it")
    assert str(error) == "it broke. badly. Mend it"


def test_a_text_is_cut_with_an_ellipsis() -> None:
    assert shorten("a  b\nc", 10) == "a b c"
    assert shorten("abcdefghij", 6) == "abc..."
