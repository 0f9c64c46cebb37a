"""Kubernetes' strategic merge, for pod specs: maps merge, some lists merge by a key, other lists are replaced.

Merge directives (``$patch`` and its kin) are not supported; the API refuses them. A null removes a field.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trading_operator.objects import Json

MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "resourceClaims": ("name",),
    "env": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "ports": ("containerPort", "protocol"),
}
"""Field of a pod or a container to what tells the items of its list apart, as in Kubernetes' own API types."""

_KEY_DEFAULTS = {"protocol": "TCP"}


def strategic_merge(base: Json, patch: Json, field: str = "") -> Json:
    """Return ``base`` with ``patch`` merged in; neither is changed.

    ``field`` is the name of the field that holds both, which decides how lists merge.
    """
    if isinstance(base, dict) and isinstance(patch, dict):
        return _merge_maps(base, patch)
    if isinstance(base, list) and isinstance(patch, list) and field in MERGE_KEYS:
        return _merge_lists(base, patch, MERGE_KEYS[field])
    return _without_nulls(patch)


def _merge_maps(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for field, value in patch.items():
        if value is None:
            merged.pop(field, None)
        else:
            merged[field] = strategic_merge(base.get(field), value, field)
    return merged


def _merge_lists(base: Sequence[Any], patch: Sequence[Any], keys: tuple[str, ...]) -> list[Any]:
    """Patch the items that both lists have, in the order of ``base``; append the others in the order of ``patch``."""
    merged = {_identity(item, keys): item for item in base}
    for item in patch:
        identity = _identity(item, keys)
        merged[identity] = strategic_merge(merged[identity], item) if identity in merged else _without_nulls(item)
    return list(merged.values())


def _identity(item: Json, keys: tuple[str, ...]) -> tuple[Any, ...]:
    if not isinstance(item, dict):
        return (repr(item),)
    return tuple(item.get(key, _KEY_DEFAULTS.get(key)) for key in keys)


def _without_nulls(value: Json) -> Json:
    """Return what a patch adds where there was nothing: a null adds nothing."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
