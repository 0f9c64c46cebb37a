"""What is generated is current, complete and checked."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
import yaml

from tests.api.manifests import EXAMPLES, ROOT, example
from trading_api import reasons
from trading_api.codec import dump_node_config, parse_deployment
from trading_api.exit_codes import ExitCode
from trading_operator import generate
from trading_operator.custom_resource import custom_resource_definition
from trading_operator.reference import example_run_config

PAGE = (ROOT / "docs/reference/tradingdeployment.md").read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "crds/run-config.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def files() -> Mapping[Path, str]:
    """All that is generated; making it takes most of a second."""
    return generate.generated(ROOT)


def test_the_generated_files_are_current(files: Mapping[Path, str]) -> None:
    assert generate.stale(ROOT, files) == []


class TestCommand:
    """``python -m trading_operator.generate`` in an empty folder."""

    @pytest.fixture
    def checkout(self, tmp_path: Path, files: Mapping[Path, str], monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(generate, "generated", lambda _root: files)
        return tmp_path

    def test_it_writes_what_is_missing_and_then_nothing(
        self, checkout: Path, files: Mapping[Path, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert generate.main([], checkout) == 0
        assert capsys.readouterr().out.count("wrote") == len(files)
        assert {path: (checkout / path).read_text(encoding="utf-8") for path in files} == files

        assert generate.main([], checkout) == 0
        assert capsys.readouterr().out == ""
        assert generate.main(["--check"], checkout) == 0

    def test_the_check_names_what_is_stale_and_the_command_to_run(
        self, checkout: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        generate.main([], checkout)
        capsys.readouterr()
        page = checkout / "docs/reference/run-config.md"
        page.write_text("old", encoding="utf-8")

        assert generate.main(["--check"], checkout) == 1
        assert capsys.readouterr().err.splitlines() == [
            "docs/reference/run-config.md is not current",
            "run: make generate",
        ]
        assert page.read_text(encoding="utf-8") == "old"

    def test_every_file_says_where_it_comes_from(self, files: Mapping[Path, str]) -> None:
        for path, text in files.items():
            assert "enerated by make generate" in text[:200], path


class TestChartTemplate:
    """The definition as a Helm template."""

    def test_what_helm_would_read_is_quoted(self) -> None:
        crd = "metadata:\n  name: tradingdeployments.trading-operator.io\nspec: 'a{{2}}'\n"
        assert """spec: 'a{{ "{{" }}2}}'""" in generate.chart_template(crd)

    def test_a_definition_of_another_shape_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no single line"):
            generate.chart_template("kind: Other\n")


class TestRunConfigSchema:
    """The JSON schema for editors accepts what the node accepts."""

    def test_it_is_a_schema_without_what_is_kubernetes_own(self) -> None:
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        assert "x-" not in {key[:2] for key in _keys(SCHEMA)}

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
    def test_it_accepts_the_run_configs_of_the_examples(self, path: Path) -> None:
        config = json.loads(dump_node_config(example_run_config(parse_deployment(example(path)))))
        validator = jsonschema.Draft202012Validator(SCHEMA)
        validator.validate(config)

        config["trading_node"]["traderId"] = "DESK-A-001"
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(config)


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in _keys(item)}
    return {key for item in value for key in _keys(item)} if isinstance(value, list) else set()


class TestPage:
    """The reference knows everything that a person may meet."""

    def test_it_lists_every_exit_code(self) -> None:
        for code in ExitCode:
            assert f"| {code.value} | `{code.name}` |" in PAGE

    def test_it_lists_every_field(self) -> None:
        schema = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for name in ("spec", "status"):
            for key in _property_names(schema["properties"][name]):
                assert f"| `{key}` |" in PAGE

    def test_every_reason_that_is_given_is_explained(self) -> None:
        # A room that gives members of the enums alone has no literals to look for.
        given = {reason for path in _programs() for reason in _reasons_in(path)}
        assert given
        assert given - {member.value for enum in REASONS for member in enum} == set()

    def test_every_reason_that_is_explained_is_given(self) -> None:
        named: set[str] = set()
        for path in _programs():
            text = path.read_text(encoding="utf-8")
            named |= {f"{enum}.{name}" for enum, name in re.findall(r"\b([A-Z]\w+Reason)\.([A-Z_]+)\b", text)}
            named |= set(re.findall(r'"([A-Z][A-Za-z]+)"', text))
        never = [
            member.value
            for enum in REASONS
            for member in enum
            if f"{enum.__name__}.{member.name}" not in named and member.value not in named
        ]
        assert never == []


def _property_names(schema: dict[str, object]) -> set[str]:
    found = set()
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            found |= set(value)
            for child in value.values():
                found |= _property_names(child)
        elif key == "items" and isinstance(value, dict):
            found |= _property_names(value)
    return found


REASONS = (reasons.AcceptedReason, reasons.ProgressReason, reasons.UpdateReason, reasons.DegradedReason)


def _programs() -> Iterator[Path]:
    for room in ("operator/src", "node_image/src"):
        yield from (ROOT / room).rglob("*.py")


REASON_ARGUMENT = {"Finding": 0, "Refusal": 0, "verdict": 2, "NodeError": 1}
"""Who takes a reason, and as the how-manieth argument."""


def _reasons_in(path: Path) -> set[str]:
    """Return the reasons that a module gives in so many words."""
    found: set[str] = set()
    text = path.read_text(encoding="utf-8")
    if not any(f"{name}(" in text for name in REASON_ARGUMENT):
        return found  # Most modules give none, and parsing all of them takes a second.
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REASON_ARGUMENT:
            position = REASON_ARGUMENT[node.func.id]
            given = [*node.args[position : position + 1], *(k.value for k in node.keywords if k.arg == "reason")]
            found |= {
                n.value for g in given for n in ast.walk(g) if isinstance(n, ast.Constant) and isinstance(n.value, str)
            }
    return found


def test_the_definition_is_plain_yaml() -> None:
    text = (ROOT / "crds/trading-operator.io_tradingdeployments.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has it
    assert yaml.load(text, Loader=loader) == custom_resource_definition()  # noqa: S506
    assert "&id" not in text
    # kubectl's client-side apply keeps a copy in an annotation, which has room for 256 KiB.
    assert len(text) < 200_000
