"""What is wrong with a document: every fault at once, each with its place and what to write instead."""

import re
import types
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from trading_api.rules import Spelling

type Location = Sequence[int | str]

_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_-]*")

# Pydantic's kind of fault to what to write; kinds of our own carry their sentence.
_SENTENCES = {
    "bool_type": "write true or false",
    "dict_type": "write an object with fields",
    "enum": "write {expected}",
    "greater_than_equal": "write a number of at least {ge}",
    "int_from_float": "write a whole number",
    "int_type": "write a whole number",
    "less_than_equal": "write a number of at most {le}",
    "literal_error": "write {expected}",
    "model_type": "write an object with fields",
    "string_too_long": "write at most {max_length} characters",
    "string_too_short": "write at least {min_length} character(s)",
    "string_type": "write a text",
    "too_long": "write at most {max_length} items",
    "too_short": "write at least {min_length} item(s)",
    "tuple_type": "write a list",
}


class FieldError(NamedTuple):
    """One fault."""

    path: str
    """Where, such as ``spec.venues[0].replay``; empty for the whole document."""
    message: str
    """What is wrong and what to write instead."""

    def __str__(self) -> str:
        """Return place and message in one line."""
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidDocument(ValueError):  # noqa: N818  # reads as what it is where it is raised and caught
    """A document that is not what it should be; carries all of its faults."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(map(str, self.errors)))


def json_path(location: Location) -> str:
    """Write a location as the API server does, such as ``spec.venues[0].replay`` or ``labels[desk.example.com/a]``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            path += f".{part}" if path else part
        else:
            path += f"[{part}]"
    return path


def explain(error: ValidationError, model: type[BaseModel], spelling: Spelling) -> tuple[FieldError, ...]:
    """Return the faults that pydantic found in a document of a model."""
    faults = error.errors(include_url=False, include_input=False)
    return tuple(
        FieldError(json_path(fault["loc"]), _sentence(fault, model, spelling))
        for fault in faults
        if not (fault["type"] == "too_short" and _has_fault_within(fault["loc"], faults))
    )


def _has_fault_within(location: Location, faults: Sequence[ErrorDetails]) -> bool:
    """Tell whether an item of a list is at fault: pydantic then misses it in the list's length, too."""
    return any(len(f["loc"]) > len(location) and f["loc"][: len(location)] == location for f in faults)


def _sentence(fault: ErrorDetails, model: type[BaseModel], spelling: Spelling) -> str:
    location = fault["loc"]
    match fault["type"]:
        case "missing":
            field = _fields(_model_at(model, location[:-1], spelling), spelling).get(str(location[-1]))
            return f"is required: {field.description}" if field and field.description else "is required"
        case "extra_forbidden":
            return _unknown(str(location[-1]), list(_fields(_model_at(model, location[:-1], spelling), spelling)))
        case kind if kind in _SENTENCES:
            return _SENTENCES[kind].format_map(fault.get("ctx", {}))
        case _:
            return fault["msg"]


def _unknown(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"unknown field: {f'did you mean {close[0]}?' if close else f'write one of {", ".join(known)}'}"


def _fields(model: type[BaseModel] | None, spelling: Spelling) -> dict[str, FieldInfo]:
    return {spelling.field(name): field for name, field in model.model_fields.items()} if model else {}


def _model_at(model: type[BaseModel], location: Location, spelling: Spelling) -> type[BaseModel] | None:
    """Return the model that a location leads to, if it leads to one."""
    found: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, str):
            field = _fields(found, spelling).get(part)
            found = model_in(field.annotation) if field else None
    return found


def model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401  # any type may be annotated
    """Return the model inside an optional, a list or an annotated type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Annotated, Union, types.UnionType, tuple}:
        return next(filter(None, map(model_in, get_args(annotation))), None)
    return None
