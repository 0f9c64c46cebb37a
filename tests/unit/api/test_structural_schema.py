"""What pydantic writes becomes what an API server takes, or is refused with the field's name."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, JsonValue

from trading_api.base import ApiModel
from trading_api.fields import CountOrWord, Matches, Name, keyed_by
from trading_api.rules import Immutable, Rule, RuleOfEach
from trading_operator.custom_resource import resource_schema
from trading_operator.structural_schema import UnconvertibleError, structural_schema


class Colour(StrEnum):
    RED = "Red"
    BLUE = "Blue"


class Inner(ApiModel):
    """An inner object.

    With a second paragraph.
    """

    size_limit: int = Field(default=3, gt=0, lt=10)
    """How large."""
    kind: Literal["Only"] = "Only"
    """One value."""


class Outer(ApiModel):
    """An outer object."""

    inner: Inner
    """Described where it is used, as ``inner``."""
    maybe: Inner | None = None
    """May be absent."""
    colour: Colour = Colour.RED
    """One of two."""
    name: Name
    """A name."""
    speed: Annotated[int | Literal["Maximum"], CountOrWord("Maximum", at_least=1, at_most=9)] = 1
    """A number or a word."""
    items: Annotated[tuple[Inner, ...], Field(max_length=4, json_schema_extra=keyed_by("kind"))] = ()
    """A list."""
    labels: dict[str, Annotated[str, Field(max_length=5)]] = Field(default_factory=dict, max_length=2)
    """A map."""
    anything: dict[str, JsonValue] = Field(default_factory=dict, max_length=2)
    """Free-form."""


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return structural_schema(Outer)


@pytest.fixture(scope="module")
def fields(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["properties"]
    return found


def test_an_object_lists_its_fields_in_camel_case(schema: dict[str, Any]) -> None:
    assert schema["type"] == "object"
    assert schema["required"] == ["inner", "name"]
    assert list(schema["properties"]["inner"]["properties"]) == ["sizeLimit", "kind"]
    assert schema.keys() == {"description", "type", "required", "properties"}


def test_a_reference_becomes_what_it_refers_to(fields: dict[str, Any]) -> None:
    assert fields["inner"]["description"] == "Described where it is used, as `inner`."
    assert fields["inner"]["properties"].keys() == fields["maybe"]["properties"].keys()


def test_an_optional_field_has_neither_null_nor_default(fields: dict[str, Any]) -> None:
    assert fields["maybe"].keys() == {"description", "type", "properties"}


def test_exclusive_bounds_become_inclusive(fields: dict[str, Any]) -> None:
    assert fields["inner"]["properties"]["sizeLimit"] == {
        "description": "How large.",
        "type": "integer",
        "default": 3,
        "minimum": 1,
        "maximum": 9,
    }


def test_a_constant_is_the_only_value(fields: dict[str, Any]) -> None:
    assert fields["inner"]["properties"]["kind"]["enum"] == ["Only"]
    assert fields["colour"]["enum"] == ["Red", "Blue"]
    assert fields["colour"]["default"] == "Red"


def test_a_pattern_becomes_a_rule_with_a_sentence(fields: dict[str, Any]) -> None:
    assert "pattern" not in fields["name"]
    (rule,) = fields["name"]["x-kubernetes-validations"]
    assert rule["rule"] == "self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')"
    assert rule["message"].startswith("write lower-case letters")


def test_a_number_or_a_word_is_int_or_string(fields: dict[str, Any]) -> None:
    speed = fields["speed"]
    assert speed["x-kubernetes-int-or-string"] is True
    assert speed["default"] == 1
    assert "type" not in speed
    assert "anyOf" not in speed
    assert speed["x-kubernetes-validations"][0]["message"] == "write a whole number from 1 to 9, or Maximum"


def test_lists_and_maps(fields: dict[str, Any]) -> None:
    assert fields["items"]["x-kubernetes-list-map-keys"] == ["kind"]
    assert (fields["items"]["maxItems"], fields["items"]["default"]) == (4, [])
    assert fields["labels"]["additionalProperties"] == {"type": "string", "maxLength": 5}
    assert (fields["labels"]["maxProperties"], fields["labels"]["default"]) == (2, {})
    assert fields["anything"]["x-kubernetes-preserve-unknown-fields"] is True
    assert "additionalProperties" not in fields["anything"]


def test_a_report_is_not_filled_in() -> None:
    assert "default" not in str(structural_schema(Outer, defaults=False))


class PatternOnly(BaseModel):
    word: str = Field(pattern="^[a-z]+$")


class TwoTypes(BaseModel):
    value: int | bool


class ExclusiveNumber(BaseModel):
    ratio: float = Field(gt=0)


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Discriminated(BaseModel):
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]]


class Stepped(BaseModel):
    price: float = Field(multiple_of=0.5)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (PatternOnly, "PatternOnly.word: a pattern without a sentence"),
        (TwoTypes, "TwoTypes.value: a union of types"),
        (ExclusiveNumber, "ExclusiveNumber.ratio: an exclusive bound of a number"),
        (Discriminated, r"Discriminated.pets\[\]: no structural schema has discriminator, oneOf"),
        (Stepped, "Stepped.price: no structural schema has multipleOf"),
    ],
)
def test_what_cannot_be_said_is_refused_at_its_field(model: type[BaseModel], says: str) -> None:
    with pytest.raises(UnconvertibleError, match=says):
        structural_schema(model)


class Ruled(ApiModel):
    first_name: str = ""
    last_name: str = ""
    words: tuple[str, ...] = ()

    rules = (
        Rule(at="last_name", cel="has(self.a)", holds=bool, says="write {last_name}: it's needed", required=True),
        Rule(at="", cel=None, holds=bool, says="seen by Python alone"),
        RuleOfEach(at="words", cel="self.words.filter(w, w == 'x')", offenders=lambda m: m.words, says="it's {words}"),
        RuleOfEach(at="words", cel=None, offenders=lambda _: (), says="seen by Python alone"),
        Immutable(at="first_name", says="it stays", optional=True),
        Immutable(at="first_name", says="it stays"),
    )


def test_rules_become_cel_in_the_spelling_of_manifests() -> None:
    required, each, optional, immutable = structural_schema(Ruled)["x-kubernetes-validations"]

    assert required == {
        "rule": "has(self.a)",
        "message": "write lastName: it's needed",
        "fieldPath": ".lastName",
        "reason": "FieldValueRequired",
    }
    assert each["rule"] == "size(self.words.filter(w, w == 'x')) == 0"
    assert each["messageExpression"] == r"'%s: it\'s words'.format([self.words.filter(w, w == 'x')])"
    assert immutable["rule"] == "self.firstName == oldSelf.firstName"
    assert optional["rule"] == (
        "has(self.firstName) == has(oldSelf.firstName) && (!has(self.firstName) || self.firstName == oldSelf.firstName)"
    )


def test_a_pattern_matches_the_whole_text_and_ascii_alone() -> None:
    class Model(ApiModel):
        word: Annotated[str, Matches(r"\w+", "write one word")]

    assert Model(word="one").word == "one"
    for wrong in ("two words", "one\n", "größe", ""):
        with pytest.raises(ValueError, match="write one word"):
            Model(word=wrong)


def _walk(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _walk(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from _walk(schema[key], f"{path}[]")


RESOURCE = [
    (path, schema) for name in ("spec", "status") for path, schema in _walk(resource_schema()["properties"][name], name)
]


@pytest.mark.parametrize(("path", "schema"), RESOURCE, ids=[path for path, _ in RESOURCE])
def test_every_field_of_the_resource_is_bounded_and_described(path: str, schema: dict[str, Any]) -> None:
    if not path.endswith("[]"):
        assert schema["description"].endswith(".")
    match schema.get("type"):
        case "string":
            assert "enum" in schema or schema["maxLength"] <= 8192
        case "array":
            assert schema["maxItems"] <= 128
        case "integer" | "boolean":
            pass
        case "object":
            free = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
            assert "maxProperties" in schema or "properties" in schema or not free
        case None:
            assert schema["x-kubernetes-int-or-string"]
        case other:
            pytest.fail(f"unexpected type {other}")


def test_free_form_are_only_what_others_define() -> None:
    free = {path for path, schema in RESOURCE if schema.get("x-kubernetes-preserve-unknown-fields")}
    template = "spec.podTemplate.spec"
    assert free == {
        "spec.strategies[].config",
        template,
        f"{template}.containers[]",
        f"{template}.containers[].env[]",
    }
