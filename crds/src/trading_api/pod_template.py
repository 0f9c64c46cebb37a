"""What a desk may change of the node's pod, and what it may not.

The patch is free-form: the API server checks the pod when the operator makes it. The fields that rules speak of are
modelled all the same, so that the API server can refuse a change of them at once.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue
from pydantic.alias_generators import to_snake
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from trading_api import wiring
from trading_api.base import ApiModel
from trading_api.fields import Matches
from trading_api.rules import Rule, RuleOfEach

RESERVED_LABEL_PREFIXES = (f"{wiring.GROUP}/", "app.kubernetes.io/")
RESERVED_ANNOTATION_PREFIXES = (f"{wiring.GROUP}/",)
RESERVED_ENV_PREFIX = "TRADING_"

FORBIDDEN_IN_POD: Mapping[str, str] = {
    "serviceAccountName": "the node runs under a service account that the operator makes: remove this field",
    "serviceAccount": "the node runs under a service account that the operator makes: remove this field",
    "restartPolicy": "a StatefulSet takes no other than Always: remove this field",
    "terminationGracePeriodSeconds": "it follows from spec.drain.timeout: write the time there and remove this field",
}
"""Field of the pod to why it cannot be set and what to do."""
FORBIDDEN_IN_NODE_CONTAINER: Mapping[str, str] = {
    "command": "the operator starts the node: remove command, and build what is needed into the image",
    "args": "the operator starts the node: remove args, and set what is needed in the spec",
    "image": "the node's image is spec.image: write it there and remove it here",
}
"""Field of the node's container to why it cannot be set and what to do."""

_QUALIFIED_NAME = r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"

type JsonObject = dict[str, JsonValue]

LabelValue = Annotated[
    str,
    Field(max_length=63),
    Matches(
        r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
        "write letters, digits, '-', '_' and '.', with a letter or digit at both ends, such as desk-a",
    ),
]
AnnotationValue = Annotated[str, Field(max_length=8192)]
LongText = Annotated[str, Field(max_length=4096)]


def _reserved(keys: str, prefixes: tuple[str, ...]) -> RuleOfEach:
    starts = " || ".join(f"k.startsWith('{prefix}')" for prefix in prefixes)
    return RuleOfEach(
        at=keys,
        cel=f"self.{keys}.filter(k, {starts})",
        offenders=lambda metadata: (key for key in getattr(metadata, keys) if key.startswith(prefixes)),
        says=f"the operator alone writes {' and '.join(prefixes)}: choose another prefix, such as desk.example.com/",
    )


def _qualified(keys: str) -> RuleOfEach:
    pattern = re.compile(_QUALIFIED_NAME, re.ASCII)
    return RuleOfEach(
        at=keys,
        cel=f"self.{keys}.filter(k, k.size() > 253 || !k.matches(r'^{_QUALIFIED_NAME}$'))",
        offenders=lambda metadata: (
            key for key in getattr(metadata, keys) if len(key) > 253 or pattern.fullmatch(key) is None
        ),
        says="write a name or prefix/name of letters, digits, '-', '_' and '.', such as desk.example.com/team",
    )


class PodTemplateMetadata(ApiModel):
    """Labels and annotations that the pod gets in addition."""

    labels: dict[str, LabelValue] = Field(default_factory=dict, max_length=64)
    """Labels for the pod, outside trading-operator.io/ and app.kubernetes.io/."""
    annotations: dict[str, AnnotationValue] = Field(default_factory=dict, max_length=64)
    """Annotations for the pod, outside trading-operator.io/."""

    rules = (
        _reserved("labels", RESERVED_LABEL_PREFIXES),
        _qualified("labels"),
        _reserved("annotations", RESERVED_ANNOTATION_PREFIXES),
        _qualified("annotations"),
    )


class VariablePatch(ApiModel):
    """One variable of a container's environment."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(max_length=256)]
    """Name of the variable."""


def _not_of_the_node(field: str, says: str) -> Rule:
    return Rule(
        at=field,
        cel=f"self.name != '{wiring.NODE_CONTAINER}' || !has(self.{field})",
        holds=lambda container: container.name != wiring.NODE_CONTAINER or getattr(container, field) is None,
        says=says,
    )


class ContainerPatch(ApiModel):
    """The node's container, or a further one. Other fields are Kubernetes' own."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(max_length=63)]
    """Name of the container; the node's is ``node``."""
    image: LongText | None = None
    """Image of a further container; the node's is ``spec.image``."""
    command: Annotated[tuple[LongText, ...], Field(max_length=64)] | None = None
    """Command of a further container."""
    args: Annotated[tuple[LongText, ...], Field(max_length=64)] | None = None
    """Arguments of a further container."""
    env: Annotated[tuple[VariablePatch, ...], Field(max_length=128)] | None = None
    """Environment; the node's own variables start with TRADING_."""

    rules = (
        *(_not_of_the_node(field, says) for field, says in FORBIDDEN_IN_NODE_CONTAINER.items()),
        Rule(
            at="env",
            cel=f"self.name != '{wiring.NODE_CONTAINER}' || !has(self.env)"
            f" || self.env.all(e, !e.name.startsWith('{RESERVED_ENV_PREFIX}'))",
            holds=lambda container: (
                container.name != wiring.NODE_CONTAINER
                or not any(variable.name.startswith(RESERVED_ENV_PREFIX) for variable in container.env or ())
            ),
            says=f"the operator sets the node's variables that start with {RESERVED_ENV_PREFIX}: choose another name",
        ),
    )


def _forbidden(field: str, says: str) -> Rule:
    return Rule(
        at=to_snake(field),
        cel=f"!has(self.{field})",
        holds=lambda spec: getattr(spec, to_snake(field)) is None,
        says=says,
    )


class PodSpecPatch(ApiModel):
    """What rules speak of in a patch of the pod's spec. Other fields are Kubernetes' own."""

    model_config = ConfigDict(extra="allow")

    containers: Annotated[tuple[ContainerPatch, ...], Field(max_length=16)] | None = None
    """Patches of the container ``node``, by name, and further containers."""
    service_account_name: LongText | None = None
    """Not allowed: the operator makes the node's service account."""
    service_account: LongText | None = None
    """Not allowed: the operator makes the node's service account."""
    restart_policy: LongText | None = None
    """Not allowed: a StatefulSet takes no other than Always."""
    termination_grace_period_seconds: int | None = None
    """Not allowed: it follows from ``spec.drain.timeout``."""

    rules = tuple(_forbidden(field, says) for field, says in FORBIDDEN_IN_POD.items())


@dataclass(frozen=True)
class CheckedAs:
    """A free-form object that is checked as a model, and kept as it is."""

    model: type[ApiModel]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the object after everything that stands before this in the annotation."""

        def check(value: JsonObject) -> JsonObject:
            self.model.model_validate_json(json.dumps(value), strict=True, by_alias=True, by_name=False)
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Show the model's fields."""
        shown = self.model.__get_pydantic_json_schema__(self.model.__pydantic_core_schema__, handler)
        return handler(schema) | handler.resolve_ref_schema(shown)


def _directives(value: JsonValue) -> Iterator[str]:
    """Yield the merge directives in a patch, such as ``$patch``, wherever they are."""
    if isinstance(value, dict):
        yield from (key for key in value if key.startswith("$"))
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _directives(item)


class PodTemplate(ApiModel):
    """A strategic merge patch over the node's pod."""

    metadata: PodTemplateMetadata = PodTemplateMetadata()
    """Labels and annotations for the pod."""
    spec: Annotated[JsonObject, Field(max_length=64), CheckedAs(PodSpecPatch)] = Field(default_factory=dict)
    """Pod spec fields: resources, nodeSelector, tolerations and so on. The node's container is named ``node``; its
    command, arguments, image and TRADING_ environment, and the pod's service account, restart policy and grace period
    belong to the operator."""

    rules = (
        RuleOfEach(
            at="spec",
            cel=None,
            offenders=lambda template: sorted(set(_directives(template.spec))),
            says="merge directives are not supported: leave the field out instead",
        ),
    )
