"""What must not be read is in no message, however it is spelled there."""

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from trading_api.node_config import LogFormat, LoggingSection
from trading_node.logs import configure_logging
from trading_node.redaction import EVERYWHERE, Redactor, hide

KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHnJ\nAAAABBBBCCCCDDDDEEEE\n-----END PRIVATE KEY-----\n"


@given(st.lists(st.text(min_size=4), min_size=1, max_size=3), st.text(), st.text())
@examples(60)
def test_no_value_survives(values: list[str], before: str, after: str) -> None:
    redactor = Redactor((value, "*") for value in values)
    for value in values:
        for spelled in (value, json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value)):
            assert value not in redactor.redact(f"{before}{spelled}{after}").replace("*", "")


def test_the_longest_value_wins_and_sentences_stay_readable() -> None:
    redactor = Redactor([("abcd", "${SHORT}"), ("abcdefgh", "${LONG}"), ("a", "${ONE}")])
    assert redactor.redact("abcdefgh abcd a 'a'") == "${LONG} ${SHORT} a '${ONE}'"
    assert Redactor().redact("as it is") == "as it is"
    assert "abcd" not in repr(redactor)


def test_the_signature_of_a_request_is_hidden() -> None:
    said = "error sending request for url (https://venue.example/orders?timestamp=1&signature=q83K5CWO%2Bf&recv=5)"
    assert Redactor().redact(said) == said.replace("q83K5CWO%2Bf", "<hidden>")


def test_a_key_of_several_lines_is_hidden_line_by_line() -> None:
    redactor = Redactor([(KEY, "<api-secret>")])
    for said in (KEY, json.dumps(KEY), repr(KEY), "near MC4CAQAwBQYDK2VwBCIEIHnJ?", KEY.strip()):
        assert "MC4CAQ" not in redactor.redact(said)


@pytest.mark.parametrize("log_format", LogFormat)
def test_the_log_holds_no_hidden_value(log_format: LogFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EVERYWHERE, "_shown", {})
    monkeypatch.setattr(EVERYWHERE, "_pattern", EVERYWHERE._pattern)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    stream = io.StringIO()
    configure_logging(LoggingSection(format=log_format), stream)
    hide([('the"secret', "<api-secret>")])
    try:
        raise ValueError('refused: the"secret')
    except ValueError:
        logging.getLogger("test").exception("with %s", 'the"secret', extra={"fields": {"key": 'the"secret'}})
    written = stream.getvalue()
    assert written.count("<api-secret>") == 4  # the message, the field, the exception and its source line
    assert "the" + '"' not in written
    assert 'the\\"' not in written
