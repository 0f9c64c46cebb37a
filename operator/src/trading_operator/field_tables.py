"""Tables of every field of a model, in Markdown."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from trading_api.fields import X_SAYS
from trading_api.rules import X_RULES, Spelling
from trading_operator.structural_schema import Schema, json_schema, prose, resolved


@dataclass(frozen=True)
class FieldTables:
    """The fields of a model and of everything in it, one section for each object."""

    model: type[BaseModel]
    spelling: Spelling
    defaults: bool = True
    """Whether somebody fills defaults in."""

    def sections(self, path: str) -> Iterator[str]:
        """Yield the sections, outermost first; ``path`` is where the model stands in the document."""
        schema = json_schema(self.model, by_alias=self.spelling is Spelling.CAMEL)
        yield from self._sections(schema, path, schema.get("$defs", {}))

    def _sections(self, schema: Schema, path: str, definitions: Schema) -> Iterator[str]:
        fields = {name: resolved(field, definitions) for name, field in schema["properties"].items()}
        rows = [self._row(name, field, path, schema.get("required", ()), definitions) for name, field in fields.items()]
        yield "\n".join(
            [
                f"### `{path}`",
                "",
                prose(schema.get("description", "")),
                "",
                "| Field | Type | Default | Bounds | Description |",
                "|---|---|---|---|---|",
                *rows,
                *self._rules(schema, path),
            ]
        )
        for name, field in fields.items():
            child, suffix = _child_object(field, definitions)
            if child is not None:
                yield from self._sections(child, f"{path}.{name}{suffix}", definitions)

    def _row(self, name: str, field: Schema, path: str, required: list[str], definitions: Schema) -> str:
        if name in required:
            default = "**required**"
        elif self.defaults and "default" in field:
            default = f"`{json.dumps(field['default'])}`"
        else:
            default = ""
        cells = (
            f"`{name}`",
            _type(field, f"{path}.{name}", definitions),
            default,
            "; ".join(_bounds(field, definitions)),
            prose(field.get("description", "")),
        )
        return f"| {' | '.join(cell.replace('|', r'\|') for cell in cells)} |"

    def _rules(self, schema: Schema, path: str) -> Iterator[str]:
        rules = schema.get(X_RULES, [])
        if rules:
            yield from ("", "Rules, with what to write instead:", "")
        for rule in rules:
            at = f"{path}.{self.spelling.path(rule['at'])}" if rule["at"] else path
            yield f"- `{at}`: {self.spelling.sentence(rule['says'])}"


def anchor(heading: str) -> str:
    """Return the link target that Markdown viewers give a heading."""
    return "#" + re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")


def _child_object(field: Schema, definitions: Schema) -> tuple[Schema | None, str]:
    """Return the object with fields that a field holds, alone or in a list, and how the path goes on to it."""
    if "items" in field:
        items = resolved(field["items"], definitions)
        return (items, "[]") if "properties" in items else (None, "")
    return (field, "") if "properties" in field else (None, "")


def _type(field: Schema, path: str, definitions: Schema) -> str:
    if "const" in field:
        field = {"enum": [field["const"]]}
    match field:
        case {"enum": values}:
            return " or ".join(f"`{value}`" for value in values)
        case {"anyOf": options}:
            return " or ".join(_type(option, path, definitions) for option in options)
        case {"items": items}:
            return f"list of {_type(resolved(items, definitions), f'{path}[]', definitions)}"
        case {"properties": _}:
            return f"[object]({anchor(path)})"
        case {"type": "object"}:
            return _map_type(field.get("additionalProperties"), path, definitions)
        case _:
            return str(field.get("type", "any"))


def _map_type(values: object, path: str, definitions: Schema) -> str:
    if isinstance(values, dict) and values:
        return f"map of {_type(resolved(values, definitions), path, definitions)}"
    return "free-form object"


def _bounds(field: Schema, definitions: Schema) -> Iterator[str]:
    for least, most, unit in (
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minProperties", "maxProperties", " entries"),
        ("minimum", "maximum", ""),
    ):
        match field.get(least), field.get(most):
            case None, None:
                pass
            case None, maximum:
                yield f"at most {maximum}{unit}"
            case minimum, None:
                yield f"at least {minimum}{unit}"
            case minimum, maximum:
                yield f"{minimum} to {maximum}{unit}"
    if X_SAYS in field:
        yield field[X_SAYS]
    for option in field.get("anyOf", ()):
        yield from _bounds(option, definitions)
    each = field.get("items") or field.get("additionalProperties")
    if isinstance(each, dict) and "properties" not in (each := resolved(each, definitions)):
        within = "; ".join(_bounds(each, definitions))
        yield from [f"each {within}"] if within else []
