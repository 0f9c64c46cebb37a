"""What a desk may change of the node's pod, and what it may not.

The patch itself is free-form: the API server checks the pod when the operator makes it. What the operator must keep
is declared here, so that the API server can refuse a change of it at once.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, JsonValue

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
    "terminationGracePeriodSeconds": "the operator sets it from the node's stop budget: remove this field",
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


def containers_of(spec: JsonObject) -> list[JsonObject]:
    """Return the containers of a pod spec patch, whatever else it holds in their place."""
    containers = spec.get("containers")
    return [item for item in containers if isinstance(item, dict)] if isinstance(containers, list) else []


def _node_containers(spec: JsonObject) -> list[JsonObject]:
    return [container for container in containers_of(spec) if container.get("name") == wiring.NODE_CONTAINER]


def _node_env_names(spec: JsonObject) -> Iterator[str]:
    for container in _node_containers(spec):
        env = container.get("env")
        for item in env if isinstance(env, list) else []:
            name = item.get("name") if isinstance(item, dict) else None
            if isinstance(name, str):
                yield name


def _directives(value: JsonValue) -> Iterator[str]:
    """Yield the merge directives in a patch, such as ``$patch``, wherever they are."""
    if isinstance(value, dict):
        yield from (key for key in value if key.startswith("$"))
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _directives(item)


def _well_formed_containers(spec: JsonObject) -> bool:
    """Tell whether the containers have the shape that POD_SPEC_SCHEMA asks for."""
    containers = spec.get("containers", [])
    if not isinstance(containers, list):
        return False
    return len(containers_of(spec)) == len(containers) and all(
        isinstance(container.get("name"), str)
        and all(
            isinstance(item, dict) and isinstance(item.get("name"), str) for item in _list(container.get("env", []))
        )
        for container in containers_of(spec)
    )


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [None]


def _cel_of_node_container(condition: str) -> str:
    """Return the CEL that holds when the node's container, where patched, meets a condition over ``c``."""
    # Through the field itself and not a ternary, which would lose the bounds that keep the estimated cost low.
    return (
        f"!has(self.spec.containers) || self.spec.containers.all(c, c.name != '{wiring.NODE_CONTAINER}' || {condition})"
    )


def _forbidden_in_pod(field: str, says: str) -> Rule:
    return Rule(
        at=f"spec.{field}",
        cel=f"!has(self.spec.{field})",
        holds=lambda template: template.spec.get(field) is None,
        says=says,
    )


def _forbidden_in_node_container(field: str, says: str) -> Rule:
    return Rule(
        at="spec.containers",
        cel=_cel_of_node_container(f"!has(c.{field})"),
        holds=lambda template: all(container.get(field) is None for container in _node_containers(template.spec)),
        says=f"container {wiring.NODE_CONTAINER}: {says}",
    )


_TEXT = {"type": "string", "maxLength": 4096}
_TEXTS = {"type": "array", "maxItems": 64, "items": _TEXT}
_CONTAINER_SCHEMA = {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": True,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 63, "description": "Name of the container; the node's is ``node``."},
        "image": _TEXT | {"description": "Image of a further container; not for the container ``node``."},
        "command": _TEXTS | {"description": "Command of a further container; not for the container ``node``."},
        "args": _TEXTS | {"description": "Arguments of a further container; not for the container ``node``."},
        "env": {
            "type": "array",
            "maxItems": 128,
            "description": "Environment; in the container ``node`` without names that start with TRADING_.",
            "items": {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "required": ["name"],
                "properties": {"name": {"type": "string", "maxLength": 256, "description": "Name of the variable."}},
            },
        },
    },
}
POD_SPEC_SCHEMA: dict[str, Any] = {
    "properties": {
        **{field: _TEXT | {"description": f"Not allowed: {says}."} for field, says in FORBIDDEN_IN_POD.items()},
        "terminationGracePeriodSeconds": {
            "type": "integer",
            "format": "int64",
            "description": f"Not allowed: {FORBIDDEN_IN_POD['terminationGracePeriodSeconds']}.",
        },
        "containers": {
            "type": "array",
            "maxItems": 16,
            "items": _CONTAINER_SCHEMA,
            "description": "Patches of the container ``node``, merged by name, and further containers.",
        },
    }
}
"""The part of the free-form patch that the API server can see, because rules speak of it."""


class PodTemplate(ApiModel):
    """A strategic merge patch over the node's pod."""

    metadata: PodTemplateMetadata = PodTemplateMetadata()
    """Labels and annotations for the pod."""
    spec: JsonObject = Field(default_factory=dict, max_length=64, json_schema_extra=POD_SPEC_SCHEMA)
    """Pod spec fields: resources, nodeSelector, tolerations and so on. The node's container is named ``node``. Its
    command, arguments, image and TRADING_ environment, and the pod's service account, restart policy and grace period
    belong to the operator."""

    rules = (
        *(_forbidden_in_pod(field, says) for field, says in FORBIDDEN_IN_POD.items()),
        *(_forbidden_in_node_container(field, says) for field, says in FORBIDDEN_IN_NODE_CONTAINER.items()),
        Rule(
            at="spec.containers",
            cel=_cel_of_node_container(f"!has(c.env) || c.env.all(e, !e.name.startsWith('{RESERVED_ENV_PREFIX}'))"),
            holds=lambda template: (
                not any(name.startswith(RESERVED_ENV_PREFIX) for name in _node_env_names(template.spec))
            ),
            says=f"container {wiring.NODE_CONTAINER}: the operator sets the variables that start with"
            f" {RESERVED_ENV_PREFIX}: choose another name",
        ),
        Rule(
            at="spec.containers",
            cel=None,
            holds=lambda template: _well_formed_containers(template.spec),
            says="write a list of containers, each with a name; env is a list of variables, each with a name",
        ),
        RuleOfEach(
            at="spec",
            cel=None,
            offenders=lambda template: sorted(set(_directives(template.spec))),
            says="merge directives are not supported: leave the field out instead",
        ),
    )
