"""Rules between fields: one definition, checked twice.

The API server checks a rule as CEL when a manifest is applied; Python checks it wherever a model is made: in the
operator (a resource may be older than a rule) and for the run-config, which no API server sees. Both say the same
sentence. ``tests/api`` holds the two against each other on a real API server.

Sentences name fields in braces by their Python names, such as ``{order_id_tag}``; they are spelled for the reader's
document: ``orderIdTag`` in a manifest, ``order_id_tag`` in a run-config.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic.alias_generators import to_camel

X_RULES = "x-rules"
"""Key in a JSON schema: all rules of an object, as ``at`` and ``says``, with fields in braces."""

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Spelling(StrEnum):
    """How a document writes the names of fields."""

    CAMEL = "camelCase"
    """Kubernetes resources."""
    SNAKE = "snake_case"
    """The run-config."""

    def field(self, name: str) -> str:
        """Spell the Python name of a field."""
        return to_camel(name) if self is Spelling.CAMEL else name

    def path(self, dotted: str) -> str:
        """Spell a dotted path of Python names."""
        return ".".join(map(self.field, dotted.split(".")))

    def sentence(self, text: str) -> str:
        """Spell all fields that a sentence names in braces."""
        return _FIELD.sub(lambda match: self.field(match[1]), text)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What must hold between the fields of one model."""

    at: str
    """Field that the error is shown at, relative to the model, dotted, by Python names; empty: the model itself."""
    says: str
    """What is asked for and what to write."""
    cel: str | None
    """The condition in CEL over ``self``; None where the API server cannot see what the rule is about."""
    holds: Callable[[Any], bool]
    """The same condition over the model."""
    required: bool = False
    """Whether a broken rule means that a field is missing, rather than wrong."""

    def broken(self, model: object, spelling: Spelling) -> str | None:
        """Return the sentence if the model breaks the rule."""
        return None if self.holds(model) else spelling.sentence(self.says)

    def validation(self) -> dict[str, Any] | None:
        """Return the rule as an entry of ``x-kubernetes-validations``."""
        if self.cel is None:
            return None
        return _entry(self.at, self.cel, Spelling.CAMEL.sentence(self.says), required=self.required)


@dataclass(frozen=True, kw_only=True)
class RuleOfEach:
    """What must hold for each of many things; the error names those that break it."""

    at: str
    """Field that the error is shown at, relative to the model, dotted, by Python names."""
    says: str
    """What is asked for and what to write; the names of the offenders are put before it."""
    cel: str | None
    """CEL list of the offenders' names, as strings, empty when the rule holds; None where the API server cannot see
    what the rule is about."""
    offenders: Callable[[Any], Iterable[str]]
    """The same names from the model, in the same order."""
    required: bool = False
    """Whether a broken rule means that a field is missing, rather than wrong."""

    def broken(self, model: object, spelling: Spelling) -> str | None:
        """Return the sentence, with the offenders' names before it, if the model breaks the rule."""
        names = list(self.offenders(model))
        return f"{json.dumps(names, ensure_ascii=False)}: {spelling.sentence(self.says)}" if names else None

    def validation(self) -> dict[str, Any] | None:
        """Return the rule as an entry of ``x-kubernetes-validations``."""
        if self.cel is None:
            return None
        says = Spelling.CAMEL.sentence(self.says)
        entry = _entry(self.at, f"size({self.cel}) == 0", says, required=self.required)
        # Not join(): the API server estimates its cost as if names had no bounds.
        return entry | {"messageExpression": f"{cel_string('%s: ' + says)}.format([{self.cel}])"}


@dataclass(frozen=True, kw_only=True)
class Immutable:
    """A field that keeps its first value for the object's life; only the API server knows the old one.

    Presence counts as part of the value, so that removing and adding the field again does not change it.
    """

    at: str
    """The field, relative to the model, dotted, by Python names. All of its parents are required fields."""
    says: str
    """Why it cannot change and what to do instead."""
    optional: bool = False
    """Whether the field may be absent."""

    def broken(self, model: object, spelling: Spelling) -> None:
        """Return nothing: one state alone cannot break this rule."""

    def validation(self) -> dict[str, Any]:
        """Return the rule as an entry of ``x-kubernetes-validations``."""
        path = Spelling.CAMEL.path(self.at)
        cel = f"self.{path} == oldSelf.{path}"
        if self.optional:
            cel = f"has(self.{path}) == has(oldSelf.{path}) && (!has(self.{path}) || {cel})"
        return _entry(self.at, cel, Spelling.CAMEL.sentence(self.says))


@dataclass(frozen=True, kw_only=True)
class Transition:
    """What a change must keep; only the API server knows the former state.

    It holds of itself where there is none: at the creation, or where one of both states lacks the model.
    """

    at: str
    """Field that the error is shown at, relative to the model, dotted, by Python names."""
    cel: str
    """The condition in CEL over ``self`` and ``oldSelf``."""
    says: str
    """Why it cannot change so and what to do instead."""

    def broken(self, model: object, spelling: Spelling) -> None:
        """Return nothing: one state alone cannot break this rule."""

    def validation(self) -> dict[str, Any]:
        """Return the rule as an entry of ``x-kubernetes-validations``."""
        return _entry(self.at, self.cel, Spelling.CAMEL.sentence(self.says))


type AnyRule = Rule | RuleOfEach | Immutable | Transition


def cel_string(text: str) -> str:
    """Quote a text as a CEL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _entry(at: str, cel: str, message: str, *, required: bool = False) -> dict[str, Any]:
    entry: dict[str, Any] = {"rule": cel, "message": message}
    if at:
        entry["fieldPath"] = f".{Spelling.CAMEL.path(at)}"
    if required:
        entry["reason"] = "FieldValueRequired"
    return entry
