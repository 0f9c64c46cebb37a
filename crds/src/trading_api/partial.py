"""Rules between fields of a document that is at fault elsewhere: judged by the parts that are well.

A model that pydantic refuses never comes to its rules, so a person would correct a wrong level of logging and then hear
for the first time that strategies share a name. Here the model is put together of what is valid; a rule that asks for
anything else is not judged.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from trading_api.base import ApiModel
from trading_api.errors import FieldError, Location, json_path, model_in
from trading_api.rules import Spelling


class FaultyError(Exception):
    """A rule asked for something that is at fault."""


class Partial:
    """A model without what is at fault; its properties work as far as they need nothing of that."""

    def __init__(self, model: type[BaseModel], values: Mapping[str, Any]) -> None:
        self._model = model
        self._values = values

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # fields have any type
        """Return a field's value, or what a property makes of others. Raises FaultyError."""
        if name in self._values:
            return self._values[name]
        found = getattr(self._model, name, None)
        if isinstance(found, property) and found.fget is not None:
            return found.fget(self)
        raise FaultyError(name)


def broken_rules(model: type[ApiModel], document: object, spelling: Spelling) -> list[FieldError]:
    """Return the broken rules of all models in a document that pydantic did not come to."""
    found: list[FieldError] = []
    with contextlib.suppress(FaultyError):
        _read(model, document, spelling, (), found)
    return found


def _read(model: type[BaseModel], document: object, spelling: Spelling, at: Location, found: list[FieldError]) -> Any:  # noqa: ANN401  # a model or what there is of it
    """Return what a document makes of a model, and add the rules that it breaks. Raises FaultyError."""
    if not isinstance(document, Mapping):
        raise FaultyError(json_path(at))
    names = {spelling.field(name): name for name in model.model_fields}
    misspelt = document.keys() - names.keys()
    values: dict[str, Any] = {}
    whole = not misspelt
    for spelt, name in names.items():
        field = model.model_fields[name]
        try:
            if spelt in document:
                values[name], is_well = _read_field(field, document[spelt], spelling, (*at, spelt), found)
                whole = whole and is_well
            elif misspelt or field.is_required():
                whole = False  # It may stand there under another name.
            else:
                values[name] = field.get_default(call_default_factory=True)
        except FaultyError:
            whole = False
    partial = Partial(model, values)
    if not whole and issubclass(model, ApiModel):
        found += _judge(model, partial, spelling, at)
    return partial


def _read_field(
    field: FieldInfo, value: object, spelling: Spelling, at: Location, found: list[FieldError]
) -> tuple[Any, bool]:
    """Return a field's value and whether all of it is well. Raises FaultyError."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
        read = adapter.validate_json(
            json.dumps(value),
            strict=True,
            context=spelling,
            by_alias=spelling is Spelling.CAMEL,
            by_name=spelling is Spelling.SNAKE,
        )
        return read, True
    except ValidationError:
        inner = model_in(field.annotation)
    if inner is not None and isinstance(value, Mapping):
        return _read(inner, value, spelling, at, found), False
    if inner is not None and isinstance(value, list) and get_args(field.annotation):
        return tuple(_read(inner, each, spelling, (*at, number), found) for number, each in enumerate(value)), False
    raise FaultyError(json_path(at))


def _judge(model: type[ApiModel], partial: Partial, spelling: Spelling, at: Location) -> Iterator[FieldError]:
    for rule in model.rules:
        try:
            sentence = rule.broken(partial, spelling)
        except Exception:  # noqa: BLE001, S112  # what a rule asks for is not there, in whatever way it notices
            continue
        if sentence is not None:
            yield FieldError(json_path((*at, *(spelling.field(part) for part in rule.at.split(".") if part))), sentence)
