"""A run-config as it takes effect, for a person: with every default, and without what nobody is to read."""

import json
import re
from collections.abc import Callable
from typing import Any, cast, override

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import WithDefaultSchema

from trading_api.node_config import NodeConfig
from trading_node.redaction import SUSPECT_WORDS
from trading_node.run_config.load import RunConfig
from trading_node.run_config.variables import Place, Text

HIDDEN = "<hidden>"
_SECRET_FIELD = re.compile(rf"(?i){SUSPECT_WORDS}")
"""Names of fields in a strategy's config that hold what a run-config should not hold; they are hidden all the same."""
_VARIABLES = re.compile(r"(?:\$\{[A-Za-z_]\w*\}:?)+")
"""A text that is nothing but variables, without a default."""
_IN_URLS = re.compile(
    r"(?P<before>[a-zA-Z][\w+.-]*://)(?P<userinfo>[^\s@/?#]+|[^\s@/?#]*:[^\s@]*)@"
    r"|(?P<before_option>[?&][^=&\s]*(?:secret|pass|pwd|token|key)[^=&\s]*=)(?P<option>[^&\s]+)",
    re.IGNORECASE,
)
"""What stands before a URL's host, and options that hold a secret."""


def effective_document(loaded: RunConfig) -> dict[str, Any]:
    """Return the whole run-config with defaults; a text with variables is shown as the file has it.

    It is a run-config again, and the same one, unless something was hidden.
    """
    document = loaded.config.model_dump(mode="json", by_alias=False, exclude_none=True)
    shown: dict[str, Any] = _show(document, (), loaded.expanded.texts)
    for strategy in shown["trading_node"]["strategies"]:
        strategy["config"] = _hide_fields(strategy["config"])
    hidden: dict[str, Any] = _hide_in_urls(shown)
    return hidden


def effective_text(loaded: RunConfig) -> str:
    """Return the effective run-config as a file holds it."""
    return json.dumps(effective_document(loaded), indent=2, ensure_ascii=False) + "\n"


def schema_text() -> str:
    """Return the JSON schema of the run-config, for editors."""
    schema = NodeConfig.model_json_schema(by_alias=False, schema_generator=_SchemaWithDefaults)
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(_without_extensions(described), indent=2, ensure_ascii=False) + "\n"


class _SchemaWithDefaults(GenerateJsonSchema):
    """Writes out the defaults that are made anew for each object too."""

    @override
    def get_default_value(self, schema: WithDefaultSchema) -> Any:
        if "default_factory" not in schema or schema.get("default_factory_takes_data"):
            return super().get_default_value(schema)
        return cast("Callable[[], Any]", schema["default_factory"])()


def _show(value: Any, place: Place, texts: Any) -> Any:  # noqa: ANN401  # any JSON
    text: Text | None = texts.get(place)
    if text is not None:
        return text.template
    if isinstance(value, dict):
        return {key: _show(item, (*place, key), texts) for key, item in value.items()}
    if isinstance(value, list):
        return [_show(item, (*place, index), texts) for index, item in enumerate(value)]
    return value.replace("${", "$${") if isinstance(value, str) else value


def _hide_fields(value: Any) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        return {
            key: _hide(item) if _SECRET_FIELD.search(key) is not None else _hide_fields(item)
            for key, item in value.items()
        }
    return [_hide_fields(item) for item in value] if isinstance(value, list) else value


def _hide(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """Return what is shown of a secret: the variable that it comes from, where that is all of it."""
    is_harmless = value is None or isinstance(value, bool) or value == ""
    return value if is_harmless or (isinstance(value, str) and _VARIABLES.fullmatch(value)) else HIDDEN


def _hide_in_urls(value: Any) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        return {key: _hide_in_urls(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide_in_urls(item) for item in value]
    return _IN_URLS.sub(_hidden_in_url, value) if isinstance(value, str) else value


def _hidden_in_url(match: re.Match[str]) -> str:
    userinfo = match["userinfo"]
    secret = userinfo or match["option"]
    shown = secret if _VARIABLES.fullmatch(secret) else HIDDEN
    return f"{match['before']}{shown}@" if userinfo else f"{match['before_option']}{shown}"


def _without_extensions(value: Any) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        return {key: _without_extensions(item) for key, item in value.items() if not key.startswith("x-")}
    return [_without_extensions(item) for item in value] if isinstance(value, list) else value
