"""Variables of the environment in a run-config: put in before validation, and never said aloud."""

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.examples import examples
from trading_api.errors import InvalidDocument
from trading_api.exit_codes import ExitCode
from trading_node.cli import main
from trading_node.errors import NodeError
from trading_node.redaction import IN_ERRORS
from trading_node.run_config.load import RunConfig, load_run_config, parse_run_config
from trading_node.run_config.show import effective_document, effective_text
from trading_node.run_config.variables import expand, expand_text

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "paper.json"


def example(**trading_node: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(EXAMPLE.read_text())
    document["trading_node"] |= trading_node
    return document


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("$5 and {x} and $X", "$5 and {x} and $X"),
        ("${A}", "one"),
        ("a${A}b${B}c", "aoneb${A}c"),  # what is put in is not looked at again
        ("${EMPTY}", ""),
        ("${NONE:-two}", "two"),
        ("${EMPTY:-two}", "two"),
        ("${A:-two}", "one"),
        ("${NONE:-}", ""),
        ("${NONE:-a:-b}", "a:-b"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("${NONE:-$}${A}", "$one"),
    ],
)
def test_variables_are_put_in(template: str, text: str) -> None:
    assert expand_text(template, {"A": "one", "B": "${A}", "EMPTY": ""}).text == text


@pytest.mark.parametrize(
    "template",
    ["${", "${}", "${A", "${1A}", "${A-b}", "${A:b}", "${A:-${B}}", "${A:-{}}", "${NONE:-{1}}", "${ A }", "a ${é}"],
)
def test_what_is_no_variable_is_refused_with_what_to_write(template: str) -> None:
    expanded = expand({"a": [template]}, {"A": "one"})
    (error,) = expanded.errors
    assert error.path == "a[0]"
    assert "write ${NAME} or ${NAME:-default}, or $${ for a plain ${" in error.message


def test_everything_that_is_wrong_is_said_at_once() -> None:
    document = example(trader_id="${TRADER} ${DESK}", http={"port": "${PORT}"})
    document["logging"]["level"] = "LOUD"
    with pytest.raises(InvalidDocument) as refused:
        parse_run_config(json.dumps(document), {"PORT": "8080"})
    assert [str(error) for error in refused.value.errors] == [
        "trading_node.trader_id: the environment variable TRADER is not set: set it, or write ${TRADER:-default}",
        "trading_node.trader_id: the environment variable DESK is not set: set it, or write ${DESK:-default}",
        "trading_node.http.port: write a whole number (${PORT} puts a text in, never a number or true)",
        "logging.level: write 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
    ]


def test_names_of_what_is_refused_are_not_what_variables_hold() -> None:
    document = example()
    for strategy in document["trading_node"]["strategies"]:
        strategy["name"] = "${DESK_TOKEN}"
    with pytest.raises(InvalidDocument) as refused:
        parse_run_config(json.dumps(document), {"DESK_TOKEN": "very-secret"})
    assert '["${DESK_TOKEN}", "${DESK_TOKEN}"]: give every strategy a name of its own' in str(refused.value)


def test_keys_are_left_alone() -> None:
    assert expand({"${A}": "${A}"}, {"A": "one"}).document == {"${A}": "one"}


CANARY = "cAnArY-7"
junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["${S}", "x${S}y", "${NOT}", "${S:-d}", "$${S}", "${", "${S", "1 ${S}", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("name"), inner, max_size=3),
    max_leaves=8,
)


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every container and key of a document."""
    found = []
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        found += [(document, key), *places(value)]
    return found


@given(st.data())
@examples(40)
def test_any_document_is_a_run_config_or_an_error_that_holds_no_value(data: st.DataObject) -> None:
    document = example()
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(document)))
        container[key] = data.draw(junk)
    error = refusal(json.dumps(document))
    if error is not None:
        assert error.errors
        assert CANARY not in str(error)
        str(error).encode()
        assert error.__context__ is None or error.__suppress_context__


def refusal(text: str) -> InvalidDocument | None:
    try:
        config, expanded = parse_run_config(text, {"S": CANARY})
    except InvalidDocument as error:
        return error
    assert config.trading_node.strategies
    assert not expanded.errors
    return None


@given(
    st.binary(max_size=40) | st.text(max_size=40).map(str.encode) | st.text('[{":0-}],', max_size=40).map(str.encode)
)
@examples(60)
def test_any_bytes_are_a_run_config_or_an_error(content: bytes) -> None:
    with pytest.raises(InvalidDocument):
        parse_run_config(content, {})


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 5_000 + "1" + "}" * 5_000, "9" * 5_000, '{"a":1e999}'])
def test_what_breaks_parsers_is_an_error(content: str) -> None:
    with pytest.raises(InvalidDocument):
        parse_run_config(content, {})


@given(st.text(string.printable, max_size=30))
@examples(60)
def test_what_is_shown_means_the_same_again(path: str) -> None:
    assume(not ("://" in path and "@" in path))  # who stands in an address is hidden
    document = example(catalogs=[{"name": "ticks", "path": f"/a{path.replace('${', '$${')}"}])
    document["trading_node"]["strategies"][0]["config"]["instrument_id"] = "${SYMBOL:-BTCUSDT}.BINANCE"
    variables = {"SYMBOL": "ETHUSDT"}
    config, expanded = parse_run_config(json.dumps(document), variables)
    assert config.trading_node.catalogs[0].path == f"/a{path}"
    shown = effective_text(RunConfig(config=config, folder=Path(), expanded=expanded))
    assert "ETHUSDT" not in shown
    assert parse_run_config(shown, variables)[0] == config


def write(folder: Path, document: dict[str, Any]) -> Path:
    file = folder / "paper.json"
    file.write_text(json.dumps(document))
    return file


def test_show_prints_defaults_and_hides_what_a_strategy_keeps_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = example(trader_id="${TRADER}")
    document["trading_node"]["strategies"][0]["config"] |= {"signals": {"api_key": "inline", "url": "${FEED_URL}"}}
    monkeypatch.setenv("TRADER", "DESK-B-002")
    monkeypatch.setenv("FEED_URL", "https://user:pass@feed")
    assert main(["config", "show", str(write(tmp_path, document))]) == ExitCode.OK
    out = capsys.readouterr().out
    shown = json.loads(out)
    assert shown["trading_node"]["trader_id"] == "${TRADER}"
    assert shown["trading_node"]["http"] == {"host": "127.0.0.1", "port": 8080}
    assert shown["trading_node"]["strategies"][0]["config"]["signals"] == {"api_key": "<hidden>", "url": "${FEED_URL}"}
    assert not any(value in out for value in ("inline", "user:pass", "DESK-B-002"))


@pytest.mark.parametrize(
    "field",
    [
        {"api_keys": ["hunter2"]},
        {"credentials": {"user": "hunter2", "more": [{"of": "hunter2"}]}},
        {"token": "$${hunter2"},
        {"token": "${FEED:-hunter2}"},
        {"secret": 482100471},
        {"feed_dsn": "hunter2"},
        {"smtp_pass": "hunter2", "pwd": "hunter2", "seed_phrase": "hunter2"},
        {"feed": "https://feed/x?user=desk&pass=hunter2"},
        {"feed": "https://desk:hunter2@feed/x"},
        {"feed": "https://hunter2@feed"},
        {"feeds": [["redis://:hun/ter2@feed"]]},
        {"feed": "postgresql://feed/x?user=desk&passWord=hunter2&ssl=require"},
    ],
)
def test_show_hides_all_of_what_is_secret(field: dict[str, Any]) -> None:
    document = example()
    document["trading_node"]["strategies"][0]["config"] |= {"signals": field, "level": 7}
    config, expanded = parse_run_config(json.dumps(document), {})
    shown = effective_text(RunConfig(config=config, folder=Path(), expanded=expanded))
    assert not any(secret in shown for secret in ("hunter2", "hun/ter2", "ter2", "482100471"))
    assert "<hidden>" in shown
    assert json.loads(shown)["trading_node"]["strategies"][0]["config"]["level"] == 7


@pytest.mark.parametrize(
    "field",
    [{"api_key": "${KEY}"}, {"use_token": True}, {"feed": "https://${USER}:${WORD}@feed?token=${KEY}"}, {"at": "a@b"}],
)
def test_show_says_which_variable_holds_a_secret(field: dict[str, Any]) -> None:
    document = example()
    document["trading_node"]["strategies"][0]["config"] |= {"signals": field}
    config, expanded = parse_run_config(json.dumps(document), {"KEY": "kkkk", "USER": "uuuu", "WORD": "wwww"})
    shown = effective_document(RunConfig(config=config, folder=Path(), expanded=expanded))
    assert shown["trading_node"]["strategies"][0]["config"]["signals"] == field


@pytest.mark.parametrize(
    "name",
    ["DB_PASS", "PASS", "PASS_FILE_TEXT", "SMTP_PWD", "SENTRY_DSN", "WALLET_MNEMONIC", "BINANCE_APIKEY", "SEED_PHRASE",
     "API_KEY", "KEY", "FEED_URL"],
)  # fmt: skip
def test_a_variable_with_a_secrets_name_is_one(name: str) -> None:
    assert expand(f"${{{name}}}", {name: "hunter2"}).secrets == (("hunter2", f"${{{name}}}"),)


@pytest.mark.parametrize("name", ["SYMBOL", "COMPASS", "PASSIVE_OFFSET", "DESK", "MONKEY", "STATE_FOLDER"])
def test_other_variables_may_be_in_the_log(name: str) -> None:
    assert expand(f"${{{name}}}", {name: "BTC"}).secrets == ()


def test_schema_is_the_one_that_is_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == ExitCode.OK
    generated = json.loads((ROOT / "crds" / "run-config.schema.json").read_text())
    del generated["$comment"]
    assert json.loads(capsys.readouterr().out) == generated


def test_the_check_of_a_file_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, example(trader_id="${NOWHERE_SET}"))
    assert main(["config", "check", "--only-file", str(EXAMPLE)]) == ExitCode.OK
    assert main(["config", "check", "--only-file", str(file)]) == ExitCode.CONFIG_REFUSED
    assert "the environment variable NOWHERE_SET is not set" in capsys.readouterr().err


def test_a_later_error_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", "/a/very/private/place")
    document = example(catalogs=[{"name": "ticks", "path": "${WHERE}"}])
    loaded = load_run_config(write(tmp_path, document), {"WHERE": "/a/very/private/place"})
    monkeypatch.setattr("trading_node.errors.IN_ERRORS", type(IN_ERRORS)(loaded.expanded.values))
    error = NodeError(ExitCode.CATALOG_UNREADABLE, "X", "There is no catalog at /a/very/private/place.", "Look there")
    assert str(error) == "There is no catalog at ${WHERE}. Look there"
