"""From text and objects to models and back, with errors that say where and what to write instead.

Everything passes through JSON, because that is what an API server and a file hold: a number is never taken for a text,
nor a text for a number.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from trading_api.deployment import ObjectMeta, TradingDeployment, TradingDeploymentSpec
from trading_api.errors import FieldError, InvalidDocument, Location, explain, json_path
from trading_api.node_config import NodeConfig
from trading_api.partial import broken_rules
from trading_api.risk import RiskLimits
from trading_api.rules import Spelling
from trading_api.status import TradingDeploymentStatus

__all__ = [
    "FieldError",
    "InvalidDocument",
    "dump_node_config",
    "load_json",
    "node_config_of",
    "parse_deployment",
    "parse_metadata",
    "parse_node_config",
    "to_dict",
    "to_spec_dict",
]

MAX_DEPTH = 64
"""Deepest nesting of a document."""


def parse_deployment(obj: Mapping[str, Any]) -> TradingDeployment:
    """Return the model of a TradingDeployment as the API server or a YAML file holds it.

    Raises InvalidDocument with every fault of metadata and spec. A status that cannot be read counts as absent: it is
    a report, maybe of another version, and is written anew.
    """
    document = {key: value for key, value in obj.items() if key != "status"}
    deployment = _validate(TradingDeployment, document, Spelling.CAMEL)
    return deployment.model_copy(update={"status": _parse_status(obj.get("status"))})


def parse_metadata(obj: Mapping[str, Any]) -> ObjectMeta:
    """Return the metadata of an object whose spec may be invalid.

    Raises InvalidDocument if the metadata itself is not an object's.
    """
    return _validate(ObjectMeta, obj.get("metadata", {}), Spelling.CAMEL)


def parse_node_config(text: str | bytes) -> NodeConfig:
    """Return the run-config that a JSON text holds.

    Raises InvalidDocument with every fault.
    """
    return node_config_of(load_json(text))


def node_config_of(document: object) -> NodeConfig:
    """Return the run-config that a document of JSON holds.

    Raises InvalidDocument with every fault, also of the rules between fields that are well.
    """
    try:
        return _validate(NodeConfig, document, Spelling.SNAKE)
    except InvalidDocument as error:
        if isinstance(error.__cause__, ValidationError):
            raise InvalidDocument([*error.errors, *broken_rules(NodeConfig, document, Spelling.SNAKE)]) from error
        raise


def parse_limits(text: str | bytes) -> RiskLimits:
    """Return the limits that a limits file holds, spelled as in the run-config.

    Raises InvalidDocument with every fault.
    """
    return _validate(RiskLimits, load_json(text), Spelling.SNAKE)


def dump_node_config(config: NodeConfig) -> str:
    """Return the canonical text of a run-config: the same config gives the same bytes."""
    document = config.model_dump(mode="json", by_alias=False, exclude_none=True)
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def to_dict(model: BaseModel) -> dict[str, Any]:
    """Return a model as Kubernetes spells it: camelCase, without absent fields, with defaults written out."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def to_spec_dict(spec: TradingDeploymentSpec) -> dict[str, Any]:
    """Return a spec as the API server holds it, with defaults written out."""
    return to_dict(spec)


def _validate[Model: BaseModel](model: type[Model], document: object, spelling: Spelling) -> Model:
    foreign = list(_not_json(document, ()))
    if foreign:
        raise InvalidDocument(foreign)
    try:
        return model.model_validate_json(
            json.dumps(document),
            strict=True,
            context=spelling,
            by_alias=spelling is Spelling.CAMEL,
            by_name=spelling is Spelling.SNAKE,
        )
    except ValidationError as error:
        raise InvalidDocument(explain(error, model, spelling)) from error


def _parse_status(status: object) -> TradingDeploymentStatus:
    document = {**status} if isinstance(status, Mapping) else {}
    for without in ((), ("node",)):
        readable = {key: value for key, value in document.items() if key not in without}
        try:
            return TradingDeploymentStatus.model_validate_json(
                json.dumps(readable), strict=True, extra="ignore", by_alias=True, by_name=False
            )
        except (ValueError, TypeError, RecursionError):
            continue
    return TradingDeploymentStatus()


def _not_json(value: object, location: Location) -> Iterator[FieldError]:
    """Yield what JSON cannot say, such as the dates that YAML makes of ``2026-01-01``."""
    if len(location) > MAX_DEPTH:
        yield FieldError("", f"nested deeper than {MAX_DEPTH} levels: write it flatter")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str):
                yield from _not_json(item, (*location, key))
            else:
                yield FieldError(json_path(location), f"the key {key!r} is no text: put it in quotes")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_json(item, (*location, index))
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  # NaN alone differs from itself
            yield FieldError(json_path(location), f"{value} is no number of JSON: write a finite one")
    elif not isinstance(value, str | int | bool | None):
        yield FieldError(json_path(location), f"{value} is read as a {type(value).__name__}: put it in quotes")


def load_json(text: str | bytes) -> object:
    """Return what a JSON text holds, of which no key is written twice. Raises InvalidDocument."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        message = "is not UTF-8: save the file as UTF-8"
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        message = f"nested deeper than {MAX_DEPTH} levels: write it flatter"
    except ValueError as error:
        message = f"is not JSON: {error}"
    raise InvalidDocument([FieldError("", message)])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"{', '.join(twice)} is written twice in one object: keep one")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON: write a finite one")
