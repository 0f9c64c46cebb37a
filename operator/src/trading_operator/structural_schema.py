"""From a pydantic model to the structural schema that a CustomResourceDefinition takes.

JSON schema, as pydantic writes it, has references, unions with null, constants and numeric exclusive bounds; a
structural schema has none of these. What cannot be said in one is refused here, where the field is known, rather than
by an API server.
"""

from collections.abc import Callable
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import WithDefaultSchema

from trading_api.fields import X_SAYS
from trading_api.rules import X_RULES

type Schema = dict[str, Any]

_COPIED = (
    "type",
    "format",
    "enum",
    "default",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "maxProperties",
    "minimum",
    "maximum",
    "required",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-preserve-unknown-fields",
)
_CONVERTED = {
    "$defs",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "items",
    "pattern",
    "properties",
    "title",
    "x-kubernetes-validations",
    X_RULES,
    X_SAYS,
}


class UnconvertibleError(ValueError):
    """A model says what no structural schema can say."""


class SchemaWithFactories(GenerateJsonSchema):
    """A JSON schema that shows what default factories make, as the API server has to fill it in."""

    def get_default_value(self, schema: WithDefaultSchema) -> Any:  # noqa: ANN401  # a default has any type
        """Return the default of a field, made if need be."""
        if "default_factory" not in schema or schema.get("default_factory_takes_data"):
            return super().get_default_value(schema)
        return cast("Callable[[], Any]", schema["default_factory"])()


def json_schema(model: type[BaseModel], *, by_alias: bool) -> Schema:
    """Return the JSON schema of a model, in camelCase (``by_alias``) or snake_case."""
    return model.model_json_schema(by_alias=by_alias, schema_generator=SchemaWithFactories)


def structural_schema(model: type[BaseModel], *, defaults: bool = True) -> Schema:
    """Return the structural schema of a model, in camelCase.

    ``defaults``: whether the API server fills defaults in; what somebody reports is theirs alone.
    """
    schema = json_schema(model, by_alias=True)
    return _Converter(schema.get("$defs", {}), defaults=defaults).convert(schema, model.__name__)


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """Return the schema without a reference and without null among its types; what stands beside them wins."""
    while "$ref" in schema or _nullable(schema):
        beside = {key: value for key, value in schema.items() if key not in {"$ref", "anyOf"}}
        if "$ref" in schema:
            inner = definitions[schema["$ref"].removeprefix("#/$defs/")]
        else:
            options = [option for option in schema["anyOf"] if option != {"type": "null"}]
            inner = options[0] if len(options) == 1 else {"anyOf": options}
            if beside.get("default", ...) is None:
                del beside["default"]
        schema = inner | beside
    return schema


class _Converter:
    def __init__(self, definitions: Schema, *, defaults: bool) -> None:
        self._definitions = definitions
        self._defaults = defaults

    def convert(self, schema: Schema, path: str) -> Schema:
        """Return the structural form of one schema; ``path`` names it in errors."""
        schema = resolved(schema, self._definitions)
        unknown = schema.keys() - _CONVERTED - set(_COPIED)
        if unknown:
            raise UnconvertibleError(f"{path}: no structural schema has {', '.join(sorted(unknown))}")
        converted: Schema = {}
        if "description" in schema:
            converted["description"] = prose(schema["description"])
        converted |= {key: schema[key] for key in _COPIED if key in schema}
        if not self._defaults:
            converted.pop("default", None)
        elif isinstance(default := converted.get("default"), dict):
            # An optional field that is absent from a default is absent, not null.
            converted["default"] = {key: value for key, value in default.items() if value is not None}
        if "const" in schema:
            converted["enum"] = [schema["const"]]
        if "anyOf" in schema and "x-kubernetes-int-or-string" not in schema:
            raise UnconvertibleError(f"{path}: a union of types; make it one type, or separate optional fields")
        converted |= _inclusive_bounds(schema, path)
        converted |= self._children(schema, path)
        validations = [*_pattern_validation(schema, path), *schema.get("x-kubernetes-validations", [])]
        if validations:
            converted["x-kubernetes-validations"] = validations
        return converted

    def _children(self, schema: Schema, path: str) -> Schema:
        children: Schema = {}
        if "properties" in schema:
            children["properties"] = {
                name: self.convert(child, f"{path}.{name}") for name, child in schema["properties"].items()
            }
        if "items" in schema:
            children["items"] = self.convert(schema["items"], f"{path}[]")
        match schema.get("additionalProperties", False):
            case False:
                pass  # The API server refuses unknown fields by itself.
            case True:
                children["x-kubernetes-preserve-unknown-fields"] = True
            case values if values := resolved(values, self._definitions):
                children["additionalProperties"] = self.convert(values, f"{path}.*")
            case _:
                children["x-kubernetes-preserve-unknown-fields"] = True
        return children


def prose(docstring: str) -> str:
    """Return a docstring as one line for people."""
    return " ".join(docstring.split()).replace("``", "`")


def _nullable(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", [])


def _inclusive_bounds(schema: Schema, path: str) -> Schema:
    bounds = {}
    for key, bound, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        if key in schema:
            if schema.get("type") != "integer":
                raise UnconvertibleError(f"{path}: an exclusive bound of a {schema.get('type')}; use an inclusive one")
            bounds[bound] = schema[key] + step
    return bounds


def _pattern_validation(schema: Schema, path: str) -> list[Schema]:
    """Return the pattern as a rule, because a rule can say in words what to write."""
    if "pattern" not in schema:
        return []
    if X_SAYS not in schema:
        raise UnconvertibleError(f"{path}: a pattern without a sentence; use trading_api.fields.Matches")
    return [{"rule": f"self.matches(r'{schema['pattern']}')", "message": schema[X_SAYS]}]
